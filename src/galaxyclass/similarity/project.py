"""From embeddings to a map: two coordinates for each galaxy, and how far they can be believed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import MapMethod
from galaxyclass.extras import require
from galaxyclass.similarity.axes import fit_axes

#: Nearest galaxies that are compared, and galaxies for which they are.
_NEAREST, _COMPARED = 10, 1_000
#: Vectors that are projected at once.
_BLOCK = 65_536


def project(
    vectors: NDArray[np.float32], method: MapMethod, seed: int
) -> tuple[NDArray[np.float32], float | None]:
    """Two coordinates for each vector, so that galaxies that are alike lie near each other.

    Parameters
    ----------
    vectors : (galaxies, axes) float32
        Of length 1.
    method : {"pca", "umap"}
        pca: the two principal components of the vectors. umap: McInnes, Healy & Melville (2018),
        by the cosine.
    seed : int
        Of umap, which then computes on one core: the same seed gives the same map on one machine.

    Returns
    -------
    coordinates : (galaxies, 2) float32
    variance : float or None
        The share of the variance that the two components hold; None of umap.

    Raises
    ------
    MissingExtraError
        umap is not installed.
    """
    if method == "umap" and len(vectors) > 3:  # fewer have no neighbourhood
        umap: Any = require("umap")
        neighbours = min(15, len(vectors) - 1)
        reducer = umap.UMAP(
            n_neighbors=neighbours,
            min_dist=0.1,
            metric="cosine",
            random_state=seed,
            n_jobs=1,
            # Of few galaxies the spectral start can fail.
            init="spectral" if len(vectors) > 50 else "random",
        )
        return np.asarray(reducer.fit_transform(np.asarray(vectors)), np.float32), None
    blocks = range(0, len(vectors), _BLOCK)
    axes = fit_axes(np.asarray(vectors[start : start + _BLOCK]) for start in blocks)
    # A direction and its opposite are the same component: the larger half points to the positive.
    largest = np.abs(axes.directions).argmax(axis=0)
    signs = np.sign(axes.directions[largest, np.arange(axes.directions.shape[1])])
    turned = np.concatenate(
        [
            (np.asarray(vectors[start : start + _BLOCK]) - axes.mean) @ (axes.directions * signs)
            for start in blocks
        ]
    )
    variances = turned.var(axis=0, dtype=np.float64)
    coordinates = np.zeros((len(vectors), 2), np.float32)
    coordinates[:, : turned.shape[1]] = turned[:, :2]
    total = float(variances.sum())
    return coordinates, float(variances[:2].sum()) / total if total else 1.0


def kept_neighbours(
    vectors: NDArray[np.float32], coordinates: NDArray[np.float32], seed: int
) -> float:
    """Of the ten galaxies nearest in the map, the share that are among the ten most alike.

    Parameters
    ----------
    vectors : (galaxies, axes) float32
        Of length 1.
    coordinates : (galaxies, 2) float32
    seed : int
        Of the galaxies that are compared, where there are many.

    Returns
    -------
    float
        NaN of fewer than twelve galaxies.
    """
    if len(vectors) < _NEAREST + 2:
        return float("nan")
    drawn = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:_COMPARED])
    sample, positions = np.asarray(vectors[drawn]), coordinates[drawn].astype(np.float64)
    nearest, alike = min(_NEAREST, len(drawn) - 1), 1 - sample @ sample.T
    squares = (positions**2).sum(axis=1)
    apart = squares[:, None] + squares - 2 * positions @ positions.T
    neighbours = []
    for distances in (alike, apart):
        np.fill_diagonal(distances, np.inf)
        neighbours.append(np.argpartition(distances, nearest, axis=1)[:, :nearest])
    shares = [len({*a} & {*b}) for a, b in zip(*map(np.ndarray.tolist, neighbours), strict=True)]
    return float(np.mean(shares)) / nearest
