"""Simulated galaxies with known morphology, and simulated volunteers who classify them."""
