"""Bins of values: edges, and means in them with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.tasks.scores.bootstrap import bootstrap_ratios, percentile_interval

#: Entries that a bin needs to be shown.
FEWEST_ENTRIES = 10


@dataclass(frozen=True)
class Binned:
    """True values against predicted ones, in bins of the predicted ones.

    Attributes
    ----------
    predicted : tuple of float
        The mean prediction of each bin.
    true, low, high : tuple of float
        The mean truth with its 95 % interval; NaN in bins of fewer than `FEWEST_ENTRIES` entries.
    entries : tuple of int
    """

    predicted: tuple[float, ...]
    true: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    entries: tuple[int, ...]

    @property
    def intervals(self) -> list[tuple[float, float, float]]:
        """The truth and its interval in each bin."""
        return list(zip(self.true, self.low, self.high, strict=True))

    def rows(self, edges: tuple[float, ...]) -> list[tuple[float, ...]]:
        """For a table: the ends of each bin, the two means, the interval, and the entries."""
        cells = zip(self.predicted, self.true, self.low, self.high, self.entries, strict=True)
        return [(*ends, *row) for ends, row in zip(pairwise(edges), cells, strict=True)]


def bin_truth(
    predicted: Doubles, true: Doubles, edges: tuple[float, ...], *, seed: int = 0
) -> Binned:
    """Mean truth in bins of the prediction, with bootstrap intervals over galaxies.

    Parameters
    ----------
    predicted, true : (galaxies, entries) float64
        NaN in either is left out.
    edges : tuple of float
        Increasing; a prediction at an edge belongs to the bin above it, and those beyond the ends
        to the outermost bins.
    seed : int

    Examples
    --------
    >>> predicted, true = np.full((20, 1), 0.25), np.full((20, 1), 0.5)
    >>> bin_truth(predicted, true, (0.0, 0.5, 1.0)).true
    (0.5, nan)
    """
    known = ~np.isnan(predicted) & ~np.isnan(true)
    bins = np.digitize(predicted, edges[1:-1])
    count = len(edges) - 1
    sums, counts, centres = np.zeros((3, len(predicted), count))
    for number in range(count):
        inside = known & (bins == number)
        counts[:, number] = inside.sum(axis=1)
        sums[:, number] = np.where(inside, true, 0).sum(axis=1)
        centres[:, number] = np.where(inside, predicted, 0).sum(axis=1)
    entries = counts.sum(axis=0)
    enough = entries >= FEWEST_ENTRIES
    total = np.maximum(entries, 1)
    low, high = percentile_interval(bootstrap_ratios(sums, counts, seed=seed))
    return Binned(
        predicted=_numbers(centres.sum(axis=0) / total, enough),
        true=_numbers(sums.sum(axis=0) / total, enough),
        low=_numbers(low, enough),
        high=_numbers(high, enough),
        entries=tuple(int(number) for number in entries),
    )


def _numbers(values: Doubles, enough: NDArray[np.bool_]) -> tuple[float, ...]:
    return tuple(np.where(enough, values, np.nan).tolist())
