"""Exploration: what a table of votes or classes holds, in numbers and pictures."""
