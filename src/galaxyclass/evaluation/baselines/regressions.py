"""Linear and logistic regression on three colours, by scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Numbers = NDArray[np.integer] | NDArray[np.floating]


class LinearColours:
    """Vote fractions by ordinary least squares with an intercept, clipped to 0..1.

    Clipped, because one very bright image would otherwise spoil the whole score. An answer is
    fitted on the training galaxies that know it.

    Parameters
    ----------
    colours : (galaxies, 3) numbers
    targets : (galaxies, answers) float, 0..1
        NaN unknown.

    Examples
    --------
    >>> colours = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    >>> line = LinearColours(colours, np.array([[0.1, 0.5], [0.3, np.nan], [0.5, 0.7]]))
    >>> line.predict(np.array([[1.0, 0, 0], [9, 0, 0]])).round(6).tolist()
    [[0.3, 0.6], [1.0, 1.0]]
    """

    def __init__(self, colours: Numbers, targets: NDArray[np.floating]) -> None:
        known = ~np.isnan(targets)
        self._answers = targets.shape[1]
        #: Answers that the same galaxies know are fitted at once.
        self._lines: list[tuple[NDArray[np.int64], Any]] = []
        patterns, pattern_of = np.unique(known, axis=1, return_inverse=True)
        for pattern, galaxies in enumerate(patterns.T):
            if galaxies.any():
                answers = np.flatnonzero(pattern_of.reshape(-1) == pattern)
                line = LinearRegression().fit(
                    colours[galaxies].astype(np.float64),
                    targets[np.ix_(galaxies, answers)].astype(np.float64),
                )
                self._lines.append((answers, line))

    def predict(self, colours: Numbers) -> NDArray[np.float64]:
        """(galaxies, answers) float64 in 0..1, NaN for answers that no training galaxy knows."""
        predicted = np.full((len(colours), self._answers), np.nan)
        for answers, line in self._lines:
            predicted[:, answers] = np.clip(line.predict(colours.astype(np.float64)), 0, 1)
        return predicted


class LogisticColours:
    """Classes by multinomial logistic regression on standardised colours.

    scikit-learn's own settings: an L2 penalty of strength 1.

    Parameters
    ----------
    colours : (galaxies, 3) numbers
    labels : (galaxies,) int
        Indices of classes; -1 unknown, left out.

    Examples
    --------
    >>> colours = np.array([[0.0, 0, 0], [1, 0, 0], [8, 0, 0], [9, 0, 0]])
    >>> LogisticColours(colours, np.array([0, 0, 2, 2])).predict(colours).tolist()
    [0, 0, 2, 2]
    """

    def __init__(self, colours: Numbers, labels: NDArray[np.integer]) -> None:
        known = labels >= 0
        colours, labels = colours[known].astype(np.float64), labels[known]
        self._only = labels[0] if (labels == labels[0]).all() else None
        if self._only is None:
            self._model: Any = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            self._model.fit(colours, labels)

    def predict(self, colours: Numbers) -> NDArray[np.int64]:
        """(galaxies,) int64 index of the class of each."""
        if self._only is not None:  # all training galaxies are of one class
            return np.full(len(colours), self._only, dtype=np.int64)
        return np.asarray(self._model.predict(colours.astype(np.float64)), dtype=np.int64)
