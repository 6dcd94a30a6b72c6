"""Catalogs of galaxies: ids, images, targets and parts, read from a table or folders."""
