"""Galaxies that look alike, found by their embeddings: an index, queries, a gallery."""
