"""Packs: all cutouts of a data set in one memory map. Layout, writing and reading."""
