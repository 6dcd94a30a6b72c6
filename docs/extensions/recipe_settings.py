"""The settings of recipes, made of their types: what each means, and its default."""

from __future__ import annotations

import re
import typing
from typing import Any, Literal

from docutils import nodes
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from extensions.words import block, entry, paragraph, section
from galaxyclass.recipes.read import RECIPES, recipe_text
from galaxyclass.recipes.recipe import Recipe


class RecipeSettings(SphinxDirective):
    """A section for each section of a recipe, with all its settings."""

    def run(self) -> list[nodes.Node]:
        made: list[nodes.Node] = []
        for name, field in Recipe.model_fields.items():
            model = field.annotation
            if name == "about" or not (isinstance(model, type) and issubclass(model, BaseModel)):
                continue
            entries = [
                entry(
                    f"{name}.{key}", _remark(each), each.description or "", f"setting-{name}.{key}"
                )
                for key, each in model.model_fields.items()
            ]
            about = (model.__doc__ or "").strip().partition("\n")[0]
            settings = nodes.definition_list("", *entries, classes=["options"])
            made.append(section(name, f"settings-{name}", paragraph(about), settings))
        return made


class ShippedRecipes(SphinxDirective):
    """The text of each recipe that comes with the package."""

    def run(self) -> list[nodes.Node]:
        return [
            section(name, f"recipe-{name}", block(recipe_text(name), "toml")) for name in RECIPES
        ]


def _remark(field: FieldInfo) -> str:
    """The kind of a setting and its default: ``number, 0.2``."""
    kind = _kind(field.annotation)
    if field.is_required():
        return f"{kind}; stated by each recipe"
    default = field.get_default(call_default_factory=True)
    return f"{kind}; {_shown(default)}"


def _kind(annotation: Any) -> str:
    if typing.get_origin(annotation) is Literal:
        return " | ".join(map(str, typing.get_args(annotation)))
    names = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    if annotation in names:
        return names[annotation]
    parts = [part for part in typing.get_args(annotation) if part is not type(None)]
    if type(None) in typing.get_args(annotation) and len(parts) == 1:
        return _kind(parts[0])
    if typing.get_origin(annotation) is tuple:
        return "list"
    return " or ".join(dict.fromkeys(map(_kind, parts))) or re.sub(r"^.*\.", "", str(annotation))


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value) if isinstance(value, tuple) else value)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("recipe-settings", RecipeSettings)
    app.add_directive("shipped-recipes", ShippedRecipes)
    return {"parallel_read_safe": True}
