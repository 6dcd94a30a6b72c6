"""Histograms of several quantities, a panel each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyclass.plots.style import COLOURS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Bars of a continuous quantity.
_BINS = 40
#: Panels in a row, and the inches of one.
_ACROSS, _WIDTH, _HEIGHT = 3, 4.2, 2.9


@dataclass(frozen=True)
class Distribution:
    """The values of a quantity: (galaxies,) float, without NaN; and its step, or 0."""

    name: str
    values: NDArray[np.floating]
    step: float = 0.0


def histograms(distributions: Sequence[Distribution], title: str) -> Figure:
    """A histogram of each quantity; of a scale in steps, a bar for each step.

    Parameters
    ----------
    distributions : sequence of Distribution
    title : str

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(distributions))
    down = math.ceil(len(distributions) / across)
    size = (max(8.0, _WIDTH * across), _HEIGHT * down + 0.7)
    with style():
        figure = Figure(figsize=size)
        figure.suptitle(title, fontsize=15)
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axes, distribution in zip(panels, distributions, strict=False):
            _draw(axes, distribution)
        for axes in panels[len(distributions) :]:
            axes.set_axis_off()
        figure.supylabel("galaxies", fontsize=13)
    return figure


def _draw(axes: Axes, distribution: Distribution) -> None:
    values, step = distribution.values, distribution.step
    axes.set_xlabel(f"{distribution.name}  ({len(values):,} known)", fontsize=11)
    if not len(values):
        return
    if step:
        bins = np.round((values - values.min()) / step).astype(int)
        counts = np.bincount(bins)
        axes.bar(
            values.min() + step * np.arange(len(counts)), counts, 0.85 * step, color=COLOURS[0]
        )
    else:
        axes.hist(values, bins=_BINS, color=COLOURS[0])
    axes.locator_params(axis="x", nbins=6)  # signs need room
    axes.grid(visible=False, axis="x")
