"""Conformal intervals: the bounds between which a galaxy's true fractions lie, nine times in ten.

A question's error sizes (`error_sizes`) are fitted to the errors on galaxies that training never
saw. Then the predicted fractions of each answer are divided into regions, from the smallest to the
largest, and in each region the sizes are stretched until the intervals hold the wanted share of the
true fractions.

That share is guaranteed in each region, for galaxies that are exchangeable with those of the fit:
drawn from the same kind of images, their votes gathered in the same way (Mondrian conformal
prediction: Vovk et al. 2005, Algorithmic Learning in a Random World, section 4.5; normalised
scores: Lei et al. 2018, JASA 113, 1094).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.calibration.error_sizes import error_sizes, fit_error_sizes, held_out_sizes
from galaxyclass.errors import ScoreError

#: Share of the true fractions between the bounds.
COVERAGE_LEVEL = 0.9
#: Galaxies that a question needs for sizes and a stretch of its own, and an answer for a stretch of
#: its own; those with fewer take the stretch of their question, or that of all answers.
FEW, PLENTY = 40, 100
#: Galaxies for each region of an answer, and how many regions it has at most.
PER_REGION, MOST_REGIONS = 150, 5


@dataclass(frozen=True)
class Intervals:
    """The size of the errors of each answer, and how many sizes away its bounds are.

    Attributes
    ----------
    level : float
        Share of true fractions between the bounds, of galaxies like those of the fit.
    sizes : (answers, 6) float64
        Weights of the terms of `galaxyclass.calibration.error_sizes.error_sizes`, 0 or more.
    edges : tuple of (regions - 1,) float64, one for each answer
        Predicted fractions at which a region ends and the next begins, increasing. An edge itself
        is in the region above it.
    stretches : tuple of (regions,) float64, one for each answer
        A bound is so many sizes away from the prediction.
    galaxies : int
        Of the fit.
    by_answer, by_question, pooled : int
        How many answers have stretches of their own, of their question, of all answers.
    """

    level: float
    sizes: NDArray[np.float64]
    edges: tuple[NDArray[np.float64], ...]
    stretches: tuple[NDArray[np.float64], ...]
    galaxies: int
    by_answer: int
    by_question: int
    pooled: int

    @property
    def by_region(self) -> int:
        """How many answers have more than one region."""
        return sum(len(edges) > 0 for edges in self.edges)

    def bounds(self, values: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lower and the upper bound of each fraction.

        Parameters
        ----------
        values : (galaxies, answers) float, 0..1
            Predicted joint fractions; NaN unknown. All answers that the model knows: the size of an
            error depends on how undecided the model is about the whole galaxy.

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
        >>> edges, stretches = (np.array([0.2]),), (np.array([0.25, 0.5]),)
        >>> weights = np.array([[0.0, 1, 0, 0, 0, 0]])
        >>> intervals = Intervals(0.9, weights, edges, stretches, 300, 1, 0, 0)
        >>> lower, upper = intervals.bounds(np.array([[0.5], [0.1]]))
        >>> [f"{low:.3f} to {high:.3f}" for low, high in zip(lower[:, 0], upper[:, 0])]
        ['0.250 to 0.750', '0.025 to 0.175']
        """
        values = _checked(values, len(self.sizes))
        stretches = np.empty(values.shape)
        for answer, (edges, stretch) in enumerate(zip(self.edges, self.stretches, strict=True)):
            # NaN is above every edge; its size is NaN.
            stretches[:, answer] = stretch[np.digitize(values[:, answer], edges)]
        away = stretches * error_sizes(values, self.sizes)
        # In the precision of the result: rounding must not put a bound on the other side.
        single = np.asarray(values, np.float32)
        lower = np.minimum(np.clip(values - away, 0, 1).astype(np.float32), single)
        return lower, np.maximum(np.clip(values + away, 0, 1).astype(np.float32), single)


