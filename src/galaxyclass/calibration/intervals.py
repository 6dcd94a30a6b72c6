"""Conformal intervals: the bounds between which a galaxy's true fractions lie, nine times in ten.

The size of an error depends on the fraction that is predicted: it is small near 0 and 1,
where volunteers agree, and larger in between. A question's sizes are fitted to the errors
on galaxies that training never saw; then each answer's sizes are stretched until the intervals hold
the wanted share of the true fractions.

That share is guaranteed for galaxies that are exchangeable with those of the fit: drawn from the
same kind of images, their votes gathered in the same way (Lei et al. 2018, JASA 113, 1094). It
holds over all galaxies, not for each kind of galaxy by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.errors import ScoreError
from galaxyclass.trees.tree import Tree

#: Share of the true fractions between the bounds.
COVERAGE_LEVEL = 0.9
#: Galaxies that a question needs for sizes and a stretch of its own, and an answer for a stretch of
#: its own; those with fewer take the stretch of their question, or that of all answers.
FEW, PLENTY = 40, 100
#: The smallest size of an error: a tenth of a vote among 40, less than any table resolves.
SMALLEST = 0.0025
_FOLDS = 5


@dataclass(frozen=True)
class Intervals:
    """The size of the errors of each answer, and how many sizes away its bounds are.

    Attributes
    ----------
    level : float
        Share of true fractions between the bounds, of galaxies like those of the fit.
    sizes : (answers, 3) float64
        Weights of a constant, of sqrt(p (1 - p)) and of p (1 - p), 0 or more: their sum is the size
        of an error where the fraction p is predicted, but at least `SMALLEST`.
    stretches : (answers,) float64
        A bound is so many sizes away from the prediction.
    galaxies : int
        Of the fit.
    by_answer, by_question, pooled : int
        How many answers have a stretch of their own, of their question, of all answers.
    """

    level: float
    sizes: NDArray[np.float64]
    stretches: NDArray[np.float64]
    galaxies: int
    by_answer: int
    by_question: int
    pooled: int

    def bounds(self, values: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lower and the upper bound of each fraction.

        Parameters
        ----------
        values : (galaxies, answers) float, 0..1
            Predicted joint fractions; NaN unknown.

        Returns
        -------
        lower, upper : (galaxies, answers) float32
            ``0 <= lower <= value <= upper <= 1``; NaN where the value is.

        Raises
        ------
        ScoreError
            Not an array of these answers.

        Examples
        --------
        >>> intervals = Intervals(0.9, np.array([[0.0, 1, 0]]), np.array([0.5]), 100, 1, 0, 0)
        >>> lower, upper = intervals.bounds(np.array([[0.5], [0.0]]))
        >>> lower.tolist(), bool(upper[0, 0] == 0.75), bool(upper[1, 0] < 0.01)
        ([[0.25], [0.0]], True, True)
        """
        values = _checked(values, len(self.sizes))
        away = self.stretches * _sizes(values, self.sizes)
        # In the precision of the result: rounding must not put a bound on the other side.
        single = np.asarray(values, np.float32)
        lower = np.minimum(np.clip(values - away, 0, 1).astype(np.float32), single)
        return lower, np.maximum(np.clip(values + away, 0, 1).astype(np.float32), single)


def fit_intervals(
    tree: Tree, values: Floats, targets: Floats, *, level: float = COVERAGE_LEVEL, seed: int = 0
) -> Intervals:
    """Fit intervals to the errors on galaxies that training never saw.

    Parameters
    ----------
    tree : Tree
    values : (galaxies, answers of the tree) float, joint, 0..1
        Predicted; NaN unknown.
    targets : (galaxies, answers of the tree) float, joint, 0..1
        True; NaN unknown.
    level : float
        Share of true fractions to hold, above 0.5 and below 1.
    seed : int
        Of the folds.

    Returns
    -------
    Intervals

    Raises
    ------
    ScoreError
        The shapes do not fit; fewer than `FEW` galaxies have a known fraction.

    Notes
    -----
    Normalised conformal prediction: the score of a fraction is its error divided by its size, and
    the stretch is the smallest that holds (n + 1) level of the scores of n galaxies. So that no
    galaxy's own error makes its size, scores are taken in folds (cross-conformal; Vovk 2015), which
    costs no galaxy. Fractions of one galaxy are not independent: n counts galaxies, even where
    the answers of a question are taken together.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.uniform(0, 1, (500, 37))
    >>> predicted = np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1)
    >>> intervals = fit_intervals(load_tree("galaxy_zoo_2"), predicted, truth)
    >>> lower, upper = intervals.bounds(predicted)
    >>> round(float(((truth >= lower) & (truth <= upper)).mean()), 1)
    0.9
    """
    values, targets = _checked(values, len(tree.answers)), _checked(targets, len(tree.answers))
    if values.shape != targets.shape:
        raise ScoreError(
            "predictions and truth do not have the same shape",
            got=f"predictions {values.shape}, truth {targets.shape}",
        )
    if not 0.5 < level < 1:
        raise ScoreError("not a level of intervals", wanted="above 0.5, below 1", got=f"{level:g}")
    known = ~np.isnan(values) & ~np.isnan(targets)
    usable = known.any(axis=1)
    values, targets, known = values[usable], targets[usable], known[usable]
    if len(values) < FEW:
        raise ScoreError(
            "too few galaxies to calibrate intervals on",
            wanted=f"{FEW} or more with known fractions, which the training did not have",
            got=f"{len(values)}",
        )
    enough = [known[:, where].any(axis=1).sum() >= FEW for where in tree.slices]
    scores = np.full(values.shape, np.nan)
    folds = np.random.default_rng(seed).permutation(len(values)) % _FOLDS
    for fold in range(_FOLDS):
        rest, held = folds != fold, folds == fold
        sizes = _fit_sizes(tree, values[rest], targets[rest], enough)
        scores[held] = np.abs(targets[held] - values[held]) / _sizes(values[held], sizes)
    stretches, counts = _stretches(tree, scores, level)
    sizes = _fit_sizes(tree, values, targets, enough)
    return Intervals(level, sizes, stretches, len(values), *counts)


