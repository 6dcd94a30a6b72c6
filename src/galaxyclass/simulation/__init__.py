"""Galaxies with known morphology, and the volunteers who look at them."""
