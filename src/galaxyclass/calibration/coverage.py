"""Coverage: the share of true fractions that intervals hold, on galaxies that no fit has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.calibration.intervals import COVERAGE_LEVEL, fit_intervals
from galaxyclass.trees.tree import Tree


@dataclass(frozen=True)
class Coverage:
    """How many of the true fractions lie within intervals, and how wide these are.

    Means over repeated draws of two halves: fitted on the one, measured on the other.

    Attributes
    ----------
    overall : float
        Share of all known fractions.
    questions : tuple of float
        Of each question, in the tree's order; NaN where nothing is known.
    width : float
        Mean width of the intervals of the known fractions.
    constant_width : float
        Mean width of intervals that are as wide for every fraction of a question, for comparison.
    """

    overall: float
    questions: tuple[float, ...]
    width: float
    constant_width: float


def measure_coverage(
    tree: Tree,
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
    tree : Tree
    values, targets : (galaxies, answers of the tree) float, joint, 0..1
        Predicted and true; NaN unknown.
    level : float
    repeats : int
        How often the halves are drawn.
    seed : int

    Returns
    -------
    Coverage

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
    >>> round(measure_coverage(load_tree("galaxy_zoo_2"), predicted, truth, repeats=1).overall, 1)
    0.9
    """
    values, targets = np.asarray(values, np.float64), np.asarray(targets, np.float64)
    known = (~np.isnan(values) & ~np.isnan(targets)).any(axis=1)
    values, targets = values[known], targets[known]
    groups = [slice(None), *tree.slices]
    inside, counts = np.zeros((2, len(groups)))
    widths = np.zeros(2)
    for repeat in range(repeats):
        half = np.random.default_rng((seed, repeat)).permutation(len(values)) % 2 == 0
        for fitted in (half, ~half):
            truth, predicted = targets[~fitted], values[~fitted]
            intervals = fit_intervals(tree, values[fitted], targets[fitted], level=level, seed=seed)
            lower, upper = intervals.bounds(predicted)
            # The bounds are rounded to single precision, and the truth is not.
            held = (truth >= lower - 1e-6) & (truth <= upper + 1e-6)
            scored = ~np.isnan(predicted) & ~np.isnan(truth)
            inside += [held[:, group][scored[:, group]].sum() for group in groups]
            counts += [scored[:, group].sum() for group in groups]
            away = _constant(tree, values[fitted], targets[fitted], level)
            constant = np.clip(predicted + away, 0, 1) - np.clip(predicted - away, 0, 1)
            widths += (upper - lower)[scored].sum(), constant[scored].sum()
    shares = np.divide(inside, counts, out=np.full(len(groups), np.nan), where=counts > 0)
    width, constant_width = map(float, widths / counts[0])
    return Coverage(float(shares[0]), tuple(map(float, shares[1:])), width, constant_width)


def _constant(tree: Tree, values: Floats, targets: Floats, level: float) -> NDArray[np.float64]:
    """(answers,) half the width of intervals that are as wide for every fraction of a question."""
    errors = np.abs(targets - values)
    away = np.full(errors.shape[1], np.nanquantile(errors, level))
    for where in tree.slices:
        if not np.isnan(errors[:, where]).all():
            away[where] = np.nanquantile(errors[:, where], level)
    return away
