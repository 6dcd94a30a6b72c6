"""Catalogs, their checks and splits, and the data sets that are made of them."""
