"""Images: read by format, look at, and cut out what a model sees."""
