"""Backends that run a network: onnxruntime, OpenVINO or torch."""
