"""The scores of a search by each setting that it varied."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galaxyclass.plots.style import COLOURS, style
from galaxyclass.tasks.metric import Metric

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Panels in a row.
_COLUMNS = 3
#: Letters of choices that fit side by side below a panel.
_LETTERS = 28


@dataclass(frozen=True)
class Point:
    """A finished trial: its settings as text, its score, and whether it is the best."""

    settings: Mapping[str, str]
    score: float
    best: bool = False


def tuned_settings(
    points: Sequence[Point],
    metric: Metric,
    *,
    numbers: Mapping[str, tuple[float, float]],
    logarithmic: Collection[str],
) -> Figure:
    """The score of each trial against each setting, a panel a setting, on one score axis.

    Parameters
    ----------
    points : sequence of Point
        At least one.
    metric : Metric
    numbers : mapping
        Setting that is a number -> its range; the others are choices.
    logarithmic : collection of str
        Numbers whose axis is logarithmic.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    keys = list(points[0].settings)
    columns = min(_COLUMNS, len(keys))
    rows = math.ceil(len(keys) / columns)
    with style():
        figure = Figure(figsize=(max(4.2 * columns, 5.0), 3.4 * rows + 0.5))
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axes in list(grid.flat)[len(keys) :]:
            axes.set_visible(False)
        for index, key in enumerate(keys):
            axes = grid.flat[index]
            texts = [point.settings[key] for point in points]
            if key in numbers:
                positions = [float(text) for text in texts]
                low, high = numbers[key]
                room = 0.03 * (high - low)
                if key in logarithmic:
                    axes.set_xscale("log")
                    factor = (high / low) ** 0.03
                    axes.set_xlim(low / factor, high * factor)
                else:
                    axes.set_xlim(low - room, high + room)
            else:
                names = sorted(set(texts), key=_as_number)
                positions = [float(names.index(text)) for text in texts]
                axes.set_xticks(range(len(names)), names)
                if sum(map(len, names)) > _LETTERS:  # side by side they would overlap
                    axes.tick_params(axis="x", labelrotation=20, labelsize=11)
                    for label in axes.get_xticklabels():
                        label.set_horizontalalignment("right")
                axes.set_xlim(-0.5, len(names) - 0.5)
            for best in sorted({point.best for point in points}):
                axes.plot(
                    [
                        position
                        for position, point in zip(positions, points, strict=True)
                        if point.best is best
                    ],
                    [point.score for point in points if point.best is best],
                    "*" if best else "o",
                    markersize=14 if best else 6,
                    color=COLOURS[1] if best else COLOURS[0],
                    label="best" if best else "trial",
                    alpha=1.0 if best else 0.7,
                )
            axes.set_xlabel(key)
            if index % columns == 0:
                axes.set_ylabel(f"validation {metric.label}")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure


def _as_number(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return math.inf, text
