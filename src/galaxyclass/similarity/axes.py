"""The axes on which embeddings are compared: principal components, not whitened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Principal components that are kept. Of the pretrained model's 256 features, 64 keep 99.5 % of
#: the variance, and the nearest neighbours are as good (docs/similar.md).
MOST_AXES = 64


@dataclass(frozen=True)
class Axes:
    """A mean, and orthogonal directions.

    Whitening (dividing each axis by its standard deviation) was measured: neighbours agree less.

    Attributes
    ----------
    mean : (features,) float32
    directions : (features, axes) float32
    """

    mean: NDArray[np.float32]
    directions: NDArray[np.float32]

    def vectors(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """(galaxies, axes) float32 vectors of length 1, whose dot product is the similarity.

        Parameters
        ----------
        embedding : (galaxies, features) float32
        """
        turned = (embedding - self.mean) @ self.directions
        length = np.linalg.norm(turned, axis=1, keepdims=True)
        vectors: NDArray[np.float32] = turned / np.maximum(length, np.float32(1e-12))
        return vectors


def fit_axes(pieces: Iterable[NDArray[np.float32]]) -> Axes:
    """The mean of embeddings and their leading principal components, in one pass.

    Parameters
    ----------
    pieces : iterable of (galaxies, features) float32
    """
    count, total, products = 0, np.zeros(0), np.zeros((0, 0))
    origin = np.zeros(0)
    for piece in pieces:
        if not count:
            # Moments about a galaxy near the mean lose no digits.
            origin = piece.mean(axis=0).astype(np.float64)
            total, products = np.zeros_like(origin), np.zeros((len(origin), len(origin)))
        shifted = piece - origin
        count += len(shifted)
        total += shifted.sum(axis=0)
        products += shifted.T @ shifted
    mean = total / count
    covariance = products / count - np.outer(mean, mean)
    variances, directions = np.linalg.eigh(covariance)
    order = np.argsort(variances)[::-1][:MOST_AXES]
    return Axes((origin + mean).astype(np.float32), directions[:, order].astype(np.float32))