def fit_intervals(
    groups: Sequence[slice],
    values: Floats,
    targets: Floats,
    *,
    level: float = COVERAGE_LEVEL,
    seed: int = 0,
) -> Intervals:
    """Fit intervals to the errors on galaxies that training never saw.

    Parameters
    ----------
    groups : sequence of slice
        The answers of each question (`Task.interval_groups`).
    values : (galaxies, answers) float, joint, 0..1
        Predicted; NaN unknown.
    targets : (galaxies, answers) float, joint, 0..1
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
    Mondrian and normalised conformal prediction: the score of a fraction is its error divided by
    its size, and the stretch of a region is the smallest that holds ceil((n + 1) level) of the
    scores of its n galaxies. Of new galaxies it holds on average at least the level, and at most
    1 / (n + 1) more. The intervals of one fit hold more or fewer than that, by a standard deviation
    of sqrt(level (1 - level) / n): 1.7 % of 300 galaxies, 0.9 % of 1,200.

    So that no galaxy's own error makes its size, scores are taken in folds (cross-conformal; Vovk
    2015, Annals of Mathematics and Artificial Intelligence 74, 9), which costs no galaxy.

    An answer has a region for each `PER_REGION` of its galaxies, but at most `MOST_REGIONS`, of
    `PLENTY` galaxies or more each. One of fewer galaxies than `PLENTY` takes the stretch of its
    question, or that of all answers where its question has fewer than `FEW`. Fractions of one
    galaxy are not independent: n counts galaxies, even where answers are taken together.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.uniform(0, 1, (500, 37))
    >>> predicted = np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1)
    >>> intervals = fit_intervals(load_tree("galaxy_zoo_2").slices, predicted, truth)
    >>> lower, upper = intervals.bounds(predicted)
    >>> round(float(((truth >= lower) & (truth <= upper)).mean()), 1)
    0.9
    """
    answers = groups[-1].stop
    values, targets = _checked(values, answers), _checked(targets, answers)
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
    enough = [bool(known[:, where].any(axis=1).sum() >= FEW) for where in groups]
    scores = np.abs(targets - values) / held_out_sizes(groups, values, targets, enough, seed)
    edges: list[Doubles] = [np.empty(0)] * answers
    stretches = [np.array([_quantile(scores, level)])] * answers
    by_answer = by_question = 0
    for where, has_enough in zip(groups, enough, strict=True):
        for answer in range(where.start, where.stop) if has_enough else ():
            counted = known[:, answer]
            if counted.sum() >= PLENTY:
                edges[answer], stretches[answer] = fit_regions(
                    values[counted, answer], scores[counted, answer], level
                )
                by_answer += 1
            else:
                stretches[answer] = np.array([_quantile(scores[:, where], level)])
                by_question += 1
    sizes = fit_error_sizes(groups, values, targets, enough)
    pooled = answers - by_answer - by_question
    return Intervals(
        level, sizes, tuple(edges), tuple(stretches), len(values), by_answer, by_question, pooled
    )


def fit_regions(values: Doubles, scores: Doubles, level: float) -> tuple[Doubles, Doubles]:
    """Divide an answer's predictions into regions, and find the stretch of each.

    Parameters
    ----------
    values : (galaxies,) float64
        Predicted fractions of the answer.
    scores : (galaxies,) float64
        Their errors, each divided by its size.
    level : float

    Returns
    -------
    edges : (regions - 1,) float64
        Increasing; one region where there are fewer than 2 x `PER_REGION` galaxies.
    stretches : (regions,) float64
        The ceil((n + 1) level) smallest score of the n in each region.

    Examples
    --------
    >>> edges, stretches = fit_regions(np.arange(300.0), np.arange(300.0), 0.9)
    >>> edges.tolist(), stretches.tolist()
    ([149.5], [135.0, 285.0])
    """
    regions = min(MOST_REGIONS, len(values) // PER_REGION)
    edges: list[float] = []
    for edge in np.quantile(values, np.arange(1, regions) / regions) if regions > 1 else ():
        # Many predictions can be equal, such as 0.
        below = values < edge
        since = below & (values >= edges[-1]) if edges else below
        if since.sum() >= PLENTY and (~below).sum() >= PLENTY:
            edges.append(float(edge))
    region = np.digitize(values, edges)
    stretches = [_quantile(scores[region == index, None], level) for index in range(len(edges) + 1)]
    return np.array(edges), np.array(stretches)


def _checked(values: Floats, answers: int) -> NDArray[np.float64]:
    checked: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if checked.ndim != 2 or checked.shape[1] != answers:
        raise ScoreError(
            "not an array of fractions",
            wanted=f"(galaxies, {answers} answers)",
            got=str(checked.shape),
        )
    return checked


def _quantile(scores: NDArray[np.float64], level: float) -> float:
    """The smallest score that holds (n + 1) level of n galaxies' scores (galaxies, answers)."""
    galaxies = int(np.isfinite(scores).any(axis=1).sum())
    ordered = np.sort(scores[np.isfinite(scores)])
    share = min(1.0, (galaxies + 1) * level / galaxies)
    # Rounded first: 0.9 times 200 galaxies is 180, whatever the last bit of 0.9 is.
    return float(ordered[math.ceil(round(share * len(ordered), 6)) - 1])
