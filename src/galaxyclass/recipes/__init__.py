"""Recipes: everything that a training needs to know, as typed TOML."""
