"""The size that the error of a predicted fraction has on average.

It depends on the fraction: it is small near 0 and 1, where volunteers agree, and larger in between.
It depends on the galaxy too: where a model is undecided about many answers, its errors are larger
than where it is sure of most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles

#: The smallest size of an error: a tenth of a vote among 40, less than any table resolves.
SMALLEST = 0.0025
#: Terms of a size: weights of the columns of `_terms`.
TERMS = 6
_FOLDS = 5


def mean_spread(values: Doubles) -> Doubles:
    """The mean spread of votes of each galaxy, by which the sizes of errors are scaled.

    Parameters
    ----------
    values : (galaxies, answers) float64, 0..1
        Predicted joint fractions; NaN unknown.

    Returns
    -------
    (galaxies,) float64
        The mean of sqrt(p (1 - p)) over the known fractions p: 0 where the model is sure of every
        answer, at most 0.5. 0 where nothing is known.

    Examples
    --------
    >>> mean_spread(np.array([[0.5, 0.5], [1.0, 0.0], [np.nan, np.nan]])).tolist()
    [0.5, 0.0, 0.0]
    """
    inside = np.clip(values, 0, 1)
    spread, known = np.sqrt(inside * (1 - inside)), ~np.isnan(values)
    counts = np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.where(known, spread, 0).sum(axis=1) / counts)


def error_sizes(values: Doubles, weights: Doubles) -> Doubles:
    """The size of an error where these fractions are predicted.

    Parameters
    ----------
    values : (galaxies, answers) float64, 0..1
        Predicted joint fractions; NaN unknown.
    weights : (answers, TERMS) float64, 0 or more

    Returns
    -------
    (galaxies, answers) float64
        `SMALLEST` or more; NaN where the value is.
    """
    sizes = np.einsum("gat,at->ga", _terms(values), weights)
    return np.asarray(np.maximum(sizes, SMALLEST))


def fit_error_sizes(
    groups: Sequence[slice], values: Doubles, targets: Doubles, enough: list[bool]
) -> Doubles:
    """Weights of each question that has enough galaxies, otherwise of all answers together.

    Parameters
    ----------
    groups : sequence of slice
        The answers of each question.
    values, targets : (galaxies, answers) float64, 0..1
        Predicted and true; NaN unknown.
    enough : list of bool
        For each question, whether its galaxies are enough for weights of its own.

    Returns
    -------
    (answers, TERMS) float64
    """
    terms, errors = _terms(values), np.abs(targets - values)
    weights = np.empty((values.shape[1], TERMS))
    weights[:] = _fit(terms, errors)
    for where, has_enough in zip(groups, enough, strict=True):
        if has_enough:
            weights[where] = _fit(terms[:, where], errors[:, where])
    return weights


def held_out_sizes(
    groups: Sequence[slice],
    values: Doubles,
    targets: Doubles,
    enough: list[bool],
    seed: int = 0,
) -> Doubles:
    """Sizes of the errors of each galaxy, by a fit that lacks it (in five folds).

    Parameters and shapes as for `fit_error_sizes`; `seed` draws the folds.

    Returns
    -------
    (galaxies, answers) float64
    """
    sizes = np.empty(values.shape)
    folds = np.random.default_rng(seed).permutation(len(values)) % _FOLDS
    for fold in range(_FOLDS):
        others, held_out = folds != fold, folds == fold
        weights = fit_error_sizes(groups, values[others], targets[others], enough)
        sizes[held_out] = error_sizes(values[held_out], weights)
    return sizes


def _terms(values: Doubles) -> Doubles:
    """(galaxies, answers, TERMS): what sizes are made of."""
    inside = np.clip(values, 0, 1)
    spread = inside * (1 - inside)
    root = np.sqrt(spread)
    galaxy = np.broadcast_to(mean_spread(values)[:, None], values.shape)
    return np.stack(
        [
            np.full_like(spread, 0.01),
            root,
            spread,
            0.1 * galaxy,
            galaxy * root,
            galaxy * np.sqrt(inside),
        ],
        axis=-1,
    )


def _fit(terms: Doubles, errors: Doubles) -> NDArray[np.float64]:
    """(TERMS,) weights, 0 or more, of the size that errors have on average."""
    from scipy.optimize import nnls  # slow to import

    known = ~np.isnan(errors)
    basis, sizes = terms[known], errors[known]
    # Small errors are to be as right, in proportion, as large ones: two rounds of reweighting.
    shares = np.ones(len(sizes))
    weights = np.zeros(TERMS)
    for _ in range(3):
        # The same least squares with a row for each term instead of one for each error. Where
        # terms are proportional to each other (all galaxies alike), the ridge chooses.
        scaled = basis * shares[:, None]
        gram = scaled.T @ scaled
        gram += (1e-12 + 1e-9 * np.trace(gram) / TERMS) * np.eye(TERMS)
        root = np.linalg.cholesky(gram)
        weights, _rest = nnls(root.T, np.linalg.solve(root, scaled.T @ (sizes * shares)))
        shares = 1 / np.maximum(basis @ weights, 0.01)
    return np.asarray(weights)
