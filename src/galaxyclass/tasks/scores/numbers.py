"""Errors of predicted numbers: by column in its unit, and of all in standard deviations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.errors import ScoreError
from galaxyclass.tasks.metric import NRMSE
from galaxyclass.tasks.numbers.column import NumberColumn
from galaxyclass.tasks.scores.bootstrap import RESAMPLES, Score, score_ratios
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.tasks.scores.votes import require_same_shape


@dataclass(frozen=True)
class NumberColumnScores:
    """The errors of one column, in its own unit; NaN where nothing is known.

    Attributes
    ----------
    rmse : Score
        The root mean square error.
    mae : float
        The mean absolute error.
    bias : float
        The mean of prediction less truth.
    r2 : Score
        The coefficient of determination: 1 less the squared errors over the squared deviations of
        these galaxies from their own mean. 0 is what their mean reaches.
    within_step : float
        On a scale in steps, the share of the galaxies within one step of the truth; otherwise NaN.
    galaxies : int
        How many have a known value.
    """

    rmse: Score
    mae: float
    bias: float
    r2: Score
    within_step: float
    galaxies: int


@dataclass(frozen=True, repr=False)
class NumberScores(Scores):
    """The errors of all columns.

    ``overall`` is the normalised root mean square error over all known entries, each error divided
    by the standard deviation of its column among the training galaxies: 0 is perfect, and about 1
    is what the mean reaches.
    """

    metric = NRMSE

    overall: Score
    columns: tuple[NumberColumnScores, ...]
    galaxies: int
    entries: int

    @property
    def main(self) -> Score:
        """The overall score."""
        return self.overall

    @property
    def words(self) -> str:
        """The main score, and of a single column its own figures."""
        if len(self.columns) > 1:
            return super().words
        (column,) = self.columns
        in_unit = f"in the unit of the numbers RMSE {column.rmse}"
        return f"{super().words}, {in_unit}, R² {column.r2.value:.3f}"


def normalised_errors(
    columns: Sequence[NumberColumn], predicted: Floats, target: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sum of squared errors of each galaxy in standard deviations, and how many they are.

    Parameters
    ----------
    columns : sequence of NumberColumn
    predicted, target : (galaxies, columns) float
        NaN in ``target`` is unknown and left out.

    Returns
    -------
    sums, counts : (galaxies,) float64

    Raises
    ------
    ScoreError
        The shapes differ.
    """
    errors = _errors(columns, predicted, target)
    known = ~np.isnan(np.asarray(target, np.float64))
    squares = np.where(known, np.square(errors / _spreads(columns)), 0.0)
    return squares.sum(axis=1), known.sum(axis=1).astype(np.float64)


def nrmse(columns: Sequence[NumberColumn], predicted: Floats, target: Floats) -> float:
    """The normalised root mean square error over all known entries; NaN where there is none.

    ``predicted`` and ``target`` are (galaxies, columns); NaN in ``target`` is unknown.

    Examples
    --------
    >>> scale = [NumberColumn("z", 0.5, 0.25, 0.0, 1.0)]
    >>> nrmse(scale, np.array([[0.5], [0.5]]), np.array([[0.25], [np.nan]]))
    1.0
    """
    sums, counts = normalised_errors(columns, predicted, target)
    return float(np.sqrt(sums.sum() / counts.sum())) if counts.any() else float("nan")


def score_all_numbers(
    columns: Sequence[NumberColumn],
    predicted: Floats,
    target: Floats,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Score:
    """`nrmse` of (galaxies, columns), with its interval by a bootstrap over galaxies."""
    sums, counts = (each[:, None] for each in normalised_errors(columns, predicted, target))
    return score_ratios(sums, counts, root=True, resamples=resamples, seed=seed)[0]


def score_numbers(
    columns: Sequence[NumberColumn],
    predicted: Floats,
    target: Floats,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> NumberScores:
    """Score numbers: all together, and each column.

    Parameters
    ----------
    columns : sequence of NumberColumn
        Their spreads and steps.
    predicted, target : (galaxies, columns) float
        NaN in ``target`` is unknown and left out; NaN in ``predicted`` where the target is known
        makes the scores NaN.
    resamples, seed : int
        Of the bootstrap by galaxy.

    Raises
    ------
    ScoreError
        The shapes differ, or nothing is known.

    Examples
    --------
    >>> scale = [NumberColumn("T", 2.0, 4.0, -6.0, 11.0, 1.0)]
    >>> truth = np.array([[1.0], [3.0], [5.0], [np.nan]])
    >>> scores = score_numbers(scale, truth + [[0.5], [-0.5], [2.0], [0]], truth)
    >>> column = scores.columns[0]
    >>> column.mae, round(column.r2.value, 3), round(column.within_step, 3), column.galaxies
    (1.0, 0.438, 0.667, 3)
    """
    errors = _errors(columns, predicted, target)
    truth = np.asarray(target, np.float64)
    known = ~np.isnan(truth)
    if not known.any():
        raise ScoreError("nothing to score: no number is known")
    squares = np.where(known, errors**2, 0.0)
    counts = known.astype(np.float64)
    rmses = score_ratios(squares, counts, root=True, resamples=resamples, seed=seed)
    means = np.nansum(truth, axis=0) / np.maximum(known.sum(axis=0), 1)
    deviations = np.where(known, (truth - means) ** 2, 0.0)
    # The share of the variance that is left; NaN where all galaxies have one value.
    unexplained = score_ratios(squares, deviations, resamples=resamples, seed=seed)
    r2s = [Score(1 - share.value, 1 - share.high, 1 - share.low) for share in unexplained]
    return NumberScores(
        overall=score_all_numbers(columns, predicted, target, resamples=resamples, seed=seed),
        columns=tuple(
            _column_scores(column, errors[known[:, i], i], rmses[i], r2s[i])
            for i, column in enumerate(columns)
        ),
        galaxies=int(known.any(axis=1).sum()),
        entries=int(known.sum()),
    )


def _column_scores(
    column: NumberColumn, errors: NDArray[np.float64], rmse: Score, r2: Score
) -> NumberColumnScores:
    if not len(errors):
        nan = float("nan")
        return NumberColumnScores(rmse, nan, nan, r2, nan, 0)
    within = float("nan")
    if column.step and not np.isnan(errors).any():
        within = float((np.abs(errors) <= column.step * (1 + 1e-6)).mean())
    mae, bias = float(np.abs(errors).mean()), float(errors.mean())
    return NumberColumnScores(rmse, mae, bias, r2, within, len(errors))


def _errors(
    columns: Sequence[NumberColumn], predicted: Floats, target: Floats
) -> NDArray[np.float64]:
    predicted, target = np.asarray(predicted, np.float64), np.asarray(target, np.float64)
    require_same_shape(predicted, target)
    if predicted.shape[1] != len(columns):
        raise ScoreError(
            "predictions and truth are not of these columns",
            wanted=f"(galaxies, {len(columns)})",
            got=str(predicted.shape),
        )
    return np.asarray(predicted - target)


def _spreads(columns: Sequence[NumberColumn]) -> NDArray[np.float64]:
    return np.array([column.spread for column in columns])
