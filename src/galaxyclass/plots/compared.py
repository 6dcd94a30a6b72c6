"""Learning curves of several trainings side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from galaxyclass.plots.style import COLOURS, style
from galaxyclass.tasks.metric import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PARTS = ("train", "validation")
#: Panels in a row.
_COLUMNS = 4
#: Characters of a line of a title.
_LINE = 34
#: Errors above this multiple of the reference are cut off, so that one bad epoch does not flatten
#: the other curves.
_TOP = 1.6
#: Colour of the titles of trainings with problems.
_PROBLEM = "#A50026"


@dataclass(frozen=True)
class Panel:
    """One training.

    Attributes
    ----------
    labels : sequence of str
        Parts of its title, on as many lines as needed.
    history : sequence of mappings
        A row an epoch, as for `curves`; may be empty.
    reference : float, optional
        The simplest predictor's score; a level line.
    kept_epoch : int, optional
        The epoch whose weights were kept.
    note : str
        Problems, in a few words.
    value : float, optional
        The score of the kept network, which a last scoring may have changed in its last digits
        from that in the history.
    """

    labels: Sequence[str]
    history: Sequence[Mapping[str, float]]
    reference: float | None = None
    kept_epoch: int | None = None
    note: str = ""
    value: float | None = None


def compared_curves(panels: Sequence[Panel], metric: Metric) -> Figure:
    """Score of training and validation over the epochs, a panel a training, on the same axes.

    Parameters
    ----------
    panels : sequence of Panel
    metric : Metric

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    titles = [_wrapped(panel.labels) + _outcome(panel) for panel in panels]
    lines = max(title.count("\n") + 1 for title in titles)
    with style():
        figure = Figure(figsize=(max(4.2 * columns, 6.5), (2.7 + 0.22 * lines) * rows + 0.6))
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, panel, title in zip(grid.flat, panels, titles, strict=False):
            _draw(axes, panel, metric)
            axes.set_title(title, fontsize=11, color=_PROBLEM if panel.note else "black")
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_visible(False)
        for index, axes in enumerate(grid.flat):
            if index + columns >= len(panels):  # the lowest of its column
                axes.set_xlabel("epoch")
                axes.tick_params(labelbottom=True)
            if index % columns == 0:
                axes.set_ylabel(metric.label)
        low, high = _limits(panels, metric)
        grid[0, 0].set_ylim(low, high)
        for axes, panel in zip(grid.flat, panels, strict=False):
            if not panel.history:
                axes.text(0.5, 0.45, "no epoch was finished", transform=axes.transAxes,
                          ha="center", va="center", color="0.4")  # fmt: skip
            values = [row[f"{part}_{metric.key}"] for row in panel.history for part in _PARTS]
            if values and high is not None and min(values) > high:
                axes.annotate(
                    f"all above {high:.2f}",
                    (0.5, 0.9),
                    xycoords="axes fraction",
                    ha="center",
                    color="0.4",
                )
        grid[0, 0].xaxis.get_major_locator().set_params(integer=True)
        epochs = {row["epoch"] for panel in panels for row in panel.history}
        if len(epochs) == 1:  # otherwise the axes would show parts of an epoch
            (epoch,) = epochs
            grid[0, 0].set_xlim(epoch - 1, epoch + 1)
            grid[0, 0].set_xticks([epoch])
        labelled = next((axes for axes in grid.flat if axes.get_legend_handles_labels()[0]), None)
        if labelled is not None:
            handles, labels = labelled.get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _draw(axes: Axes, panel: Panel, metric: Metric) -> None:
    epochs = [row["epoch"] for row in panel.history]
    marker = "o" if 0 < len(epochs) < 3 else None
    for part, colour in zip(_PARTS, COLOURS, strict=False):
        if epochs:
            values = [row[f"{part}_{metric.key}"] for row in panel.history]
            label = "training (augmented)" if part == "train" else part
            axes.plot(epochs, values, color=colour, label=label, marker=marker)
            if part == "validation" and panel.kept_epoch is not None:
                value = values[epochs.index(float(panel.kept_epoch))]
                # A ring, so that it is not taken for a point of the curve.
                axes.plot(
                    panel.kept_epoch,
                    value,
                    "o",
                    color=colour,
                    fillstyle="none",
                    markersize=11,
                    markeredgewidth=2,
                    label="kept epoch",
                )
    if panel.reference is not None:
        axes.axhline(
            panel.reference, color="0.4", linestyle="--", linewidth=1.5, label=metric.simplest
        )


def _limits(panels: Sequence[Panel], metric: Metric) -> tuple[float | None, float | None]:
    """The limits of the score axis of all panels."""
    values = [
        row[f"{part}_{metric.key}"]
        for panel in panels
        for row in panel.history
        for part in _PARTS
        if math.isfinite(row[f"{part}_{metric.key}"])
    ]
    references = [panel.reference for panel in panels if panel.reference is not None]
    if not values:
        return None, None
    if not metric.lower_is_better:
        return max(0.0, min(values + references) - 0.05), 1.0
    low, high = min(values + references), max(values + references)
    if references:
        # A trial that is far off is cut, but none to an empty panel unless it is hopeless.
        best = [
            min(row[f"validation_{metric.key}"] for row in p.history) for p in panels if p.history
        ]
        shown = min(max(best), 3 * max(references)) if np.isfinite(best).all() else 0.0
        high = min(high, max(_TOP * max(references), 1.05 * shown))
    room = 0.08 * (high - low)
    return low - room, high + 2 * room


def _wrapped(labels: Sequence[str]) -> str:
    lines = [""]
    for label in labels:
        if lines[-1] and len(lines[-1]) + len(label) >= _LINE:
            lines.append(label)
        else:
            lines[-1] = f"{lines[-1]}  {label}".strip()
    return "\n".join(lines)


def _outcome(panel: Panel) -> str:
    """The last line of a title: the kept epoch's score, and problems."""
    parts = [panel.note.replace("_", " ")] if panel.note else []
    if panel.value is not None:
        parts.insert(0, f"{panel.value:.4f}")
    return "\n" + ": ".join(parts) if parts else ""
