"""The challenge's central-pixel benchmark: the mean of the training galaxies of like colour.

The benchmark's own program defines "like" (J. Noah-Vanhoucke for Kaggle,
``CentralPixelBenchmark.go``, 20 December 2013): take the mean colour of the 10 by 10 pixels at the
centre, divide each channel by the mean of the three, and round down. Galaxies with the same three
whole numbers are of like colour. A channel is 0 where it is fainter than the mean of the three, 1
where it is not, 2 from twice the mean: in practice, there are six kinds of colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def colour_kinds(centre: NDArray[np.int64]) -> NDArray[np.int64]:
    """The kind of each colour; see the module.

    Parameters
    ----------
    centre : (galaxies, 3) int64
        `Colours.centre`.

    Returns
    -------
    (galaxies, 3) int64, 0..3
        Galaxies with equal rows are of like colour. A black centre, where the benchmark would have
        divided by 0, is (0, 0, 0).

    Examples
    --------
    >>> colour_kinds(np.array([[200, 100, 30], [90, 80, 10], [50, 50, 50]])).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    intensity = centre.sum(axis=-1, keepdims=True) // 3
    kinds: NDArray[np.int64] = centre // np.maximum(intensity, 1)
    return kinds


@dataclass(frozen=True)
class CentralPixelBenchmark:
    """Mean targets of the training galaxies of each kind of colour.

    Two faults of the published benchmark are corrected. It left its last column, Class11.6, at 0.
    And it gave 0 to a galaxy of a kind without training galaxies; here such a galaxy, and an answer
    that no galaxy of the kind knows, get the mean of all training galaxies.

    Attributes
    ----------
    kinds : (kinds, 3) int64
        See `colour_kinds`.
    means : (kinds, answers) float64
    otherwise : (answers,) float64
        NaN for an answer that no training galaxy knows.
    """

    kinds: NDArray[np.int64]
    means: NDArray[np.float64]
    otherwise: NDArray[np.float64]

    @classmethod
    def fit(cls, centre: NDArray[np.int64], targets: NDArray[np.floating]) -> CentralPixelBenchmark:
        """Average the targets of the galaxies of each kind of colour.

        Parameters
        ----------
        centre : (galaxies, 3) int64
        targets : (galaxies, answers) float, 0..1
            NaN unknown: an answer's mean is over the galaxies that know it.
        """
        kinds, kind_of = np.unique(colour_kinds(centre), axis=0, return_inverse=True)
        kind_of = kind_of.reshape(-1)
        otherwise = known_mean(targets)
        means = np.stack([known_mean(targets[kind_of == kind]) for kind in range(len(kinds))])
        return cls(kinds, np.where(np.isnan(means), otherwise, means), otherwise)

    def predict(self, centre: NDArray[np.int64]) -> NDArray[np.float64]:
        """(galaxies, answers) float64 in 0..1, NaN for answers that no training galaxy knows."""
        same = (colour_kinds(centre)[:, None, :] == self.kinds).all(axis=2)
        return np.where(same.any(axis=1)[:, None], self.means[same.argmax(axis=1)], self.otherwise)


def known_mean(targets: NDArray[np.floating]) -> NDArray[np.float64]:
    """The mean vector.

    Parameters
    ----------
    targets : (galaxies, answers) float
        NaN unknown.

    Returns
    -------
    (answers,) float64
        Over the galaxies that know each answer; NaN where none does.

    Examples
    --------
    >>> known_mean(np.array([[0.2, 0.5], [0.4, np.nan]])).round(6).tolist()
    [0.3, 0.5]
    """
    known = (~np.isnan(targets)).sum(axis=0)
    mean = np.full(targets.shape[1], np.nan)
    np.divide(np.nansum(targets, axis=0, dtype=np.float64), known, out=mean, where=known > 0)
    return mean
