"""Changes to a recipe, however they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

from galaxyclass.arguments import Settings


def as_assignments(settings: Settings) -> tuple[str, ...]:
    """Changes to a recipe as text, ``section.key=value`` each.

    Parameters
    ----------
    settings : mapping or sequence of str
        Setting -> its value, or such texts.

    Examples
    --------
    >>> as_assignments(
    ...     {"training.epochs": 3, "augmentation.zoom": [0.9, 1.1], "model.dropout": None}
    ... )
    ('training.epochs=3', 'augmentation.zoom=[ 0.9, 1.1, ]', 'model.dropout=none')
    """
    if isinstance(settings, Mapping):
        return tuple(f"{key}={value_text(value)}" for key, value in settings.items())
    return tuple(settings)


def value_text(value: Any) -> str:
    """A value as it stands after the equals sign: as TOML, and text as it is."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    plain = value.tolist() if hasattr(value, "tolist") else value  # a number of numpy
    plain = list(plain) if isinstance(plain, tuple) else plain
    try:
        written = tomli_w.dumps({"value": plain}).partition("=")[2]
    except TypeError:  # a value that TOML cannot hold: the recipe says what it wanted
        return str(value)
    return " ".join(written.split())
