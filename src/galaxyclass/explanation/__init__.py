"""Explanations: which parts of an image an answer rests on, and whether to believe it."""
