"""Correlations as coloured squares."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.plots.style import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colour of unknown values.
_UNKNOWN = "#c8c8c8"
#: With so many columns or fewer, numbers fit into the squares of all correlations.
_WRITTEN = 6


def correlation_map(
    values: NDArray[np.floating],
    names: Sequence[str],
    short: Sequence[str],
    groups: Sequence[slice],
    *,
    title: str,
    label: str = "correlation of vote fractions",
) -> Figure:
    """Correlations of all columns.

    Parameters
    ----------
    values : (n, n) float, -1..1
        NaN unknown: grey.
    names, short : sequence of str
        Of the rows in full, and of the columns.
    groups : sequence of slice
        Lines are drawn between them.
    title, label : str
        Of the figure, and of the bar of colours.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    count = len(names)
    side = max(4.0, 0.27 * count)
    words = 0.095 * max(map(len, names))
    with style():
        figure = Figure(figsize=(side + 1.6 + words, side + 1.2))
        figure.suptitle(title, fontsize=15)
        axes = figure.subplots()
        mesh = _squares(axes, values)
        axes.set_yticks(np.arange(count) + 0.5, names, fontsize=12)
        axes.set_xticks(np.arange(count) + 0.5, short, rotation=90, fontsize=12)
        if count <= _WRITTEN:
            _write_numbers(axes, values, 13)
        for group in groups[1:]:
            for line in (axes.axhline, axes.axvline):
                line(group.start, color="black", linewidth=0.8)
        bar = figure.colorbar(mesh, ax=axes, shrink=0.6, aspect=30, pad=0.02)
        bar.set_label(label)
        bar.outline.set_visible(False)
    return figure


def correlation_panels(
    values: NDArray[np.floating],
    names: Sequence[str],
    short: Sequence[str],
    groups: Sequence[slice],
    *,
    titles: Sequence[str],
    title: str,
) -> Figure:
    """Correlations within each group, a panel each, with the numbers in the squares.

    Parameters
    ----------
    values : (n, n) float, -1..1
        NaN unknown: grey, without a number.
    names, short : sequence of str
        Of the rows in full, and of the columns.
    groups : sequence of slice
    titles : sequence of str
        Of the groups.
    title : str

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    columns = min(3, len(groups))
    rows = math.ceil(len(groups) / columns)
    with style():
        figure = Figure(figsize=(5.4 * columns, 3.7 * rows + 0.6))
        figure.suptitle(title, fontsize=16)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, group, heading in zip(grid, groups, titles, strict=False):
            square = values[group, group]
            _squares(axes, square)
            positions = np.arange(len(square)) + 0.5
            labels = [textwrap.fill(name, 16) for name in names[group]]
            size = 12 if len(square) > 4 else 13
            axes.set_yticks(positions, labels, fontsize=size)
            axes.set_xticks(positions, short[group], fontsize=size)
            axes.set_title(heading, fontsize=14)
            _write_numbers(axes, square, 11 if len(square) > 5 else 13)
        for axes in grid[len(groups) :]:
            axes.set_axis_off()
    return figure


def _squares(axes: Axes, values: NDArray[np.floating]) -> Any:
    from matplotlib import colormaps

    colours = colormaps["RdBu_r"].with_extremes(bad=_UNKNOWN)
    mesh = axes.pcolormesh(np.ma.masked_invalid(values), cmap=colours, vmin=-1, vmax=1)
    mesh.set(edgecolors="face", linewidth=0.4)  # no seams between the squares of an SVG
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return mesh


def _write_numbers(axes: Axes, square: NDArray[np.floating], size: int) -> None:
    """Write each known correlation into its square."""
    for (row, column), value in np.ndenumerate(square):
        if not np.isnan(value):
            axes.text(
                column + 0.5, row + 0.5, _short(value), ha="center", va="center",
                fontsize=size, color="white" if abs(value) > 0.6 else "black",
            )  # fmt: skip


def _short(value: float) -> str:
    """Two decimals without the leading zero: −.07."""
    return f"{round(value, 2) + 0.0:.2f}".replace("0.", ".").replace("-", "\N{MINUS SIGN}")
