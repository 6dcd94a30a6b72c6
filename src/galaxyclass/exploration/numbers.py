"""Statistics of a table of numbers: the distribution of each column, and galaxies along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.short import counted
from galaxyclass.tasks.numbers.column import NumberColumn, fit_column

#: Quantiles of a column, in the table of numbers.
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class NumberSummary:
    """The distribution of each column.

    Attributes
    ----------
    galaxies : int
    columns : tuple of NumberColumn
        Their scales over all galaxies.
    known : (columns,) int64
        How many galaxies have a value.
    quantiles : (columns, `QUANTILES`) float64
        NaN of a column without values.
    correlations : (columns, columns) float64
        Of ranks (Spearman), over the galaxies that know both; NaN where that cannot be computed.
    """

    galaxies: int
    columns: tuple[NumberColumn, ...]
    known: NDArray[np.int64]
    quantiles: NDArray[np.float64]
    correlations: NDArray[np.float64]

    @property
    def title(self) -> str:
        """The end of a title that begins with the number of galaxies."""
        count = len(self.columns)
        return f" with {counted(count, 'number')} each"


def summarise_numbers(names: tuple[str, ...], numbers: Floats) -> NumberSummary:
    """The distribution of each column.

    Parameters
    ----------
    names : tuple of str
    numbers : (galaxies, columns) float
        NaN unknown.

    Examples
    --------
    >>> summary = summarise_numbers(("z",), np.array([[0.25], [0.75], [np.nan]]))
    >>> summary.known.tolist(), float(summary.quantiles[0, 3])
    ([2], 0.5)
    """
    known = ~np.isnan(numbers)
    quantiles = np.full((len(names), len(QUANTILES)), np.nan)
    for index in np.flatnonzero(known.any(axis=0)).tolist():
        quantiles[index] = np.quantile(numbers[known[:, index], index], QUANTILES)
    return NumberSummary(
        len(numbers),
        tuple(fit_column(name, numbers[:, index]) for index, name in enumerate(names)),
        known.sum(axis=0).astype(np.int64),
        quantiles,
        _rank_correlations(numbers),
    )


def _rank_correlations(numbers: Floats) -> NDArray[np.float64]:
    """(columns, columns) Spearman's correlation of every two columns."""
    from scipy.stats import rankdata

    count = numbers.shape[1]
    correlations = np.full((count, count), np.nan)
    for first in range(count):
        for second in range(first, count):
            pair = numbers[:, [first, second]].astype(np.float64)
            pair = pair[~np.isnan(pair).any(axis=1)]
            if len(pair) < 3:
                continue
            ranks = np.stack([rankdata(column) for column in pair.T])
            if (ranks.std(axis=1) > 0).all():
                value = float(np.corrcoef(ranks)[0, 1])
                correlations[first, second] = correlations[second, first] = value
    return correlations


def along_the_scale(
    values: Floats, usable: NDArray[np.bool_], count: int, depth: int, seed: int
) -> list[NDArray[np.int64]]:
    """Galaxies from the smallest value to the largest, in equal steps of rank.

    Parameters
    ----------
    values : (galaxies,) float
        NaN unknown.
    usable : (galaxies,) bool
        Whether a galaxy may be shown.
    count : int
        How many are wanted.
    depth : int
        Candidates for each, at most.
    seed : int

    Returns
    -------
    list of (candidates,) int64
        For each place along the scale the galaxies with the nearest rank, the best first.
    """
    candidates = np.flatnonzero(usable & ~np.isnan(values))
    if not len(candidates):
        return []
    shuffled = np.random.default_rng(seed).permutation(candidates)
    order = shuffled[np.argsort(values[shuffled], kind="stable")]
    positions = np.unique(
        np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    )
    half = max(1, min(depth, len(order) // (2 * max(1, len(positions)))))
    return [
        order[
            np.clip(position + np.array(sorted(range(-half, half + 1), key=abs)), 0, len(order) - 1)
        ]
        for position in positions.tolist()
    ]
