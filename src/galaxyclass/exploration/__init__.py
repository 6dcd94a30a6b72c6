"""Exploration: the contents of a table of votes or classes, in numbers and figures."""
