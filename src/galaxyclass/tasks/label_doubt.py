"""How little a label is believable, beside a prediction that has not learnt it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles

#: Beyond so many standard deviations a label of numbers counts as probably wrong.
FAR = 4.0

#: Beyond so many standard deviations of the logarithm of all scores, too: with many outputs the
#: largest difference of a galaxy is far from 0 by chance.
APART = 3.0

#: Nine in ten values of a normal distribution lie within so many standard deviations.
_WIDE = 1.645

#: A class is probably wrong only where another one is so many times more probable: where classes
#: are hard to tell apart, predictions are wrong more often than labels.
ODDS = 4.0


@dataclass(frozen=True)
class LabelDoubt:
    """How little each label is believable.

    Attributes
    ----------
    score : (galaxies,) float64
        Larger is less believable; see the task's `Task.doubt` for its unit.
    probable : (galaxies,) bool
        Whether the label is probably wrong.
    labels, suggestions : tuple of str
        The label as it is, and what the prediction says.
    """

    score: Doubles
    probable: NDArray[np.bool_]
    labels: tuple[str, ...]
    suggestions: tuple[str, ...]


def doubt_classes(
    probabilities: Doubles, labels: NDArray[np.int64], names: tuple[str, ...]
) -> LabelDoubt:
    """Doubt of classes, by confident learning (Northcutt, Jiang & Chuang 2021, JAIR 70, 1373).

    A label is probably wrong where another class is much more probable (`ODDS`), and as probable as
    it is on average among the galaxies with that label. The score is the logarithm of how many
    times more probable the other class is.

    Parameters
    ----------
    probabilities : (galaxies, classes) float64
        By models that have not learnt the galaxy.
    labels : (galaxies,) int64
    names : tuple of str
    """
    galaxies = np.arange(len(labels))
    of_label = probabilities[galaxies, labels]
    others = probabilities.copy()
    others[galaxies, labels] = -1
    best = others.argmax(axis=1)
    other = others[galaxies, best]
    usual = np.array(
        [
            probabilities[labels == index, index].mean() if (labels == index).any() else 1.0
            for index in range(len(names))
        ]
    )
    score = np.log(np.maximum(other, 1e-12) / np.maximum(of_label, 1e-12))
    return LabelDoubt(
        score=score,
        probable=(score > np.log(ODDS)) & (other >= usual[best]),
        labels=tuple(names[index] for index in labels),
        suggestions=tuple(names[index] for index in best),
    )


def doubt_numbers(
    predictions: Doubles, values: Doubles, noise: Doubles, names: tuple[str, ...]
) -> LabelDoubt:
    """Doubt of numbers or fractions: how far they are from predictions, in units of the noise.

    The variance of a difference is that of the label, `noise`, and that of the predictions, which
    is what is left of the mean squared difference. Where nine in ten differences of an output are
    spread wider than that, as those of debiased votes are, its standard deviation grows with them.
    The score of a galaxy is its largest difference, in standard deviations; it is probably wrong
    where it is far from 0 (`FAR`) and from the scores of most galaxies (`APART`).

    Parameters
    ----------
    predictions, values : (galaxies, outputs) float64
        NaN in values is unknown.
    noise : (galaxies, outputs) float64
        The variance of each label, if the prediction is right.
    names : tuple of str
    """
    known = ~np.isnan(values)
    squares = np.where(known, (values - predictions) ** 2, np.nan)
    noise = np.where(known, noise, np.nan)
    counted = known.sum(axis=0)
    model_variance = np.nansum(squares - noise, axis=0) / np.maximum(counted, 1)
    # Mistakes raise the mean square: the median square of a normal distribution is 0.455.
    median = np.full(len(counted), np.inf)
    for column in np.flatnonzero(counted):
        median[column] = np.nanmedian(squares[:, column]) / 0.455
    of_model = np.maximum(np.minimum(model_variance, median), 1e-6)
    with np.errstate(invalid="ignore"):
        deviations = np.where(known, np.sqrt(squares / (noise + of_model)), -1)
    for column in np.flatnonzero(counted):
        wide = np.quantile(deviations[known[:, column], column], 0.9) / _WIDE
        deviations[known[:, column], column] /= max(1.0, float(wide))
    worst = deviations.argmax(axis=1)
    galaxies = np.arange(len(values))
    score = deviations[galaxies, worst]
    # The largest of many differences is large for any galaxy: what stands apart is named.
    logs = np.log(np.maximum(score, 1e-6))
    middle = float(np.median(logs))
    apart = np.exp(middle + APART * float(np.median(np.abs(logs - middle))) / 0.6745)

    def words(numbers: Doubles) -> tuple[str, ...]:
        return tuple(
            f"{names[column]} = {number:.3g}"
            for column, number in zip(worst, numbers[galaxies, worst], strict=True)
        )

    probable = (score > FAR) & (score > apart)
    return LabelDoubt(score, probable, words(values), words(predictions))
