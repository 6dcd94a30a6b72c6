"""Training: from a recipe, images and a table to a run with a bundle, with Lightning."""
