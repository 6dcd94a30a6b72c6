"""Choosing galaxies: the best by a measure, and unlike each other and the labelled ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_rows(
    measure: NDArray[np.float64], allowed: NDArray[np.bool_], count: int
) -> NDArray[np.int64]:
    """The rows with the largest measure, the largest first; of equal ones the first row.

    Parameters
    ----------
    measure : (galaxies,) float64
        NaN is never chosen.
    allowed : (galaxies,) bool
    count : int
        At most so many.
    """
    rows = np.flatnonzero(allowed & ~np.isnan(measure))
    return rows[np.argsort(-measure[rows], kind="stable")][:count]


def distances_to(vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """(galaxies,) float32: the distance of each galaxy to the nearest of some rows.

    Parameters
    ----------
    vectors : (galaxies, axes) float32
        Of length 1. A distance is 1 less the cosine; infinite where there are no rows.
    rows : (chosen,) int64
    """
    distances = np.full(len(vectors), np.inf, np.float32)
    for start in range(0, len(rows), 64):
        centres = np.asarray(vectors[rows[start : start + 64]])
        for first in range(0, len(vectors), 65_536):
            block = slice(first, first + 65_536)
            nearest = 1 - (vectors[block] @ centres.T).max(axis=1)
            distances[block] = np.minimum(distances[block], nearest)
    return distances


def spread_out(
    vectors: NDArray[np.float32],
    candidates: NDArray[np.int64],
    labelled: NDArray[np.int64],
    count: int,
) -> NDArray[np.int64]:
    """Candidates that are unlike each other and the labelled galaxies, in the order chosen.

    Each time the candidate whose nearest chosen or labelled galaxy is farthest: the greedy
    k-centre method (Gonzalez 1985; Sener & Savarese 2018). Where nothing is labelled, the first
    candidate is the first chosen.

    Parameters
    ----------
    vectors : (galaxies, axes) float32
        Of length 1.
    candidates, labelled : (rows,) int64
    count : int
        At most so many.
    """
    candidate_vectors = np.asarray(vectors[candidates])
    distances = np.full(len(candidates), np.inf, np.float32)
    for start in range(0, len(labelled), 1024):
        centres = np.asarray(vectors[labelled[start : start + 1024]])
        distances = np.minimum(distances, 1 - (candidate_vectors @ centres.T).max(axis=1))
    chosen: list[int] = []
    for _ in range(min(count, len(candidates))):
        index = int(np.argmax(distances))
        chosen.append(index)
        distances = np.minimum(distances, 1 - candidate_vectors @ candidate_vectors[index])
        distances[chosen] = -np.inf
    return candidates[chosen]
