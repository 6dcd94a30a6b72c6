"""The one style of all figures: colour-blind safe, readable at half size."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from galaxyclass.errors import OutputError
from galaxyclass.extras import require
from galaxyclass.io.atomic import writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Okabe and Ito's colours (2008), told apart by nearly everybody, most contrast first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")

#: Colour of text, axes and ticks; an inline SVG takes the page's own.
INK = "#222222"
#: Colour of details; readable on white and on black.
FAINT = "#808080"

_SETTINGS = {
    "font.size": 13,
    "text.color": INK,
    "axes.titlesize": 14,
    "axes.titlecolor": INK,
    "axes.labelsize": 13,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.12,  # inches: words reach to the border
    "figure.constrained_layout.h_pad": 0.08,
}

#: Endings of the files that are written.
_KINDS = (".png", ".svg", ".pdf")
#: Settings for writing: text stays text, and the same figure gives the same file.
_WRITING = {"svg.fonttype": "none", "svg.hashsalt": "galaxyclass"}


@contextmanager
def style() -> Iterator[None]:
    """Use the style inside this block; the user's settings are restored afterwards.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    matplotlib = require("matplotlib")
    cycler = matplotlib.rcsetup.cycler
    with matplotlib.rc_context({**_SETTINGS, "axes.prop_cycle": cycler(color=list(COLOURS))}):
        yield


@contextmanager
def _reproducible_files() -> Iterator[None]:
    with require("matplotlib").rc_context(_WRITING):
        yield


def _lay_out(figure: Figure) -> None:
    """Find the place of everything once: matplotlib would do so for each file that is written."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        # "none" would leave a stand-in, for which savefig draws everything twice.
        plain = {"figure.constrained_layout.use": False, "figure.autolayout": False}
        with require("matplotlib").rc_context(plain):
            figure.set_layout_engine(None)


def require_figure(path: Path) -> None:
    """Refuse a name that says of no kind of figure that is written.

    Raises
    ------
    OutputError
    """
    if path.suffix.lower() not in _KINDS:
        raise OutputError(
            f"{path}: not a kind of figure that is written",
            wanted=f"a name that ends in {' or '.join(_KINDS)}",
            got=f"the ending {path.suffix!r}" if path.suffix else "no ending",
            hint=f"name it {path.with_suffix('.png')}",
        )


def save(figure: Figure, path: Path) -> None:
    """Write a figure as ``.png``, ``.svg`` or ``.pdf``, by its suffix, whole or not at all.

    Raises
    ------
    OutputError
        Another suffix; no room, or no permission.
    """
    require_figure(path)
    kind = path.suffix.lower().removeprefix(".")
    metadata = {"Date": None} if kind == "svg" else None
    _lay_out(figure)
    with _reproducible_files(), writing(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=120, metadata=metadata)


def inline_svg(figure: Figure) -> str:
    """The figure as an ``<svg>`` element for a page: no background, ink in the page's colour."""
    text = io.StringIO()
    _lay_out(figure)
    with _reproducible_files():
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    element = text.getvalue()
    element = element[element.index("<svg") :].replace(INK, "currentColor")
    element = re.sub(r"<metadata>.*?</metadata>", "", element, count=1, flags=re.DOTALL)
    # Without a fixed size, so that it fills the page's width.
    return re.sub(r' (?:width|height)="[\d.]+pt"', "", element, count=2)
