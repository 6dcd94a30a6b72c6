"""Recipes: everything that a training needs to know, as typed TOML."""

from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.read import RECIPES, load_recipe, parse_recipe, recipe_text, recipe_toml
from galaxyclass.recipes.recipe import (
    INVARIANT,
    Augmentation,
    Head,
    Loss,
    Model,
    Optimizer,
    Recipe,
    Schedule,
    Split,
    Training,
)

__all__ = [
    "INVARIANT",
    "RECIPES",
    "Augmentation",
    "Head",
    "Loss",
    "Model",
    "Optimizer",
    "Preprocessing",
    "Recipe",
    "Schedule",
    "Split",
    "Training",
    "load_recipe",
    "parse_recipe",
    "recipe_text",
    "recipe_toml",
]
