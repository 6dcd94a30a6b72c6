"""Scores of tables with gaps, taken apart; values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from galaxyclass.errors import ScoreError
from galaxyclass.tasks.scores.bootstrap import bootstrap_interval
from galaxyclass.tasks.scores.complete_subsets import extents, score_extents
from galaxyclass.tasks.scores.votes import rmse

NAN = np.nan
#: Answer 0 is known of all, answer 1 of two, answer 2 of one galaxy; answer 3 of none.
TARGET = np.array([[0.5, 0.5, 0.5, NAN], [0.1, 0.2, NAN, NAN], [0.9, NAN, NAN, NAN]])


def test_the_two_extents() -> None:
    shared, complete = extents(TARGET)
    assert (shared.key, shared.name) == ("shared_answers", "1 answer known of every galaxy")
    assert shared.known.tolist() == [[True, False, False, False]] * 3
    assert shared.galaxies == 3
    assert complete.name == "3 answers, on the 1 galaxy that knows all"
    assert complete.known.sum() == 3
    assert complete.galaxies == 1


def test_a_galaxy_of_which_nothing_is_known_does_not_count() -> None:
    shared, _ = extents(np.vstack([TARGET, np.full(4, NAN)]))
    assert shared.galaxies == 3
    assert not shared.known[3].any()


@pytest.mark.parametrize("target", [np.zeros((2, 3)), np.full((2, 3), NAN), np.zeros((0, 3))])
def test_a_table_without_gaps_has_none(target: np.ndarray) -> None:
    assert extents(target) == ()


def test_no_complete_galaxy_no_second_extent() -> None:
    assert [one.key for one in extents(TARGET[1:])] == [
        "shared_answers",
        "complete_galaxies",
    ]
    assert extents(np.array([[0.1, NAN], [NAN, 0.2]])) == ()


def test_scores_by_hand() -> None:
    predicted = np.array([[0.5, 0.6, 0.5, 0.0], [0.4, 0.2, 0.9, 0.0], [0.5, 0.0, 0.0, 0.0]])
    (_, shared), (_, complete) = score_extents(predicted, TARGET)
    assert shared.value == pytest.approx(np.sqrt((0.0 + 0.09 + 0.16) / 3))
    assert complete.value == pytest.approx(np.sqrt(0.01 / 3))
    low, high = bootstrap_interval(np.array([[0.0], [0.09], [0.16]]), np.array([[1], [1], [1]]))
    assert (shared.low, shared.high) == pytest.approx((low[0], high[0]))


def test_an_extent_scores_as_rmse_on_that_rectangle() -> None:
    generator = np.random.default_rng(2)
    target = generator.random((40, 8))
    target[10:, 5:] = NAN
    predicted = generator.random((40, 8))
    (_, shared), (_, complete) = score_extents(predicted, target)
    assert shared.value == pytest.approx(rmse(predicted[:, :5], target[:, :5]))
    assert complete.value == pytest.approx(rmse(predicted[:10], target[:10]))


def test_no_prediction_is_no_score() -> None:
    (_, shared), _ = score_extents(np.full(TARGET.shape, NAN), TARGET)
    assert np.isnan([shared.value, shared.low, shared.high]).all()


def test_shapes_must_agree() -> None:
    with pytest.raises(ScoreError, match="same shape"):
        score_extents(np.zeros((2, 4)), TARGET)
