"""Recipes: all settings of a training, as typed TOML."""
