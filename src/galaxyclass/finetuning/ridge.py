"""Ridge regression along a path of penalties, with each galaxy predicted by all the others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from galaxyclass.arrays import Doubles

#: Penalties, as multiples of the mean of a galaxy's squared columns times the number of galaxies.
PENALTIES: Doubles = np.logspace(-5.5, 1.5, 15)

#: A galaxy that alone decides its prediction would have an error of 0 / 0.
_LEAST_LEFT = 1e-9


@dataclass(frozen=True)
class RidgePath:
    """Ridge regressions of the same targets on the same columns, one for each penalty.

    Attributes
    ----------
    left_out : (penalties, galaxies, outputs) float64
        Each galaxy as predicted by the regression on all the others.
    centre : (columns,) float64
        Mean of each column.
    mean : (outputs,) float64
        Mean of each target.
    axes : (columns, rank) float64
        Principal axes of the columns.
    shrunk : (penalties, rank, outputs) float64
        Slopes along the axes.
    """

    left_out: Doubles
    centre: Doubles
    mean: Doubles
    axes: Doubles
    shrunk: Doubles

    def combine(self, shares: Doubles) -> tuple[Doubles, Doubles]:
        """Slopes (columns, outputs) and bias (outputs,) of a mean over the penalties."""
        slopes = self.axes @ np.tensordot(shares, self.shrunk, axes=1)
        return slopes, shares.sum() * self.mean - self.centre @ slopes


def ridge_path(
    columns: Doubles, targets: Doubles, weights: Doubles, penalties: Doubles = PENALTIES
) -> RidgePath:
    """Ridge regressions with an intercept that is not penalised, for several penalties at once.

    One decomposition serves all penalties, and the prediction of each galaxy by all the others
    follows from it (the leave-one-out identity; Hastie, Tibshirani & Friedman 2009, eq. 7.64).

    Parameters
    ----------
    columns : (galaxies, columns) float64
        Scaled so that the squares of a galaxy's columns sum to about 1.
    targets : (galaxies, outputs) float64
    weights : (galaxies,) float64
        Of the galaxies, with a mean of 1.
    penalties : (penalties,) float64
    """
    galaxies = len(columns)
    total = weights.sum()
    centre, mean = weights @ columns / total, weights @ targets / total
    root = np.sqrt(weights)[:, None]
    inner, wanted = root * (columns - centre), root * (targets - mean)
    left, sizes, axes = _decompose(inner)
    along = left.T @ wanted
    squares = sizes**2
    left_out = np.empty((len(penalties), galaxies, targets.shape[1]))
    shrunk = np.empty((len(penalties), len(sizes), targets.shape[1]))
    for number, penalty in enumerate(penalties * galaxies):
        kept = squares / (squares + penalty)
        influence = weights / total + left**2 @ kept
        error = (wanted - left @ (kept[:, None] * along)) / root
        left_out[number] = targets - error / np.maximum(1 - influence, _LEAST_LEFT)[:, None]
        shrunk[number] = (sizes / (squares + penalty))[:, None] * along
    return RidgePath(left_out, centre, mean, axes, shrunk)


def rescaled(path: RidgePath, targets: Doubles, weights: Doubles) -> RidgePath:
    """The regressions of a path, each times the factor that predicts left-out galaxies best.

    A large penalty finds a good direction (in the limit that of the covariances, as partial least
    squares do) and shrinks predictions towards the mean; its factor is above 1. A small penalty
    overfits, and its factor is below 1.

    Parameters
    ----------
    path : RidgePath
    targets : (galaxies, outputs) float64
    weights : (galaxies,) float64
        As the path was made of.
    """
    total = weights.sum()
    share = (weights / (total - weights))[:, None]
    # Of all galaxies but the one left out: it moves the mean away from itself.
    mean = path.mean - share * (targets - path.mean)
    wanted = weights[:, None] * (targets - mean)
    left_out, shrunk = path.left_out.copy(), path.shrunk.copy()
    for number, predictions in enumerate(path.left_out):
        inner = predictions - mean
        square = float((weights[:, None] * inner**2).sum())
        factor = max(0.0, float((wanted * inner).sum()) / max(square, 1e-300))
        left_out[number] = mean + factor * inner
        shrunk[number] = factor * path.shrunk[number]
    return replace(path, left_out=left_out, shrunk=shrunk)


@dataclass(frozen=True)
class LineFit:
    """A straight line in a single column for each output.

    Attributes
    ----------
    left_out : (galaxies, outputs) float64
        Each galaxy as predicted by the line through all the others.
    slope, bias : (outputs,) float64
    """

    left_out: Doubles
    slope: Doubles
    bias: Doubles


def fit_line(column: Doubles, targets: Doubles, weights: Doubles) -> LineFit:
    """Straight lines in one column, each galaxy predicted by all the others too.

    Parameters
    ----------
    column : (galaxies,) float64
    targets : (galaxies, outputs) float64
    weights : (galaxies,) float64
    """
    total = weights.sum()
    centre, mean = weights @ column / total, weights @ targets / total
    inner = column - centre
    square = weights @ inner**2 + _LEAST_LEFT
    slope = (weights * inner) @ (targets - mean) / square
    fitted = mean + np.outer(inner, slope)
    influence = weights / total + weights * inner**2 / square
    error = (targets - fitted) / np.maximum(1 - influence, _LEAST_LEFT)[:, None]
    return LineFit(targets - error, slope, mean - centre * slope)


def line_errors(columns: Doubles, targets: Doubles, weights: Doubles) -> Doubles:
    """(columns,) the sum of squared errors of galaxies left out, of lines in each single column.

    The same as of `fit_line` for each column, at once.
    """
    total = weights.sum()
    inner = columns - weights @ columns / total
    wanted = targets - weights @ targets / total
    squares = weights @ inner**2 + _LEAST_LEFT
    influence = weights[:, None] * (1 / total + inner**2 / squares)
    left = np.maximum(1 - influence, _LEAST_LEFT)
    errors = np.zeros(columns.shape[1])
    for target in wanted.T:
        slopes = (weights * target) @ inner / squares
        errors += weights @ ((target[:, None] - inner * slopes) / left) ** 2
    return errors


def _decompose(inner: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Left vectors (galaxies, rank), sizes (rank,) and axes (columns, rank), without zero sizes.

    From the smaller of the two matrices of products: much faster than a singular value
    decomposition, and exact enough for sizes that a penalty leaves over.
    """
    galaxies, columns = inner.shape
    by_galaxies = galaxies <= columns
    squares, vectors = np.linalg.eigh(inner @ inner.T if by_galaxies else inner.T @ inner)
    kept = squares > 1e-12 * max(float(squares.max(initial=0)), 1e-300)
    sizes, vectors = np.sqrt(squares[kept]), vectors[:, kept]
    if by_galaxies:
        return vectors, sizes, inner.T @ vectors / sizes
    return inner @ vectors / sizes, sizes, vectors
