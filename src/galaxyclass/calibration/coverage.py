"""Coverage: the share of true fractions that intervals hold, on galaxies that no fit has seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.calibration.error_sizes import mean_spread
from galaxyclass.calibration.intervals import COVERAGE_LEVEL, Intervals, fit_intervals

#: Coverage is measured by predicted fraction between these.
VALUE_EDGES = (0.0, 0.02, 0.1, 0.3, 0.7, 0.9, 1.0)
#: Of the galaxies, those that a model is least sure of (`mean_spread`).
UNCERTAIN_SHARE = 0.2


@dataclass(frozen=True)
class Coverage:
    """How many of the true fractions lie within intervals, and how wide these are.

    A share is NaN where nothing is known.

    Attributes
    ----------
    overall : float
        Share of all known fractions.
    questions : tuple of float
        Of each question, in the tree's order.
    answers : tuple of float
        Of each answer.
    by_value : tuple of float
        Of the fractions that are predicted to lie between two neighbours of `VALUE_EDGES`.
    uncertain_fifth : float
        Of the fifth of the galaxies with the most uncertain predictions (`mean_spread`).
    width : float
        Mean width of the intervals of the known fractions.
    constant_width : float
        Mean width of intervals that are as wide for every fraction of a question, for comparison;
        NaN where they were not computed.
    """

    overall: float
    questions: tuple[float, ...]
    answers: tuple[float, ...]
    by_value: tuple[float, ...]
    uncertain_fifth: float
    width: float
    constant_width: float


def interval_coverage(
    groups: Sequence[slice], intervals: Intervals, values: Floats, targets: Floats
) -> Coverage:
    """Measure intervals on galaxies that they were not fitted on.

    Parameters
    ----------
    groups : sequence of slice
        The answers of each question (`Task.interval_groups`).
    intervals : Intervals
    values, targets : (galaxies, answers) float, joint, 0..1
        Predicted and true; NaN unknown.

    Returns
    -------
    Coverage
        With a `constant_width` of NaN.

    Raises
    ------
    ScoreError
        The intervals are of other answers.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> groups, rng = load_tree("galaxy_zoo_2").slices, np.random.default_rng(0)
    >>> truth = rng.uniform(0, 1, (400, 37))
    >>> predicted = np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1)
    >>> intervals = fit_intervals(groups, predicted[:200], truth[:200])
    >>> round(interval_coverage(groups, intervals, predicted[200:], truth[200:]).overall, 1)
    0.9
    """
    counts = _Counts(groups)
    counts.add(intervals, np.asarray(values, np.float64), np.asarray(targets, np.float64))
    return counts.coverage()


def measure_coverage(
    groups: Sequence[slice],
    values: Floats,
    targets: Floats,
    *,
    level: float = COVERAGE_LEVEL,
    repeats: int = 10,
    seed: int = 0,
) -> Coverage:
    """Fit intervals on one half of the galaxies and measure them on the other, both ways, again.

    Parameters
    ----------
    groups : sequence of slice
        The answers of each question (`Task.interval_groups`).
    values, targets : (galaxies, answers) float, joint, 0..1
        Predicted and true; NaN unknown.
    level : float
    repeats : int
        How often the halves are drawn.
    seed : int

    Returns
    -------
    Coverage
        Means over the halves.

    Raises
    ------
    ScoreError
        As `galaxyclass.calibration.intervals.fit_intervals`, for a half of the galaxies.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.uniform(0, 1, (400, 37))
    >>> predicted = np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1)
    >>> groups = load_tree("galaxy_zoo_2").slices
    >>> round(measure_coverage(groups, predicted, truth, repeats=1).overall, 1)
    0.9
    """
    values, targets = np.asarray(values, np.float64), np.asarray(targets, np.float64)
    known = (~np.isnan(values) & ~np.isnan(targets)).any(axis=1)
    values, targets = values[known], targets[known]
    counts, constant_widths = _Counts(groups), 0.0
    for repeat in range(repeats):
        half = np.random.default_rng((seed, repeat)).permutation(len(values)) % 2 == 0
        for fitted in (half, ~half):
            truth, predicted = targets[~fitted], values[~fitted]
            intervals = fit_intervals(
                groups, values[fitted], targets[fitted], level=level, seed=seed
            )
            counts.add(intervals, predicted, truth)
            away = _constant(groups, values[fitted], targets[fitted], level)
            constant = np.clip(predicted + away, 0, 1) - np.clip(predicted - away, 0, 1)
            constant_widths += float(constant[~np.isnan(predicted) & ~np.isnan(truth)].sum())
    coverage = counts.coverage()
    return replace(coverage, constant_width=_share(constant_widths, counts.known.sum()))


class _Counts:
    """Fractions that are known, and that are held: by answer, by value, of uncertain galaxies."""

    def __init__(self, groups: Sequence[slice]) -> None:
        self.groups = groups
        answers, bins = groups[-1].stop, len(VALUE_EDGES) - 1
        self.known, self.held = np.zeros((2, answers))
        self.known_by_value, self.held_by_value = np.zeros((2, bins))
        self.known_uncertain = self.held_uncertain = 0
        self.width = 0.0

    def add(
        self, intervals: Intervals, values: NDArray[np.float64], targets: NDArray[np.float64]
    ) -> None:
        lower, upper = intervals.bounds(values)
        known = ~np.isnan(values) & ~np.isnan(targets)
        # The bounds are rounded to single precision, and the truth is not.
        held = known & (targets >= lower - 1e-6) & (targets <= upper + 1e-6)
        self.known += known.sum(axis=0)
        self.held += held.sum(axis=0)
        bins = np.digitize(values, VALUE_EDGES[1:-1])
        self.known_by_value += np.bincount(bins[known], minlength=len(self.known_by_value))
        self.held_by_value += np.bincount(bins[held], minlength=len(self.held_by_value))
        usable = known.any(axis=1)
        uncertainty = mean_spread(values)
        if usable.any():
            limit = np.quantile(uncertainty[usable], 1 - UNCERTAIN_SHARE)
            uncertain = uncertainty >= limit
            self.known_uncertain += int(known[uncertain].sum())
            self.held_uncertain += int(held[uncertain].sum())
        self.width += float((upper - lower)[known].sum())

    def coverage(self) -> Coverage:
        held, known = self.held, self.known
        return Coverage(
            overall=_share(held.sum(), known.sum()),
            questions=tuple(_share(held[w].sum(), known[w].sum()) for w in self.groups),
            answers=tuple(map(_share, held, known)),
            by_value=tuple(map(_share, self.held_by_value, self.known_by_value)),
            uncertain_fifth=_share(self.held_uncertain, self.known_uncertain),
            width=_share(self.width, known.sum()),
            constant_width=math.nan,
        )


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


def _constant(
    groups: Sequence[slice],
    values: NDArray[np.float64],
    targets: NDArray[np.float64],
    level: float,
) -> NDArray[np.float64]:
    """(answers,) half the width of intervals that are as wide for every fraction of a question."""
    errors = np.abs(targets - values)
    away = np.full(errors.shape[1], np.nanquantile(errors, level))
    for where in groups:
        if not np.isnan(errors[:, where]).all():
            away[where] = np.nanquantile(errors[:, where], level)
    return away
