"""A run's network as ONNX, compared with torch before it appears; and weights read back from it."""
