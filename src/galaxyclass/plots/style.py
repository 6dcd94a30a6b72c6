"""The one style of all figures: colour-blind safe, readable at half size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from galaxyclass.atomic import writing
from galaxyclass.extras import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Okabe and Ito's colours (2008), told apart by nearly everybody, most contrast first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")

_SETTINGS = {
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.labelsize": 13,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "none",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style inside this block; the user's own settings come back after it.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    matplotlib = require("matplotlib")
    cycler = matplotlib.rcsetup.cycler
    with matplotlib.rc_context({**_SETTINGS, "axes.prop_cycle": cycler(color=list(COLOURS))}):
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure as its file name says (``.png``, ``.svg``, ``.pdf``), whole or not at all."""
    with writing(path) as temporary:
        figure.savefig(temporary, format=path.suffix.removeprefix("."), dpi=120)