def _checked(values: Floats, answers: int) -> NDArray[np.float64]:
    checked: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if checked.ndim != 2 or checked.shape[1] != answers:
        raise ScoreError(
            "not an array of fractions",
            wanted=f"(galaxies, {answers} answers)",
            got=str(checked.shape),
        )
    return checked


def _basis(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3): what sizes are made of."""
    inside = np.clip(values, 0, 1)
    spread = inside * (1 - inside)
    return np.stack([np.full_like(spread, 0.01), np.sqrt(spread), spread], axis=-1)


def _sizes(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(galaxies, answers): the size of an error where these fractions are predicted."""
    return np.asarray(np.maximum(np.einsum("gab,ab->ga", _basis(values), weights), SMALLEST))


def _fit_sizes(
    tree: Tree, values: NDArray[np.float64], targets: NDArray[np.float64], enough: list[bool]
) -> NDArray[np.float64]:
    """(answers, 3) weights: of each question that has enough galaxies, otherwise of all answers."""
    errors = np.abs(targets - values)
    weights = np.empty((len(tree.answers), 3))
    weights[:] = _fit_size(values, errors)
    for where, has_enough in zip(tree.slices, enough, strict=True):
        if has_enough:
            weights[where] = _fit_size(values[:, where], errors[:, where])
    return weights


def _fit_size(values: NDArray[np.float64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) weights, 0 or more, of the size that errors have on average."""
    from scipy.optimize import nnls  # slow to import

    known = ~np.isnan(errors)
    basis, sizes = _basis(values[known]), errors[known]
    # Small errors are to be as right, in proportion, as large ones: two rounds of reweighting.
    shares = np.ones(len(sizes))
    weights = np.zeros(3)
    for _ in range(3):
        # The same least squares with three rows instead of one for each error.
        scaled = basis * shares[:, None]
        gram = scaled.T @ scaled + 1e-12 * np.eye(3)
        root = np.linalg.cholesky(gram)
        weights, _rest = nnls(root.T, np.linalg.solve(root, scaled.T @ (sizes * shares)))
        shares = 1 / np.maximum(basis @ weights, 0.01)
    return np.asarray(weights)


def _stretches(
    tree: Tree, scores: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    """(answers,) stretches; how many are of the answer itself, of its question, of all answers."""
    stretches = np.full(scores.shape[1], _quantile(scores, level))
    by_answer = by_question = 0
    for where in tree.slices:
        if np.isfinite(scores[:, where]).any(axis=1).sum() < FEW:
            continue
        stretches[where] = _quantile(scores[:, where], level)
        for answer in range(where.start, where.stop):
            if np.isfinite(scores[:, answer]).sum() >= PLENTY:
                stretches[answer] = _quantile(scores[:, [answer]], level)
                by_answer += 1
            else:
                by_question += 1
    return stretches, (by_answer, by_question, len(stretches) - by_answer - by_question)


def _quantile(scores: NDArray[np.float64], level: float) -> float:
    """The smallest score that holds (n + 1) level of n galaxies' scores."""
    galaxies = int(np.isfinite(scores).any(axis=1).sum())
    ordered = np.sort(scores[np.isfinite(scores)])
    share = min(1.0, (galaxies + 1) * level / galaxies)
    return float(ordered[math.ceil(share * len(ordered)) - 1])
