"""Accuracy of predicted classes, overall and class by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ScoreError
from galaxyclass.tasks.metric import ACCURACY
from galaxyclass.tasks.scores.bootstrap import RESAMPLES, Score, percentile_interval
from galaxyclass.tasks.scores.scores import Scores

#: Cells of resampled confusion matrices that are in memory at once (8 bytes each).
_CELLS = 2_000_000


@dataclass(frozen=True, repr=False)
class ClassScores(Scores):
    """Accuracies with intervals, and the figures of each class.

    ``confusion[i, j]`` counts the galaxies of class i that are predicted as j. ``precision[i]`` is
    the share of galaxies predicted as i that are of class i (NaN where there are none),
    ``recall[i]`` the share of galaxies of class i that are predicted as i (NaN where there are
    none). The balanced accuracy is the mean recall of the classes that have galaxies.
    """

    metric = ACCURACY

    accuracy: Score
    balanced_accuracy: Score
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    confusion: NDArray[np.int64]
    galaxies: int

    @property
    def main(self) -> Score:
        """The accuracy."""
        return self.accuracy


def score_classes(
    predicted: NDArray[np.integer],
    labels: NDArray[np.integer],
    classes: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ClassScores:
    """Score predicted classes against true ones.

    Parameters
    ----------
    predicted : (galaxies,) int
        Index of the predicted class, 0..classes - 1.
    labels : (galaxies,) int
        Index of the true class; -1 unknown and left out.
    classes : int
        How many classes there are.
    resamples, seed : int
        Of the bootstrap by galaxy.

    Returns
    -------
    ClassScores

    Raises
    ------
    ScoreError
        The shapes differ, no galaxy has a known class, or an index is out of range.

    Notes
    -----
    Figures are scikit-learn's. Drawing galaxies with replacement draws their cells of the
    confusion matrix from a multinomial, so the intervals (percentile, Efron & Tibshirani 1993,
    section 13.3) come from resampled matrices, however many galaxies there are.

    Examples
    --------
    >>> scores = score_classes(np.array([0, 1, 1, 1]), np.array([0, 0, 1, -1]), 2)
    >>> scores.confusion.tolist(), round(scores.accuracy.value, 3), scores.balanced_accuracy.value
    ([[1, 1], [0, 1]], 0.667, 0.75)
    """
    predicted, labels = np.asarray(predicted), np.asarray(labels)
    if predicted.shape != labels.shape or predicted.ndim != 1:
        raise ScoreError(
            "predicted and true classes do not have the same shape",
            wanted="two arrays (galaxies,)",
            got=f"predicted {predicted.shape}, true {labels.shape}",
        )
    known = labels >= 0
    predicted, labels = predicted[known], labels[known]
    if not len(labels):
        raise ScoreError("no galaxy with a known class", wanted="at least one", got="none")
    if min(predicted) < 0 or max(predicted.max(), labels.max()) >= classes:
        raise ScoreError(
            "a class index is out of range",
            wanted=f"0 to {classes - 1}",
            got=f"predicted {predicted.min()} to {predicted.max()}, true up to {labels.max()}",
        )
    index = np.arange(classes)
    from sklearn import metrics  # slow to import

    confusion = metrics.confusion_matrix(labels, predicted, labels=index)
    precision, recall, _, _ = metrics.precision_recall_fscore_support(
        labels, predicted, labels=index, zero_division=np.nan
    )
    accuracies, balanced = _resample(confusion, resamples, seed)
    return ClassScores(
        accuracy=_score(metrics.accuracy_score(labels, predicted), accuracies),
        # scikit-learn's balanced_accuracy_score is this mean, with a warning where a class that
        # was predicted has no galaxies.
        balanced_accuracy=_score(np.nanmean(recall), balanced),
        precision=np.asarray(precision),
        recall=np.asarray(recall),
        confusion=confusion.astype(np.int64),
        galaxies=len(labels),
    )


def _resample(
    confusion: NDArray[np.integer], resamples: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(resamples,) accuracy and balanced accuracy of resampled galaxies."""
    generator = np.random.default_rng(seed)
    total = int(confusion.sum())
    true, guessed = np.nonzero(confusion)
    shares = confusion[true, guessed] / total
    rows = max(1, _CELLS // len(shares))
    accuracies, balanced = np.empty(resamples), np.empty(resamples)
    of_class = true[:, None] == np.arange(len(confusion))
    right = of_class & (true == guessed)[:, None]
    for start in range(0, resamples, rows):
        part = slice(start, min(start + rows, resamples))
        drawn = generator.multinomial(total, shares, size=part.stop - part.start)
        accuracies[part] = drawn[:, true == guessed].sum(axis=1) / total
        members = drawn @ of_class
        recalls = np.full(members.shape, np.nan)
        np.divide(drawn @ right, members, out=recalls, where=members > 0)
        balanced[part] = np.nanmean(recalls, axis=1)
    return accuracies, balanced


def _score(value: float, samples: NDArray[np.float64]) -> Score:
    low, high = percentile_interval(samples[:, None])
    return Score(float(value), float(low[0]), float(high[0]))
