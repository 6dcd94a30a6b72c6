"""RMSE of vote fractions: worked by hand, plain numpy, scikit-learn, properties."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.metrics import root_mean_squared_error

from galaxyclass.errors import ScoreError
from galaxyclass.tasks.scores.votes import (
    errors_by_galaxy,
    rmse,
    score_all_votes,
    score_votes,
)
from galaxyclass.trees.read import load_tree

TREE = load_tree("galaxy_zoo_2")
FRACTIONS = hnp.arrays(np.float64, (5, 37), elements=st.floats(0, 1))


def test_by_hand() -> None:
    predicted = np.array([[0.5, 0.1], [0.0, 1.0]])
    target = np.array([[0.1, np.nan], [0.3, 1.0]])
    # squares 0.16, 0.09, 0: a mean of 0.25 / 3
    assert rmse(predicted, target) == pytest.approx((0.25 / 3) ** 0.5)


def test_all_zeros_of_the_challenge(galaxies: Path) -> None:
    """The published score of all zeros, on the 880 galaxies of which all 37 are known."""
    table = np.genfromtxt(galaxies / "galaxy-zoo-challenge" / "votes.csv", delimiter=",")[1:, 1:]
    whole = table[~np.isnan(table).any(axis=1)]
    assert len(whole) == 880
    assert rmse(np.zeros_like(whole), whole) == pytest.approx(0.2716, abs=0.002)


@given(FRACTIONS, FRACTIONS)
@settings(max_examples=30, deadline=None)
def test_is_scikit_learns_where_all_is_known(predicted: NDArray[Any], target: NDArray[Any]) -> None:
    assert rmse(predicted, target) == pytest.approx(
        root_mean_squared_error(target.ravel(), predicted.ravel()), abs=1e-12
    )
    np.testing.assert_allclose(
        [score.value for score in score_votes(TREE, predicted, target, resamples=2).answers],
        root_mean_squared_error(target, predicted, multioutput="raw_values"),
        atol=1e-12,
    )


@given(FRACTIONS, FRACTIONS, hnp.arrays(np.bool_, (5, 37)))
@settings(max_examples=30, deadline=None)
def test_groups_add_up_to_the_whole(
    predicted: NDArray[Any], target: NDArray[Any], unknown: NDArray[Any]
) -> None:
    target = np.where(unknown, np.nan, target)
    sums, counts = errors_by_galaxy(predicted, target, TREE.slices)
    if counts.sum() == 0:
        assert np.isnan(rmse(predicted, target))
    else:
        assert rmse(predicted, target) == pytest.approx((sums.sum() / counts.sum()) ** 0.5)
    assert counts.sum() == (~unknown).sum()


def test_float32_is_summed_in_float64() -> None:
    predicted = np.full((100_000, 1), 0.1, dtype=np.float32)
    target = np.zeros((100_000, 1), dtype=np.float32)
    assert rmse(predicted, target) == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_an_unpredicted_known_entry_is_not_passed_over() -> None:
    predicted, target = np.full((2, 37), 0.5), np.full((2, 37), 0.5)
    predicted[0, 1] = np.nan
    assert np.isnan(rmse(predicted, target))
    scores = score_votes(TREE, predicted, target)
    assert np.isnan([scores.overall.value, scores.overall.low, scores.overall.high]).all()
    assert np.isnan([scores.questions[0].low, scores.answers[1].high]).all()
    assert scores.questions[1].value == 0
    target[0, 1] = np.nan  # unknown there: nothing to score, so nothing lost
    assert rmse(predicted, target) == 0


def test_score_votes_holds_all_three() -> None:
    rng = np.random.default_rng(0)
    predicted, target = rng.random((60, 37)), rng.random((60, 37))
    target[:, TREE.slices[9]] = np.nan
    scores = score_votes(TREE, predicted, target)
    assert scores.overall.value == pytest.approx(rmse(predicted, target))
    assert scores.overall.low < scores.overall.value < scores.overall.high
    squares = (predicted - target) ** 2
    for number, where in enumerate(TREE.slices):
        if number != 9:
            assert scores.questions[number].value == pytest.approx(squares[:, where].mean() ** 0.5)
    known = ~np.isnan(target[0])
    np.testing.assert_allclose(
        [answer.value for answer in np.array(scores.answers, dtype=object)[known]],
        squares[:, known].mean(axis=0) ** 0.5,
    )
    assert np.isnan([scores.questions[9].value, scores.questions[9].low]).all()
    assert (scores.galaxies, scores.entries) == (60, 60 * 34)
    assert scores.answer_entries == (60,) * 28 + (0,) * 3 + (60,) * 6


@pytest.mark.parametrize("broken", [False, True])
def test_all_votes_alone_score_the_same(broken: bool) -> None:
    rng = np.random.default_rng(5)
    predicted, target = rng.random((2, 40, 37))
    target[rng.random(target.shape) < 0.3] = np.nan
    if broken:
        predicted[7, 0], target[7, 0] = np.nan, 0.5
    whole = score_votes(load_tree("galaxy_zoo_2"), predicted, target, seed=3).overall
    alone = score_all_votes(predicted, target, seed=3)
    np.testing.assert_allclose(astuple(alone), astuple(whole), rtol=1e-12)
    assert np.isnan(alone.value) == broken


def test_errors_of_many_galaxies_are_those_of_each() -> None:
    predicted, target = np.random.default_rng(5).random((2, 10, 4))
    whole = errors_by_galaxy(predicted, target, [slice(0, 1), slice(1, 4)])
    parts = errors_by_galaxy(predicted, target, [slice(0, 1), slice(1, 4)], at_once=3)
    np.testing.assert_array_equal(parts, whole)


def test_wrong_shapes_say_both() -> None:
    with pytest.raises(ScoreError, match=r"predictions \(2, 37\), truth \(3, 37\)"):
        rmse(np.zeros((2, 37)), np.zeros((3, 37)))


def test_arrays_of_one_dimension_are_refused() -> None:
    with pytest.raises(ScoreError, match="do not have two dimensions"):
        rmse(np.array([0.5]), np.array([np.nan]))
