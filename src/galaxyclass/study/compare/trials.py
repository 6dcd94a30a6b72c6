"""The trials of a comparison: every recipe with every combination of the varied settings."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Settings
from galaxyclass.errors import RecipeError
from galaxyclass.recipes.read import load_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.recipes.settings import as_assignments, value_text

#: Longer folder names are cut and end in a digest.
_LONGEST = 120


@dataclass(frozen=True)
class Trial:
    """One training of a comparison.

    Attributes
    ----------
    name : str
        Its folder's: the recipe and the varied settings.
    recipe : str
        As given: a shipped recipe's name, or a TOML file.
    varied : mapping
        Varied setting -> its value here, as text.
    settings : tuple of str
        All changes to the recipe, ``section.key=value`` each.
    resolved : Recipe
        With the changes made.
    """

    name: str
    recipe: str
    varied: Mapping[str, str]
    settings: tuple[str, ...]
    resolved: Recipe


def parse_variations(texts: Sequence[str]) -> dict[str, list[str]]:
    """Read ``section.key=value,value,…``, each a setting to vary.

    Commas within brackets or quotes belong to a value. A setting that is named twice has the
    values of both.

    Raises
    ------
    RecipeError
        A text is not of that form.

    Examples
    --------
    >>> parse_variations(["optimizer.lr=0.1,0.01", "augmentation.zoom=[0.9, 1.1],[1, 1]"])
    {'optimizer.lr': ['0.1', '0.01'], 'augmentation.zoom': ['[0.9, 1.1]', '[1, 1]']}
    """
    vary: dict[str, list[str]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        listed = [value.strip() for value in _split(values)]
        if not equals or not key.strip() or not all(listed):
            raise RecipeError(
                f"`vary`: {text!r} is not values of a setting",
                wanted="SECTION.KEY=VALUE,VALUE,…, for instance optimizer.lr=0.1,0.01",
            )
        vary.setdefault(key.strip(), []).extend(listed)
    return vary


def make_trials(
    recipes: Sequence[str | Path],
    vary: Mapping[str, Sequence[Any]],
    settings: Settings = (),
) -> tuple[Trial, ...]:
    """Every recipe with every combination of the varied settings; equal ones once.

    Parameters
    ----------
    recipes : sequence of str or Path
        Shipped recipes' names, or TOML files.
    vary : mapping
        Setting -> its values: text as `load_recipe` reads it, or numbers, booleans and lists.
    settings : mapping or sequence of str
        Changes that all trials share: setting -> its value, or ``section.key=value`` each.

    Raises
    ------
    RecipeError
        Nothing to compare; a setting is both varied and set; invalid recipes or settings, all
        reported together, before anything is trained.

    Examples
    --------
    >>> trials = make_trials(["fast"], {"optimizer.lr": [0.1, 0.01, "0.10"]})
    >>> [trial.name for trial in trials]
    ['fast_optimizer.lr=0.1', 'fast_optimizer.lr=0.01']
    """
    if not recipes:
        raise RecipeError("nothing to compare", wanted="at least one recipe")
    shared = as_assignments(settings)
    set_too = {text.partition("=")[0].strip() for text in shared} & set(vary)
    if set_too:
        raise RecipeError(
            f"{', '.join(sorted(set_too))}: both varied and set", hint="leave one of them out"
        )
    trials: dict[str, Trial] = {}
    problems: list[str] = []
    combinations = itertools.product(
        *([value_text(value) for value in values] for values in vary.values())
    )
    for recipe, values in itertools.product(map(str, recipes), list(combinations)):
        varied = dict(zip(vary, values, strict=True))
        changes = (*shared, *(f"{key}={value}" for key, value in varied.items()))
        try:
            resolved = load_recipe(recipe, changes)
        except RecipeError as error:
            problems.append(str(error))
            continue
        same = f"{recipe} {resolved.model_dump_json()}"
        if same not in trials:
            name = _name(recipe, varied, {trial.name for trial in trials.values()})
            trials[same] = Trial(name, recipe, varied, changes, resolved)
    if problems:
        raise RecipeError(
            "the comparison was not begun: some of its recipes or settings are invalid",
            got="\n".join(dict.fromkeys(problems)),
        )
    return tuple(trials.values())


def _split(text: str) -> list[str]:
    """Split at the commas that stand in no bracket and no quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        if character == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _name(recipe: str, varied: Mapping[str, str], names: set[str]) -> str:
    """A unique folder name that describes the trial."""
    whole = "_".join([Path(recipe).stem, *(f"{key}={value}" for key, value in varied.items())])
    name = re.sub(r"[^\w.=+-]+", "-", whole)
    if len(name) > _LONGEST or name in names:
        digest = hashlib.blake2b(f"{recipe} {whole}".encode(), digest_size=4).hexdigest()
        name = f"{name[:_LONGEST]}-{digest}"
    return name
