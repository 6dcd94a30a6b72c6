"""Scores of classes: worked by hand, scikit-learn, and the intervals against drawing galaxies."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from galaxyclass.errors import ScoreError
from galaxyclass.tasks.scores.classes import score_classes


def test_by_hand() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2, -1])
    called = np.array([0, 0, 0, 1, 1, 2, 2, 0])
    scores = score_classes(called, labels, 3)
    assert scores.galaxies == 7
    assert scores.accuracy.value == pytest.approx(5 / 7)
    np.testing.assert_allclose(scores.recall, [3 / 4, 1 / 2, 1])
    np.testing.assert_allclose(scores.precision, [1, 1 / 2, 1 / 2])
    assert scores.balanced_accuracy.value == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)
    assert scores.confusion.tolist() == [[3, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_a_class_without_galaxies_is_nan_not_zero() -> None:
    scores = score_classes(np.array([0, 1, 2]), np.array([0, 1, 1]), 4)
    np.testing.assert_array_equal(scores.recall, [1, 0.5, np.nan, np.nan])
    np.testing.assert_array_equal(scores.precision, [1, 1, 0, np.nan])
    assert scores.balanced_accuracy.value == 0.75


def test_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, called = rng.integers(5, size=500), rng.integers(5, size=500)
    scores = score_classes(called, labels, 5)
    assert scores.balanced_accuracy.value == pytest.approx(
        metrics.balanced_accuracy_score(labels, called)
    )


def test_intervals_are_those_of_drawing_galaxies() -> None:
    rng = np.random.default_rng(1)
    labels = rng.choice(3, size=300, p=[0.7, 0.25, 0.05])
    called = np.where(rng.random(300) < 0.8, labels, rng.integers(3, size=300))
    scores = score_classes(called, labels, 3, resamples=4000)
    drawn = rng.integers(300, size=(4000, 300))
    accuracies = (labels[drawn] == called[drawn]).mean(axis=1)
    with np.errstate(invalid="ignore"):
        recalls = [
            ((labels[drawn] == k) & (called[drawn] == k)).sum(axis=1)
            / (labels[drawn] == k).sum(axis=1)
            for k in range(3)
        ]
    for estimate, samples in (
        (scores.accuracy, accuracies),
        (scores.balanced_accuracy, np.nanmean(recalls, axis=0)),
    ):
        low, high = np.quantile(samples, [0.025, 0.975])
        assert estimate.low == pytest.approx(low, abs=0.1 * (high - low))
        assert estimate.high == pytest.approx(high, abs=0.1 * (high - low))


def test_nothing_known() -> None:
    with pytest.raises(ScoreError, match="no galaxy with a known class"):
        score_classes(np.array([0, 1]), np.array([-1, -1]), 2)


def test_an_index_out_of_range() -> None:
    with pytest.raises(ScoreError, match="0 to 1"):
        score_classes(np.array([0, 2]), np.array([0, 1]), 2)


def test_wrong_shapes() -> None:
    with pytest.raises(ScoreError, match=r"predicted \(2,\), true \(3,\)"):
        score_classes(np.array([0, 1]), np.array([0, 1, 1]), 2)
