"""The prediction for one galaxy: its image, and a bar for each answer."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyclass.plots.style import COLOURS, FAINT, INK, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches of a row, of a column of bars with its names, and of the image.
_ROW, _COLUMN, _IMAGE = 0.25, 4.2, 3.2
#: With more rows than this there are two columns of bars.
_ROWS = 28
#: Fractions below this are written in grey.
_SMALL = 0.05


@dataclass(frozen=True)
class AnswerBar:
    """An answer, its fraction or probability (NaN: unknown), and the interval around it.

    ``words`` are written at the end of the bar instead of the value, of numbers that have a unit.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    words: str = ""

    def renamed(self, name: str) -> AnswerBar:
        """The same bar under another name."""
        return replace(self, name=name)


@dataclass(frozen=True)
class AnswerGroup:
    """The answers to one question, under its text ("" for none)."""

    title: str
    bars: tuple[AnswerBar, ...]

    @property
    def rows(self) -> int:
        """Rows of the figure that it takes."""
        return len(self.bars) + bool(self.title)


def draw_prediction(
    title: str,
    groups: Sequence[AnswerGroup],
    axis: str,
    image: NDArray[np.uint8] | None = None,
) -> Figure:
    """Draw the prediction for a galaxy.

    Parameters
    ----------
    title : str
        Over the figure.
    groups : sequence of AnswerGroup
        From the top down; in two columns if there are many.
    axis : str
        Label of the bars' axis, from 0 to 1.
    image : (height, width, 1 or 3) uint8, optional
        Drawn on the left.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    columns = _in_columns(groups)
    rows = max(sum(group.rows for group in column) for column in columns)
    with style():
        from matplotlib.figure import Figure

        widths = [_IMAGE] * (image is not None) + [_COLUMN] * len(columns)
        height = max(rows * _ROW + 1.2, _IMAGE + 0.6 if image is not None else 0)
        figure = Figure(figsize=(sum(widths), height))
        axes = figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0]
        figure.suptitle(title, fontsize=14, color=INK)
        if image is not None:
            _draw_image(axes[0], image)
        for column_axes, column in zip(axes[len(axes) - len(columns) :], columns, strict=True):
            _draw_column(column_axes, column, rows, axis)
    return figure


def _in_columns(groups: Sequence[AnswerGroup]) -> list[list[AnswerGroup]]:
    """One column, or two of about the same length, each group whole."""
    total = sum(group.rows for group in groups)
    if total <= _ROWS or len(groups) < 2:
        return [list(groups)]
    left: list[AnswerGroup] = []
    for group in groups:
        if sum(previous.rows for previous in left) + group.rows / 2 > total / 2:
            break
        left.append(group)
    return [left, list(groups[len(left) :])] if left else [list(groups)]


def _draw_image(axes: Axes, image: NDArray[np.uint8]) -> None:
    grey = image.shape[2] == 1
    axes.imshow(image[..., 0] if grey else image, cmap="gray" if grey else None, vmin=0, vmax=255)
    axes.set_axis_off()
    axes.set_anchor("N")


def _draw_column(axes: Axes, groups: Sequence[AnswerGroup], rows: int, axis: str) -> None:
    position = 0.0
    ticks, names = [], []
    for group in groups:
        if group.title:
            text = axes.text(0, position, group.title, va="center", fontsize=11, fontweight="bold")
            text.set_in_layout(False)  # it may be wider than the column
            position += 1
        for bar in group.bars:
            ticks.append(position)
            names.append(bar.name)
            _draw_bar(axes, position, bar)
            position += 1
    axes.set_yticks(ticks, names, fontsize=10)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(rows - 0.4, -0.8)
    axes.set_xlim(0, 1.13)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"], fontsize=10)
    axes.set_xlabel(textwrap.fill(axis, 36), fontsize=11)
    axes.spines["left"].set_visible(False)


def _draw_bar(axes: Axes, position: float, bar: AnswerBar) -> None:
    if math.isnan(bar.value):
        axes.text(0.01, position, "not known", va="center", fontsize=9, color=FAINT)
        return
    axes.barh(position, bar.value, height=0.72, color=COLOURS[0], alpha=0.85)
    end = bar.value
    if bar.interval is not None:
        low, high = bar.interval
        axes.plot(
            [low, high], [position, position], color=INK, linewidth=1.6, solid_capstyle="butt"
        )
        axes.plot([low, high], [position, position], "|", color=INK, markersize=6)
        end = max(end, high)
    colour = INK if bar.value >= _SMALL else FAINT
    axes.text(
        end + 0.015,
        position,
        bar.words or f"{bar.value:.2f}",
        va="center",
        fontsize=9,
        color=colour,
    )
