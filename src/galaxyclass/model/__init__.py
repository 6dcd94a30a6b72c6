"""The model: bundles, ONNX, backends, test-time views, streaming, columns and writers."""
