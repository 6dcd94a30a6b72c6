"""Out-of-distribution score: how unlike an image is to those of galaxies.

A network predicts something for a cat as it does for a galaxy. The encoder's features of an image
and the image's statistics (`image_statistics`) tell whether it is of the kind that the model was
trained on: the score is the distance from held-out galaxies, in units of their spread.

Features alone miss what a network has learnt to ignore (a galaxy cut in pieces and put together
again, an image of which a part is lost). Image statistics alone know nothing of what the network
sees. Both together, along the features' leading directions, find more than either does at the same
rate of false alarms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.errors import ScoreError

#: Share of in-distribution images that are flagged.
FALSE_ALARMS = 0.01
#: Directions of the features that are used one by one; the rest is summed. More of them find fewer
#: images that show no galaxy: each adds to the distances of rare galaxies.
DIRECTIONS = 4
#: Galaxies that a fit needs.
FEW = 40
_FOLDS = 5


@dataclass(frozen=True)
class OutOfDistribution:
    """Where galaxies lie, in the features' leading directions and the image statistics.

    Attributes
    ----------
    centre, spread : (features,) float64
        Mean and standard deviation of each feature.
    directions : (features, directions) float64
        Leading directions of the standardised features.
    mean, scale : (described,) float64
        Of what describes an image: its features along the directions, the logarithm of what is left
        of them, its statistics.
    precision : (described, described) float64
        Inverse covariance of that, standardised.
    limit : float
        The distance beyond which an image is flagged.
    galaxies : int
        Of the fit.
    """

    centre: Doubles
    spread: Doubles
    directions: Doubles
    mean: Doubles
    scale: Doubles
    precision: Doubles
    limit: float
    galaxies: int

    def score(self, features: Floats, statistics: Floats) -> NDArray[np.float32]:
        """How far out of distribution images are; those above 1 are flagged.

        Parameters
        ----------
        features : (images, features) float
            The encoder's.
        statistics : (images, statistics) float
            `galaxyclass.calibration.image_statistics` of the same cutouts.

        Returns
        -------
        (images,) float32
            0 or more: the Mahalanobis distance in units of the limit. Infinite for an image whose
            features are not finite.

        Raises
        ------
        ScoreError
            Features or statistics are not those of the fit.
        """
        features, statistics = _doubles(features), _doubles(statistics)
        wanted = (len(self.centre), len(self.mean) - self.directions.shape[1] - 1)
        got = (features.shape[-1], statistics.shape[-1])
        if (
            features.ndim != 2
            or statistics.ndim != 2
            or got != wanted
            or len(features) != len(statistics)
        ):
            raise ScoreError(
                "these images are not described as those that the score was fitted on",
                wanted=f"features (images, {wanted[0]}) and statistics (images, {wanted[1]})",
                got=f"features {features.shape} and statistics {statistics.shape}",
                hint="calibrate this model again",
            )
        finite = np.isfinite(features).all(axis=1) & np.isfinite(statistics).all(axis=1)
        score = np.full(len(features), np.inf, np.float32)
        score[finite] = self._distance(features[finite], statistics[finite]) / self.limit
        return score

    def _distance(self, features: Doubles, statistics: Doubles) -> Doubles:
        described = _describe(features, statistics, self.centre, self.spread, self.directions)
        away = (described - self.mean) / self.scale
        squares: Doubles = ((away @ self.precision) * away).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squares, 0)))


def fit_out_of_distribution(
    features: Floats, statistics: Floats, *, false_alarms: float = FALSE_ALARMS, seed: int = 0
) -> OutOfDistribution:
    """Fit the score to galaxies that training never saw.

    They must be held out: a network's features of its own training galaxies are not like those of
    other galaxies.

    Parameters
    ----------
    features : (galaxies, features) float
        The encoder's.
    statistics : (galaxies, statistics) float
        `galaxyclass.calibration.image_statistics` of the same cutouts.
    false_alarms : float
        Share of such galaxies that may be flagged.
    seed : int
        Of the folds.

    Returns
    -------
    OutOfDistribution

    Raises
    ------
    ScoreError
        Fewer than `FEW` galaxies, or not as many rows of statistics as of features.

    Notes
    -----
    The covariance is shrunk (Ledoit & Wolf 2004), as there may be few galaxies. The limit is the
    ceil((n + 1) (1 - false_alarms)) smallest distance of n galaxies, each measured by a fit that
    lacks it (in folds), or the largest where there are too few for that.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> features, statistics = rng.normal(size=(500, 20)), rng.normal(size=(500, 5))
    >>> fitted = fit_out_of_distribution(features, statistics)
    >>> far = fitted.score(features[:1] + 10, statistics[:1])
    >>> bool(far[0] > 1), bool(np.mean(fitted.score(features, statistics) > 1) < 0.02)
    (True, True)
    """
    features, statistics = _doubles(features), _doubles(statistics)
    if features.ndim != 2 or statistics.ndim != 2 or len(features) != len(statistics):
        raise ScoreError(
            "features and statistics are not of the same galaxies",
            wanted="(galaxies, features) and (galaxies, statistics)",
            got=f"{features.shape} and {statistics.shape}",
        )
    finite = np.isfinite(features).all(axis=1) & np.isfinite(statistics).all(axis=1)
    features, statistics = features[finite], statistics[finite]
    if len(features) < FEW:
        raise ScoreError(
            "too few galaxies for an out-of-distribution score",
            wanted=f"{FEW} or more, which the training did not have",
            got=str(len(features)),
        )
    folds = np.random.default_rng(seed).permutation(len(features)) % _FOLDS
    distances = np.empty(len(features))
    for fold in range(_FOLDS):
        others, held_out = folds != fold, folds == fold
        fitted = _fit(features[others], statistics[others], math.inf)
        distances[held_out] = fitted._distance(features[held_out], statistics[held_out])
    rank = math.ceil((len(distances) + 1) * (1 - false_alarms))
    limit = float(np.sort(distances)[min(rank, len(distances)) - 1])
    return _fit(features, statistics, limit)


def _doubles(values: Floats) -> Doubles:
    doubles: Doubles = np.asarray(values, dtype=np.float64)
    return doubles


def _fit(features: Doubles, statistics: Doubles, limit: float) -> OutOfDistribution:
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)  # a constant feature tells nothing
    standard = (features - centre) / spread
    count = min(DIRECTIONS, features.shape[1], len(features) // 10)
    _, leading = np.linalg.eigh(standard.T @ standard)
    # Rounded as on disk, so that a loaded model gives the scores of the fitted one.
    directions = leading[:, ::-1][:, :count].astype(np.float16).astype(np.float64)
    described = _describe(features, statistics, centre, spread, directions)
    mean, scale = described.mean(axis=0), described.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1e-3)  # constant among galaxies
    from sklearn.covariance import LedoitWolf  # slow to import

    precision = LedoitWolf().fit((described - mean) / scale).precision_
    return OutOfDistribution(
        centre, spread, directions, mean, scale, precision, limit, len(features)
    )


def _describe(
    features: Doubles, statistics: Doubles, centre: Doubles, spread: Doubles, directions: Doubles
) -> Doubles:
    """(images, directions + 1 + statistics)."""
    standard = (features - centre) / spread
    along = standard @ directions
    beside = np.maximum((standard**2).sum(axis=1) - (along**2).sum(axis=1), 0)
    return np.concatenate([along, np.log(beside + 1e-3)[:, None], statistics], axis=1)
