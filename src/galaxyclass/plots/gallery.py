"""Images of galaxies in a grid, each with a title and a note."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.plots.style import FAINT, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Side of a tile in inches; at 120 dots an inch, more than 300 pixels would not be visible.
_SIDE, _PIXELS = 2.0, 300
#: Inches between tiles, of a line of a title, and of the figure's own title.
_GAP, _LINE, _HEAD = 0.08, 0.25, 0.6
#: Letters of a title that fit over a tile.
_LETTERS = 19
#: A title of one image with more letters is written smaller.
_WIDE = 15


@dataclass(frozen=True)
class Tile:
    """An image with a title ("" for none) and a note in its lower right corner.

    ``image`` is (height, width, 3 or 1) uint8, or None if there is none.
    """

    image: NDArray[np.uint8] | None
    title: str
    note: str


def gallery(tiles: Sequence[Tile], title: str, *, columns: int | None = None) -> Figure:
    """Images in rows.

    Parameters
    ----------
    tiles : sequence of Tile
    title : str
        Of the figure.
    columns : int, optional
        Images in a row; by default six to eight, so that the last row is fullest.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    count = max(len(tiles), 1)
    if columns is None:
        columns = min(range(8, 5, -1), key=lambda number: -count % number)
    columns = min(columns, count)
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    titles = [_titles(row, columns) for row in rows]
    lines = [max(text.count("\n") + bool(text) for text in texts) for texts in titles]
    width = max(5.0, columns * (_SIDE + _GAP) + _GAP)
    height = _HEAD + sum(_SIDE + 0.15 + _LINE * number for number in lines)
    with style():
        # All positions are fixed: a layout engine would make room for long titles.
        figure = Figure(figsize=(width, height))
        figure.set_layout_engine("none")
        figure.text(0.5, 1 - 0.3 / height, title, fontsize=16, ha="center", va="center")
        top = height - _HEAD
        for row, texts, number in zip(rows, titles, lines, strict=True):
            top -= _LINE * number + _SIDE
            for index, (tile, text) in enumerate(zip(row, texts, strict=True)):
                left = _GAP + index * (_SIDE + _GAP)
                box = (left / width, top / height, _SIDE / width, _SIDE / height)
                spread = index + 1 < len(row) and not row[index + 1].title
                _draw(figure.add_axes(box), tile, text, "left" if spread else "center")
            top -= 0.15
    return figure


def _titles(row: Sequence[Tile], columns: int) -> list[str]:
    """Wrapped titles; a title may extend over following tiles without one."""
    texts: list[str] = []
    for index, tile in enumerate(row):
        following = [*(later.title for later in row[index + 1 :]), *[""] * (columns - len(row))]
        free = next((n for n, title in enumerate(following) if title), len(following))
        texts.append(textwrap.fill(tile.title, _LETTERS * (1 + free)))
    return texts


def _draw(axes: Axes, tile: Tile, text: str, side: Literal["left", "center"]) -> None:
    from matplotlib.patheffects import withStroke

    axes.set_axis_off()
    longest = max(map(len, text.split("\n")))
    is_wide = side == "center" and longest > _WIDE  # it would touch the next one
    axes.set_title(text, fontsize=11 if is_wide else 13, pad=4, loc=side)
    if tile.image is None:
        axes.text(0.5, 0.5, tile.note, ha="center", va="center", color=FAINT, fontsize=12)
        return
    pixels = shrink(tile.image)
    grey = pixels.shape[2] == 1
    axes.imshow(
        pixels[..., 0] if grey else pixels,
        cmap="gray" if grey else None,
        vmin=0,
        vmax=255,
        interpolation="antialiased",
    )
    axes.annotate(
        tile.note,
        (0.96, 0.04),
        xycoords="axes fraction",
        ha="right",
        color="white",
        path_effects=[withStroke(linewidth=2.5, foreground="black")],
    )


def shrink(image: NDArray[np.uint8], pixels: int = _PIXELS) -> NDArray[np.uint8]:
    """The image with its longer side at most so many pixels, by area; (h, w, channels) uint8.

    Examples
    --------
    >>> shrink(np.zeros((600, 300, 3), np.uint8)).shape
    (300, 150, 3)
    """
    height, width, channels = image.shape
    factor = pixels / max(height, width)
    if factor >= 1:
        return image
    size = max(1, round(width * factor)), max(1, round(height * factor))
    smaller = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, dtype=np.uint8).reshape(size[1], size[0], channels)
