"""Bars in groups, such as one for each answer of each question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galaxyclass.plots.style import COLOURS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches that a row takes.
_ROW = 0.3
#: The most rows of a column.
_ROWS = 28


@dataclass(frozen=True)
class Bar:
    """A bar: the label before it, its length (NaN: no bar), the text after it."""

    label: str
    value: float
    text: str


@dataclass(frozen=True)
class BarGroup:
    """Bars that belong together, under a title ("" for none)."""

    title: str
    bars: Sequence[Bar]

    @property
    def rows(self) -> int:
        """Rows of the figure that it takes, with the space after it."""
        return len(self.bars) + bool(self.title)


def grouped_bars(groups: Sequence[BarGroup], title: str, axis: str) -> Figure:
    """Horizontal bars in groups, from the top down, in as many columns as are readable.

    Parameters
    ----------
    groups : sequence of BarGroup
        A group is kept in one column; a single long group is split.
    title, axis : str
        Of the figure, and of the axis of lengths.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    columns = _columns(groups)
    height = max(sum(group.rows for group in column) for column in columns)
    values = [bar.value for group in groups for bar in group.bars if not math.isnan(bar.value)]
    longest = max(values, default=1.0)
    letters = max(len(bar.label) for group in groups for bar in group.bars)
    width = 3.4 + 0.12 * letters  # of a column
    with style():
        figure = Figure(figsize=(max(8, width * len(columns)), max(2.5, height * _ROW + 1.3)))
        figure.suptitle(title, fontsize=15)
        for axes, column in zip(
            figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True
        ):
            _draw(axes, column, longest or 1.0, height)
        figure.supxlabel(axis, fontsize=13)
    return figure


def _columns(groups: Sequence[BarGroup]) -> list[list[BarGroup]]:
    """The groups of each column, such that columns have about the same length."""
    rows = sum(group.rows for group in groups)
    count = min(4, math.ceil(rows / _ROWS))
    if len(groups) == 1:
        bars, length = groups[0].bars, math.ceil(len(groups[0].bars) / count)
        return [
            [BarGroup(groups[0].title, bars[start : start + length])]
            for start in range(0, len(bars), length)
        ]
    columns: list[list[BarGroup]] = [[]]
    rows_before = 0
    for group in groups:
        # A group goes to the column that its middle falls into.
        column = min(count - 1, int((rows_before + group.rows / 2) * count / rows))
        if column >= len(columns):
            columns.append([])
        columns[-1].append(group)
        rows_before += group.rows
    return columns


def _draw(axes: Axes, groups: Sequence[BarGroup], longest: float, height: int) -> None:
    row = 0.0
    positions, labels = [], []
    for group in groups:
        if group.title:
            axes.annotate(
                group.title,
                (0, row),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontweight="bold",
                fontsize=12,
            )
            row += 1
        for bar in group.bars:
            if not math.isnan(bar.value):
                axes.barh(row, bar.value, height=0.75, color=COLOURS[0])
            axes.annotate(
                bar.text,
                (0 if math.isnan(bar.value) else bar.value, row),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=12,
            )
            positions.append(row)
            labels.append(bar.label)
            row += 1
    axes.set_yticks(positions, labels)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(height - 0.5, -0.5)
    # Room for the text after the longest bar.
    axes.set_xlim(0, longest * 1.35)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= longest * 1.0001])
    axes.xaxis.set_major_formatter(lambda tick, _: f"{tick:,.10g}")
    axes.spines["left"].set_visible(False)
