"""Strangeness: how little a picture is like those of galaxies.

A network has an answer for a cat as it has one for a galaxy. What its encoder makes of a picture
(the features) and what the picture looks like (`looks`) tell whether it is of the kind that the
model was trained on: the distance from what held-out galaxies give, in units of their spread.

The features alone let pass what a network has learnt to overlook (a galaxy cut in pieces and put
together again, one with a part of the picture lost); the looks alone know nothing of what the
network sees. Together, with the features' leading directions, they find more than either at the
same rate of false alarms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.errors import ScoreError

#: Share of galaxies that are flagged, though they are galaxies like those of the training.
FALSE_ALARMS = 0.01
#: Directions of the features that are looked at one by one; the rest is looked at together.
DIRECTIONS = 16
#: Galaxies that it takes to tell what is strange.
FEW = 40
_FOLDS = 5


@dataclass(frozen=True)
class Strangeness:
    """Where galaxies lie, in the features' leading directions and the looks.

    Attributes
    ----------
    centre, spread : (features,) float64
        Mean and standard deviation of each feature.
    directions : (features, directions) float64
        Leading directions of the standardised features.
    mean, scale : (described,) float64
        Of what a picture is described by: the features along the directions, the logarithm of what
        they have beside these, the looks.
    precision : (described, described) float64
        Inverse covariance of that, standardised.
    limit : float
        The distance beyond which a picture is flagged.
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

    def score(self, features: Floats, looks: Floats) -> NDArray[np.float32]:
        """How strange pictures are: 1 where the flag begins.

        Parameters
        ----------
        features : (pictures, features) float
            The encoder's.
        looks : (pictures, looks) float
            `galaxyclass.calibration.image_statistics` of the same cutouts.

        Returns
        -------
        (pictures,) float32
            0 or more: the Mahalanobis distance in units of the limit. A picture whose features are
            not finite is infinitely strange.

        Raises
        ------
        ScoreError
            Features or looks are not those of the fit.
        """
        features, looks = _doubles(features), _doubles(looks)
        wanted = (len(self.centre), len(self.mean) - self.directions.shape[1] - 1)
        got = (features.shape[-1], looks.shape[-1])
        if features.ndim != 2 or looks.ndim != 2 or got != wanted or len(features) != len(looks):
            raise ScoreError(
                "pictures that are not described as those that strangeness was fitted on",
                wanted=f"features (pictures, {wanted[0]}) and looks (pictures, {wanted[1]})",
                got=f"features {features.shape} and looks {looks.shape}",
                hint="calibrate this model again",
            )
        finite = np.isfinite(features).all(axis=1) & np.isfinite(looks).all(axis=1)
        score = np.full(len(features), np.inf, np.float32)
        score[finite] = self._distance(features[finite], looks[finite]) / self.limit
        return score

    def _distance(self, features: Doubles, looks: Doubles) -> Doubles:
        told = _describe(features, looks, self.centre, self.spread, self.directions)
        away = (told - self.mean) / self.scale
        squares: Doubles = ((away @ self.precision) * away).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squares, 0)))


def fit_strangeness(
    features: Floats, looks: Floats, *, false_alarms: float = FALSE_ALARMS, seed: int = 0
) -> Strangeness:
    """Learn what is ordinary from galaxies that training never saw.

    Held-out ones, because a network's features of its own training galaxies are not like those of
    others.

    Parameters
    ----------
    features : (galaxies, features) float
        The encoder's.
    looks : (galaxies, looks) float
        `galaxyclass.calibration.image_statistics` of the same cutouts.
    false_alarms : float
        Share of such galaxies that may be flagged.
    seed : int
        Of the folds.

    Returns
    -------
    Strangeness

    Raises
    ------
    ScoreError
        Fewer than `FEW` galaxies, or not as many looks as features.

    Notes
    -----
    The covariance is shrunk (Ledoit & Wolf 2004), as there may be few galaxies. The limit is the
    ceil((n + 1) (1 - false_alarms)) smallest distance of n galaxies, each measured by a fit that
    lacks it (in folds), or the largest where there are too few for that.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> features, looks = rng.normal(size=(500, 20)), rng.normal(size=(500, 5))
    >>> fitted = fit_strangeness(features, looks)
    >>> odd = fitted.score(features[:1] + 10, looks[:1])
    >>> bool(odd[0] > 1), bool(np.mean(fitted.score(features, looks) > 1) < 0.02)
    (True, True)
    """
    features, looks = _doubles(features), _doubles(looks)
    if features.ndim != 2 or looks.ndim != 2 or len(features) != len(looks):
        raise ScoreError(
            "features and looks are not of the same galaxies",
            wanted="(galaxies, features) and (galaxies, looks)",
            got=f"{features.shape} and {looks.shape}",
        )
    finite = np.isfinite(features).all(axis=1) & np.isfinite(looks).all(axis=1)
    features, looks = features[finite], looks[finite]
    if len(features) < FEW:
        raise ScoreError(
            "too few galaxies to learn what is strange",
            wanted=f"{FEW} or more, which the training did not have",
            got=str(len(features)),
        )
    folds = np.random.default_rng(seed).permutation(len(features)) % _FOLDS
    distances = np.empty(len(features))
    for fold in range(_FOLDS):
        rest, held = folds != fold, folds == fold
        fitted = _fit(features[rest], looks[rest], math.inf)
        distances[held] = fitted._distance(features[held], looks[held])
    rank = math.ceil((len(distances) + 1) * (1 - false_alarms))
    limit = float(np.sort(distances)[min(rank, len(distances)) - 1])
    return _fit(features, looks, limit)


def _doubles(values: Floats) -> Doubles:
    doubles: Doubles = np.asarray(values, dtype=np.float64)
    return doubles


def _fit(features: Doubles, looks: Doubles, limit: float) -> Strangeness:
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)  # a feature that is always the same says nothing
    standard = (features - centre) / spread
    count = min(DIRECTIONS, features.shape[1], len(features) // 10)
    _, leading = np.linalg.eigh(standard.T @ standard)
    # As they are kept on disk, so that a model loaded says what the one fitted said.
    directions = leading[:, ::-1][:, :count].astype(np.float16).astype(np.float64)
    told = _describe(features, looks, centre, spread, directions)
    mean, scale = told.mean(axis=0), told.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1e-3)  # what never differs among galaxies, but does here
    precision = LedoitWolf().fit((told - mean) / scale).precision_
    return Strangeness(centre, spread, directions, mean, scale, precision, limit, len(features))


def _describe(
    features: Doubles, looks: Doubles, centre: Doubles, spread: Doubles, directions: Doubles
) -> Doubles:
    """(pictures, directions + 1 + looks)."""
    standard = (features - centre) / spread
    along = standard @ directions
    rest = np.maximum((standard**2).sum(axis=1) - (along**2).sum(axis=1), 0)
    return np.concatenate([along, np.log(rest + 1e-3)[:, None], looks], axis=1)
