"""Changed settings of a recipe, as a mapping or as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

from galaxyclass.arguments import Settings
from galaxyclass.errors import RecipeError


def as_assignments(settings: Settings) -> tuple[str, ...]:
    """Changed settings of a recipe as texts, ``section.key=value`` each.

    Parameters
    ----------
    settings : mapping or sequence of str
        Setting -> its value, or such texts.

    Raises
    ------
    RecipeError
        A setting stands twice.

    Examples
    --------
    >>> as_assignments({"training.epochs": 3, "split.seed": None, "images.size": 64})
    ('training.epochs=3', 'split.seed=none', 'images.size=64')
    """
    if isinstance(settings, Mapping):
        return tuple(f"{key}={value_text(value)}" for key, value in settings.items())
    texts: dict[str, str] = {}
    for text in settings:
        key = text.partition("=")[0].strip()
        if key in texts:
            raise RecipeError(
                f"`settings`: {key} is set twice",
                argument="settings",
                got=f"{texts[key]} and {text}",
                hint="leave one of them out",
            )
        texts[key] = text
    return tuple(texts.values())


def value_text(value: Any) -> str:
    """The text of a value in ``key=value``: TOML, but strings without quotes."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    plain = value.tolist() if hasattr(value, "tolist") else value  # a numpy scalar
    plain = list(plain) if isinstance(plain, tuple) else plain
    try:
        text = tomli_w.dumps({"value": plain}).partition("=")[2]
    except TypeError:  # not a TOML value: the recipe's check says what is wanted
        return str(value)
    return " ".join(text.split())
