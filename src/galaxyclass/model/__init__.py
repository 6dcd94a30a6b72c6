"""The model: what predicts. Bundles, ONNX, backends, test-time views, streaming, columns, writers."""
