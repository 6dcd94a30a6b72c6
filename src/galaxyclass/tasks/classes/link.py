"""From a linear model's outputs to probabilities of classes: the softmax, and its scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles

#: Before anything is known, the logarithm of the scale is near that of `_USUAL_SCALE`, and offsets
#: are near 0, within these standard deviations. Without them the fit of fifty galaxies, some by
#: chance better predicted wrongly than rightly, may say that all galaxies are alike; or, where
#: all are predicted rightly, ask for an infinite scale.
_USUAL_SCALE, _SCALE_SPREAD, _OFFSET_SPREAD = 3.0, 0.5, 0.5


def class_probabilities(raw: Doubles) -> Doubles:
    """(galaxies, classes) probabilities.

    Examples
    --------
    >>> class_probabilities(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_softmax(raw: Doubles, labels: NDArray[np.int64]) -> tuple[float, Doubles]:
    """The scale and the offsets for which probabilities fit classes best.

    Probabilities are the softmax of ``scale * raw + offsets`` (Guo et al. 2017: temperature, with
    an offset for each class).

    Parameters
    ----------
    raw : (galaxies, classes) float64
        Of galaxies that the model did not learn.
    labels : (galaxies,) int64
        Classes; -1 unknown.
    """
    from scipy.optimize import minimize

    known = labels >= 0
    raw, labels = raw[known], labels[known]
    galaxies, classes = raw.shape
    truth = labels[:, None] == np.arange(classes)

    def loss(parameters: Any) -> tuple[float, Any]:
        scale, offsets = np.exp(parameters[0]), parameters[1:]
        probabilities = class_probabilities(scale * raw + offsets)
        likelihood = np.log(np.maximum(probabilities[truth], 1e-12)).mean()
        slope = (probabilities - truth) / galaxies
        from_usual = (parameters[0] - np.log(_USUAL_SCALE)) / _SCALE_SPREAD
        gradient = np.concatenate(
            [
                [scale * (slope * raw).sum() + from_usual / _SCALE_SPREAD / galaxies],
                slope.sum(axis=0) + offsets / _OFFSET_SPREAD**2 / galaxies,
            ]
        )
        prior = (from_usual**2 + offsets @ offsets / _OFFSET_SPREAD**2) / 2 / galaxies
        return float(prior - likelihood), gradient

    start = np.concatenate([[np.log(_USUAL_SCALE)], np.zeros(classes)])
    result = minimize(loss, start, jac=True, method="L-BFGS-B")
    return float(np.exp(result.x[0])), np.asarray(result.x[1:], dtype=np.float64)
