"""Explanations: what of an image an answer rests on, and whether the map can be believed."""
