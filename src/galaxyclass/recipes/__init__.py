"""Recipes: everything that a training needs to know, as typed TOML."""

from galaxyclass.recipes.preprocessing import Preprocessing

__all__ = ["Preprocessing"]
