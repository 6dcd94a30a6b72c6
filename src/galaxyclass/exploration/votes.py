"""Statistics of a table of votes: means, majorities, correlations, most certain galaxies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.trees.tree import Tree

#: From this fraction on, an answer has the majority.
MAJORITY = 0.5


@dataclass(frozen=True)
class VoteSummary:
    """Statistics of the votes of galaxies on a tree.

    Attributes
    ----------
    tree : Tree
    galaxies : int
    known : (answers,) int64
        Galaxies of which the answer's fraction is known.
    mean : (answers,) float64
        Mean joint fraction of these galaxies; NaN where there are none.
    majority : (answers,) int64
        Galaxies with a joint fraction of `MAJORITY` or more.
    correlations : (answers, answers) float64
        See `correlations`.
    """

    tree: Tree
    galaxies: int
    known: NDArray[np.int64]
    mean: NDArray[np.float64]
    majority: NDArray[np.int64]
    correlations: NDArray[np.float64]

    @property
    def title(self) -> str:
        """The end of a title that begins with the number of galaxies."""
        return f", votes on the tree of {self.tree.title}"


def summarise_votes(tree: Tree, fractions: NDArray[np.floating]) -> VoteSummary:
    """Summarise joint vote fractions.

    Parameters
    ----------
    tree : Tree
    fractions : (galaxies, answers of the tree) float, 0..1
        Joint; NaN unknown.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> fractions = np.full((2, 37), np.nan)
    >>> fractions[:, 0] = 0.4, 0.5
    >>> summary = summarise_votes(load_tree("galaxy_zoo_2"), fractions)
    >>> summary.known[:2].tolist(), float(summary.mean[0]), int(summary.majority[0])
    ([2, 0], 0.45, 1)
    """
    known = (~np.isnan(fractions)).sum(axis=0)
    mean = np.full(len(known), np.nan)
    np.divide(np.nansum(fractions, axis=0, dtype=np.float64), known, out=mean, where=known > 0)
    return VoteSummary(
        tree=tree,
        galaxies=len(fractions),
        known=known.astype(np.int64),
        mean=mean,
        # NaN is not 0.5 or more.
        majority=(fractions >= MAJORITY).sum(axis=0).astype(np.int64),
        correlations=correlations(fractions),
    )


def correlations(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pearson's correlation of every two columns, over the rows that know both.

    Parameters
    ----------
    values : (rows, columns) float
        NaN unknown.

    Returns
    -------
    (columns, columns) float64, -1..1
        NaN where fewer than two rows know both, or one of the two does not vary among them.

    Examples
    --------
    >>> values = np.array([[0.0, 1.0, 5.0], [1.0, 0.5, 5.0], [2.0, 0.0, 5.0], [3.0, np.nan, 5.0]])
    >>> correlations(values).round(6)[0].tolist()
    [1.0, -1.0, nan]
    """
    known = ~np.isnan(values)
    centre = np.divide(
        np.nansum(values, axis=0, dtype=np.float64), np.maximum(known.sum(axis=0), 1)
    )
    # Centred values keep the precision of sums of squares.
    values = np.where(known, values - centre, 0.0)
    rows = known.astype(np.float64)
    count = np.maximum(rows.T @ rows, 1)
    sums, squares = values.T @ rows, (values * values).T @ rows
    products = values.T @ values - sums * sums.T / count
    spread = squares - sums * sums / count
    # The spread of a constant column is a rounding error.
    spread[spread <= 1e-12 * count] = 0.0
    scales = np.sqrt(spread * spread.T)
    result = np.full(scales.shape, np.nan)
    np.divide(products, scales, out=result, where=scales > 0)
    return np.clip(result, -1, 1)


def most_certain(
    fractions: NDArray[np.floating], usable: NDArray[np.bool_], depth: int = 10
) -> tuple[NDArray[np.int64], ...]:
    """The galaxies with the largest fraction of each answer.

    Parameters
    ----------
    fractions : (galaxies, answers) float, 0..1
        NaN unknown.
    usable : (galaxies,) bool
        Whether a galaxy may be chosen.
    depth : int
        Galaxies for each answer, at most.

    Returns
    -------
    tuple of (at most depth,) int64
        The largest fraction first; equal ones in the order of the table; fractions of 0 left out.

    Examples
    --------
    >>> fractions = np.array([[0.2, 0.0], [0.9, np.nan], [0.9, 0.0], [1.0, 0.0]])
    >>> most_certain(fractions, np.array([True, True, True, False]))
    (array([1, 2, 0]), array([], dtype=int64))
    """
    chosen = []
    for column in np.where(usable[:, None], fractions, 0.0).T:
        order = np.argsort(-np.nan_to_num(column), kind="stable")[:depth]
        chosen.append(order[column[order] > 0].astype(np.int64))
    return tuple(chosen)
