"""Exporting a network as ONNX, compared with torch."""
