"""The settings that a search varies: ranges of numbers, and choices."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Settings
from galaxyclass.errors import RecipeError
from galaxyclass.recipes.read import as_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.recipes.settings import as_assignments, value_text

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"(log:)?\s*({_NUMBER})\s*\.\.\s*({_NUMBER})")
_WANTED = "log:1e-4..1e-2, 0..0.5, 8..64 or 32|64"


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``: whole ones, or any; evenly spread, or their logarithms."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def text(self, value: float) -> str:
        """A value as a setting."""
        return str(round(value)) if self.whole else f"{value:.6g}"

    @property
    def extremes(self) -> tuple[str, ...]:
        """The values that are checked before anything is trained."""
        return self.text(self.low), self.text(self.high)

    @property
    def words(self) -> str:
        """As it is written."""
        # 0.0 to 1.0 are any numbers, 0 to 1 whole ones: read again, it must be the same range.
        ends = (self.text(end) if self.whole else repr(end) for end in (self.low, self.high))
        return f"{'log:' if self.log else ''}{'..'.join(ends)}"


@dataclass(frozen=True)
class Choices:
    """Values to choose from, as texts."""

    values: tuple[str, ...]

    @property
    def extremes(self) -> tuple[str, ...]:
        """The values that are checked before anything is trained."""
        return self.values

    @property
    def words(self) -> str:
        """As it is written."""
        return "|".join(self.values)


#: Setting -> what it may be.
Space = Mapping[str, Range | Choices]


def require_space(recipe: str | Path | Recipe, space: Mapping[str, Any]) -> None:
    """Refuse a search of nothing, with an example from the recipe.

    Raises
    ------
    RecipeError
    """
    if space:
        return
    rate = as_recipe(recipe).optimizer.lr
    raise RecipeError(
        "`space`: nothing to search",
        wanted=f"a setting and what it may be: SECTION.KEY={_WANTED}",
        hint=f"the learning rate of this recipe is {rate:g}; to search around it, give "
        f"optimizer.lr=log:{rate / 10:g}..{rate * 10:g}",
    )


def parse_space(vary: Mapping[str, Any]) -> dict[str, Range | Choices]:
    """Read what each setting may be.

    Parameters
    ----------
    vary : mapping
        Setting -> a text such as ``log:1e-4..1e-2``, ``0..0.5``, ``8..64`` (whole numbers) or
        ``32|64``; or a list of values.

    Raises
    ------
    RecipeError
        Names all that cannot be read.

    Examples
    --------
    >>> space = parse_space({"optimizer.lr": "log:1e-4..1e-2", "training.batch_size": [32, 64]})
    >>> space["optimizer.lr"]
    Range(low=0.0001, high=0.01, log=True, whole=False)
    >>> space["training.batch_size"].words
    '32|64'
    """
    space: dict[str, Range | Choices] = {}
    problems = []
    for key, wanted in vary.items():
        try:
            space[key] = _read(wanted)
        except ValueError as error:
            problems.append(f"{key}={wanted}: {error}")
    if problems:
        raise RecipeError(
            "`space`: what a setting may be",
            wanted=f"SECTION.KEY={_WANTED}",
            got="\n".join(problems),
        )
    return space


def parse_assignments(texts: Sequence[str]) -> dict[str, str]:
    """Read ``section.key=RANGE`` of the command line.

    Raises
    ------
    RecipeError
        A text is not of that form, or a setting stands twice.

    Examples
    --------
    >>> parse_assignments(["optimizer.lr=log:1e-4..1e-2"])
    {'optimizer.lr': 'log:1e-4..1e-2'}
    """
    vary: dict[str, str] = {}
    for text in texts:
        key, equals, wanted = text.partition("=")
        if not equals or not key.strip() or not wanted.strip() or key.strip() in vary:
            twice = "stands twice" if key.strip() in vary else "is not a setting and what it may be"
            raise RecipeError(f"`space`: {text!r} {twice}", wanted=f"SECTION.KEY={_WANTED}")
        vary[key.strip()] = wanted.strip()
    return vary


def check_space(recipe: str | Path | Recipe, space: Space, settings: Settings) -> None:
    """Refuse values that the recipe does not allow, before anything is trained.

    Raises
    ------
    RecipeError
        Names all of them.
    """
    shared = as_assignments(settings)
    repeated = {text.partition("=")[0].strip() for text in shared} & set(space)
    if repeated:
        raise RecipeError(
            f"{', '.join(sorted(repeated))}: both varied and set", hint="leave one of them out"
        )
    as_recipe(recipe, shared)
    problems = []
    for key, allowed in space.items():
        for value in allowed.extremes:
            try:
                as_recipe(recipe, [*shared, f"{key}={value}"])
            except RecipeError as error:
                problems.append(f"{key}={value}: {error.got or error.what}")
    if problems:
        raise RecipeError(
            "the search was not begun: the recipe does not allow some of these values",
            argument="space",
            got="\n".join(dict.fromkeys(problems)),
        )


def combinations_of(space: Space) -> float:
    """How many different trials there can be; infinite where a number need not be whole."""
    count = 1.0
    for allowed in space.values():
        if isinstance(allowed, Choices):
            count *= len(allowed.values)
        else:
            count *= allowed.high - allowed.low + 1 if allowed.whole else math.inf
    return count


def _read(wanted: Any) -> Range | Choices:
    if isinstance(wanted, list | tuple):
        values = tuple(dict.fromkeys(value_text(value) for value in wanted))
        if len(values) < 2:
            raise ValueError("fewer than two values")
        return Choices(values)
    if not isinstance(wanted, str):
        raise ValueError("neither a text nor a list")
    match = _RANGE.fullmatch(wanted.strip())
    if match is None:
        if ".." in wanted or wanted.startswith("log:"):
            raise ValueError("not two numbers")
        return _read([value.strip() for value in wanted.split("|")])
    low, high = float(match[2]), float(match[3])
    if not low < high:
        raise ValueError(f"{match[2]} is not below {match[3]}")
    if match[1] and low <= 0:
        raise ValueError("the logarithm of 0 and less")
    whole = all(re.fullmatch(r"[+-]?\d+", text) for text in (match[2], match[3]))
    return Range(low, high, log=bool(match[1]), whole=whole)
