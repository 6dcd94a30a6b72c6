"""Explanations: the parts of an image that an answer rests on, and whether the map can be believed."""
