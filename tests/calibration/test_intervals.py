"""Intervals hold what they promise, on galaxies whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyclass.calibration.coverage import measure_coverage
from galaxyclass.calibration.intervals import FEW, PLENTY, Intervals, fit_intervals
from galaxyclass.errors import ScoreError

from .conftest import TREE, draw


def held(intervals: Intervals, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    lower, upper = intervals.bounds(predicted)
    inside = (truth >= lower - 1e-6) & (truth <= upper + 1e-6)
    return np.where(np.isnan(truth), np.nan, inside)


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_other_galaxies_lie_within_as_often_as_promised(level: float) -> None:
    intervals = fit_intervals(TREE, *draw(1500, 1), level=level)
    predicted, truth = draw(4000, 2)
    inside = held(intervals, predicted, truth)
    assert inside.mean() == pytest.approx(level, abs=0.01)
    for where in TREE.slices:
        assert inside[:, where].mean() == pytest.approx(level, abs=0.02)
    # Each answer had galaxies enough for itself.
    assert np.abs(inside.mean(axis=0) - level).max() < 0.04
    assert (intervals.by_answer, intervals.by_question, intervals.pooled) == (37, 0, 0)


def test_they_hold_as_often_where_they_are_narrow() -> None:
    """Errors that grow from the edges to the middle, as the sizes can; no vote is at an edge."""

    def draw_inside(galaxies: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        predicted = 0.5 + rng.beta(0.5, 0.5, (galaxies, 37)) * rng.choice(
            [-0.45, 0.45], (galaxies, 37)
        )
        return predicted, predicted + rng.uniform(-0.2, 0.2, predicted.shape) * np.sqrt(
            predicted * (1 - predicted)
        )

    intervals = fit_intervals(TREE, *draw_inside(1500, 1))
    predicted, truth = draw_inside(4000, 2)
    lower, upper = intervals.bounds(predicted)
    widths = upper - lower
    inside = held(intervals, predicted, truth)
    for low, high in ((0, 0.1), (0.1, 0.4), (0.4, 0.7), (0.7, 1)):
        some = (widths >= np.quantile(widths, low)) & (widths <= np.quantile(widths, high))
        assert inside[some].mean() == pytest.approx(0.9, abs=0.02)
    assert np.quantile(widths, 0.05) < 0.5 * np.quantile(widths, 0.95)


def test_they_are_narrower_than_constant_ones() -> None:
    predicted, truth = draw(800, 3)
    coverage = measure_coverage(TREE, predicted, truth, repeats=3)
    assert coverage.overall == pytest.approx(0.9, abs=0.015)
    assert coverage.questions == pytest.approx([0.9] * 11, abs=0.02)
    assert coverage.width < 0.9 * coverage.constant_width


def test_a_worse_model_has_wider_ones() -> None:
    widths = []
    for noise in (0.5, 1.0):
        predicted, truth = draw(600, 4, noise=noise)
        lower, upper = fit_intervals(TREE, predicted, truth).bounds(predicted)
        widths.append((upper - lower).mean())
    assert widths[0] < 0.7 * widths[1]


def test_few_galaxies_take_what_others_have() -> None:
    predicted, truth = draw(600, 5)
    truth[PLENTY - 10 :, TREE.slices[2]] = np.nan  # its two answers stretch together
    truth[FEW - 10 :, TREE.slices[3]] = np.nan  # as all answers do
    truth[:, TREE.slices[10]] = np.nan
    intervals = fit_intervals(TREE, predicted, truth)
    assert (intervals.by_question, intervals.pooled) == (2, 2 + 6)
    bar, spiral, arms = (TREE.slices[place] for place in (2, 3, 10))
    assert len(set(intervals.stretches[bar])) == 1
    assert intervals.stretches[bar][0] != intervals.stretches[spiral][0]
    assert len({*intervals.stretches[spiral], *intervals.stretches[arms]}) == 1
    np.testing.assert_array_equal(intervals.sizes[spiral][0], intervals.sizes[arms][0])
    predicted, truth = draw(3000, 6)
    inside = held(intervals, predicted, truth)
    assert inside[:, bar].mean() == pytest.approx(0.9, abs=0.06)
    assert inside[:, spiral].mean() > 0.8


def test_gaps_and_galaxies_of_which_nothing_is_known() -> None:
    predicted, truth = draw(700, 7)
    truth[200:, 20:] = np.nan
    truth[600:] = np.nan
    assert fit_intervals(TREE, predicted, truth).galaxies == 600
    coverage = measure_coverage(TREE, predicted, truth, repeats=4)
    assert coverage.overall == pytest.approx(0.9, abs=0.02)


def test_an_answer_that_is_known_exactly() -> None:
    predicted, truth = draw(300, 8)
    predicted[:, 0] = truth[:, 0] = 0
    lower, upper = fit_intervals(TREE, predicted, truth).bounds(predicted)
    assert (lower[:, 0] == 0).all()
    assert (upper[:, 0] < 0.01).all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0, 1, width=32), min_size=37, max_size=37),
    st.floats(0, 50),
    st.lists(st.floats(0, 10), min_size=3, max_size=3),
)
def test_bounds_are_fractions_around_the_prediction(
    predicted: list[float], stretch: float, size: list[float]
) -> None:
    intervals = Intervals(0.9, np.tile(size, (37, 1)), np.full(37, stretch), 100, 37, 0, 0)
    values = np.array([predicted], np.float32)
    lower, upper = intervals.bounds(values)
    assert lower.dtype == upper.dtype == np.float32
    assert (lower >= 0).all()
    assert (upper <= 1).all()
    assert (lower <= values).all()
    assert (values <= upper).all()


def test_what_is_not_predicted_has_no_bounds() -> None:
    intervals = fit_intervals(TREE, *draw(200, 9))
    predicted = np.full((1, 37), 0.5)
    predicted[0, 3] = np.nan
    for bounds in intervals.bounds(predicted):
        assert np.flatnonzero(np.isnan(bounds[0])).tolist() == [3]


def test_no_galaxies_at_all_give_no_bounds() -> None:
    lower, upper = fit_intervals(TREE, *draw(200, 9)).bounds(np.zeros((0, 37)))
    assert lower.shape == upper.shape == (0, 37)


def test_too_few_galaxies() -> None:
    predicted, truth = draw(100, 10)
    truth[FEW - 1 :] = np.nan
    with pytest.raises(ScoreError, match=r"40 or more with known fractions(?s:.*)39"):
        fit_intervals(TREE, predicted, truth)


def test_other_answers() -> None:
    intervals = fit_intervals(TREE, *draw(200, 9))
    with pytest.raises(ScoreError, match=r"\(galaxies, 37 answers\)"):
        intervals.bounds(np.zeros((2, 5)))


def test_other_galaxies() -> None:
    with pytest.raises(ScoreError, match="do not have the same shape"):
        fit_intervals(TREE, np.zeros((50, 37)), np.zeros((51, 37)))


@pytest.mark.parametrize("level", [0.5, 1.0, 90])
def test_a_level_that_is_none(level: float) -> None:
    with pytest.raises(ScoreError, match=r"above 0\.5, below 1"):
        fit_intervals(TREE, *draw(100, 1), level=level)
