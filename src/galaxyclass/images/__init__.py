"""Images: reading by content, inspection, and the cutouts that a model sees."""
