"""Bootstrap intervals by galaxy: how much a score depends on which galaxies were drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

#: Resamples and level that every score of the package uses.
RESAMPLES = 1000
INTERVAL_LEVEL = 0.95

#: Cells of the matrix of weights that are in memory at once (8 bytes each).
BOOTSTRAP_CELLS = 2_000_000


@dataclass(frozen=True)
class Score:
    """A score with its interval.

    ``low`` and ``high`` bound the `INTERVAL_LEVEL` percentile interval; all three are NaN where
    nothing was known to score.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def bootstrap_ratios(
    numerators: NDArray[np.floating],
    denominators: NDArray[np.floating],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Ratios of sums over galaxies, for samples of galaxies drawn with replacement.

    A mean over the entries of several galaxies (a mean square over the known answers, say) is a
    ratio of two sums over galaxies. The entries of one galaxy are not independent, so whole
    galaxies are drawn, never entries.

    Parameters
    ----------
    numerators, denominators : (galaxies, groups) float
        The terms of each galaxy in the two sums of each group; finite, denominators 0 or more.
    resamples : int
        How many samples are drawn.
    seed : int
        Of the draws. Every group, and every call with as many galaxies and the same seed, sees
        the same draws.

    Returns
    -------
    (resamples, groups) float64
        NaN where a sample has nothing in a group.

    Notes
    -----
    Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, chapter 6. Memory is bounded by
    some 16 MB beside the arguments, whatever the number of galaxies.

    Examples
    --------
    >>> ratios = bootstrap_ratios(np.ones((5, 1)), np.full((5, 1), 2.0), resamples=3)
    >>> ratios.ravel().tolist()
    [0.5, 0.5, 0.5]
    """
    galaxies = len(numerators)
    if galaxies == 0:
        return np.full((resamples, numerators.shape[1]), np.nan)
    generator = np.random.default_rng(seed)
    terms = np.hstack([numerators, denominators], dtype=np.float64)
    rows = min(resamples, max(1, BOOTSTRAP_CELLS // galaxies))
    sums = np.empty((resamples, terms.shape[1]))
    # One thread takes half a second for 60,000 galaxies. Several threads on busy cores wait for
    # each other, and were measured to take 30 times as long. Asked for once: it takes as long as a
    # thousand samples of a few galaxies.
    with threadpool_limits(1, "blas"):
        for start in range(0, resamples, rows):
            stop = min(start + rows, resamples)
            times_drawn = np.empty((stop - start, galaxies))
            for row in times_drawn:
                drawn = generator.integers(galaxies, size=galaxies)
                row[:] = np.bincount(drawn, minlength=galaxies)
            sums[start:stop] = times_drawn @ terms
    above, below = np.hsplit(sums, 2)
    ratios = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratios, where=below > 0)
    return ratios


def percentile_interval(
    samples: NDArray[np.floating], level: float = INTERVAL_LEVEL
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The percentile interval: between the outer quantiles of the resampled scores.

    Parameters
    ----------
    samples : (resamples, groups) float
        Scores of resamples; NaN entries are left out.
    level : float, 0..1
        Share of the resampled scores inside.

    Returns
    -------
    low, high : (groups,) float64
        NaN where all of a group's scores are.

    Notes
    -----
    Efron & Tibshirani 1993, section 13.3. It is first-order correct: with some hundred galaxies
    or more it covers the truth about as often as its level says; with a handful it is too narrow.

    Examples
    --------
    >>> low, high = percentile_interval(np.arange(101.0)[:, None], level=0.9)
    >>> low.round(6).tolist(), high.round(6).tolist()
    ([5.0], [95.0])
    """
    low = np.full(samples.shape[1], np.nan)
    high = low.copy()
    known = ~np.isnan(samples).all(axis=0)
    tail = (1 - level) / 2
    if known.any():
        low[known], high[known] = np.nanquantile(samples[:, known], [tail, 1 - tail], axis=0)
    return low, high


def bootstrap_interval(
    sums: NDArray[np.floating],
    counts: NDArray[np.floating],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Percentile intervals of root mean squares, from the terms of each galaxy.

    Parameters
    ----------
    sums : (galaxies, groups) float
        Each galaxy's sum of squared errors in each group of answers.
    counts : (galaxies, groups) float
        How many entries are in that sum.
    resamples, seed : int
        See `bootstrap_ratios`, which draws.

    Returns
    -------
    low, high : (groups,) float64
        See `percentile_interval`.

    Examples
    --------
    >>> sums, counts = np.full((9, 1), 0.04), np.ones((9, 1))
    >>> low, high = bootstrap_interval(sums, counts)
    >>> low.round(6).tolist(), high.round(6).tolist()
    ([0.2], [0.2])
    """
    ratios = bootstrap_ratios(sums, counts, resamples=resamples, seed=seed)
    return percentile_interval(np.sqrt(ratios))


def ratios_of_sums(
    numerators: NDArray[np.floating], denominators: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(groups,) ratios of two sums over galaxies, from (galaxies, groups); NaN where there is 0."""
    above, below = numerators.sum(axis=0), denominators.sum(axis=0)
    ratios = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratios, where=below > 0)
    return ratios


def score_ratios(
    numerators: NDArray[np.floating],
    denominators: NDArray[np.floating],
    *,
    root: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Score, ...]:
    """Ratios of sums over galaxies, each with its interval.

    Parameters
    ----------
    numerators, denominators : (galaxies, groups) float
        As for `bootstrap_ratios`; a numerator may be NaN.
    root : bool
        Take the square root: of squared errors and their numbers, root mean square errors.
    resamples, seed : int
        See `bootstrap_ratios`.

    Returns
    -------
    tuple of Score
        One for each group; NaN where a numerator is NaN, or all denominators are 0.

    Examples
    --------
    >>> score_ratios(np.full((9, 2), [0.25, np.nan]), np.ones((9, 2)), root=True)
    (Score(value=0.5, low=0.5, high=0.5), Score(value=nan, low=nan, high=nan))
    """
    values = ratios_of_sums(numerators, denominators)
    # A galaxy with a NaN makes its groups NaN; the draws that miss it must not hide it.
    is_nan = np.isnan(values)
    finite = np.where(is_nan, 0.0, numerators) if is_nan.any() else numerators
    samples = bootstrap_ratios(finite, denominators, resamples=resamples, seed=seed)
    if root:
        values, samples = np.sqrt(values), np.sqrt(samples)
    low, high = percentile_interval(samples)
    low[is_nan] = high[is_nan] = np.nan
    return tuple(Score(*map(float, each)) for each in zip(values, low, high, strict=True))
