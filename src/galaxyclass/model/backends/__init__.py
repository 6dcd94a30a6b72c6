"""What runs a network: onnxruntime, OpenVINO or torch."""
