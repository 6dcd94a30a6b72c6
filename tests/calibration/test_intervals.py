"""Intervals hold what they promise, on galaxies whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyclass.calibration.coverage import VALUE_EDGES, interval_coverage, measure_coverage
from galaxyclass.calibration.error_sizes import error_sizes, held_out_sizes, mean_spread
from galaxyclass.calibration.intervals import (
    FEW,
    MOST_REGIONS,
    PLENTY,
    Intervals,
    fit_intervals,
    fit_regions,
)
from galaxyclass.errors import ScoreError

from .conftest import TREE, draw


def held(intervals: Intervals, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    lower, upper = intervals.bounds(predicted)
    inside = (truth >= lower - 1e-6) & (truth <= upper + 1e-6)
    return np.where(np.isnan(truth), np.nan, inside)


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_other_galaxies_lie_within_as_often_as_promised(level: float) -> None:
    intervals = fit_intervals(TREE.slices, *draw(1500, 1), level=level)
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

    intervals = fit_intervals(TREE.slices, *draw_inside(1500, 1))
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
    coverage = measure_coverage(TREE.slices, predicted, truth, repeats=3)
    assert coverage.overall == pytest.approx(0.9, abs=0.015)
    assert coverage.questions == pytest.approx([0.9] * 11, abs=0.02)
    assert coverage.width < 0.9 * coverage.constant_width


def test_a_worse_model_has_wider_ones() -> None:
    widths = []
    for noise in (0.5, 1.0):
        predicted, truth = draw(600, 4, noise=noise)
        lower, upper = fit_intervals(TREE.slices, predicted, truth).bounds(predicted)
        widths.append((upper - lower).mean())
    assert widths[0] < 0.7 * widths[1]


def test_few_galaxies_take_what_others_have() -> None:
    predicted, truth = draw(600, 5)
    truth[PLENTY - 10 :, TREE.slices[2]] = np.nan  # its two answers stretch together
    truth[FEW - 10 :, TREE.slices[3]] = np.nan  # as all answers do
    truth[:, TREE.slices[10]] = np.nan
    intervals = fit_intervals(TREE.slices, predicted, truth)
    assert (intervals.by_question, intervals.pooled) == (2, 2 + 6)
    bar, spiral, arms = (TREE.slices[place] for place in (2, 3, 10))
    of_bar, of_spiral, of_arms = (
        {tuple(stretches) for stretches in intervals.stretches[where]}
        for where in (bar, spiral, arms)
    )
    assert len(of_bar) == len(of_spiral) == 1
    assert of_bar != of_spiral == of_arms
    assert len(next(iter(of_spiral))) == 1
    np.testing.assert_array_equal(intervals.sizes[spiral][0], intervals.sizes[arms][0])
    predicted, truth = draw(3000, 6)
    inside = held(intervals, predicted, truth)
    assert inside[:, bar].mean() == pytest.approx(0.9, abs=0.06)
    assert inside[:, spiral].mean() > 0.8


def test_gaps_and_galaxies_of_which_nothing_is_known() -> None:
    predicted, truth = draw(700, 7)
    truth[200:, 20:] = np.nan
    truth[600:] = np.nan
    assert fit_intervals(TREE.slices, predicted, truth).galaxies == 600
    coverage = measure_coverage(TREE.slices, predicted, truth, repeats=4)
    assert coverage.overall == pytest.approx(0.9, abs=0.02)


def test_an_answer_that_is_known_exactly() -> None:
    predicted, truth = draw(300, 8)
    predicted[:, 0] = truth[:, 0] = 0
    lower, upper = fit_intervals(TREE.slices, predicted, truth).bounds(predicted)
    assert (lower[:, 0] == 0).all()
    assert (upper[:, 0] < 0.01).all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0, 1, width=32), min_size=37, max_size=37),
    st.lists(st.floats(0, 50), min_size=2, max_size=2),
    st.lists(st.floats(0, 10), min_size=6, max_size=6),
)
def test_bounds_are_fractions_around_the_prediction(
    predicted: list[float], stretches: list[float], size: list[float]
) -> None:
    regions = (np.array([0.3]),) * 37, (np.array(stretches),) * 37
    intervals = Intervals(0.9, np.tile(size, (37, 1)), *regions, 100, 37, 0, 0)
    values = np.array([predicted], np.float32)
    lower, upper = intervals.bounds(values)
    assert lower.dtype == upper.dtype == np.float32
    assert (lower >= 0).all()
    assert (upper <= 1).all()
    assert (lower <= values).all()
    assert (values <= upper).all()


def test_what_is_not_predicted_has_no_bounds() -> None:
    intervals = fit_intervals(TREE.slices, *draw(200, 9))
    predicted = np.full((1, 37), 0.5)
    predicted[0, 3] = np.nan
    for bounds in intervals.bounds(predicted):
        assert np.flatnonzero(np.isnan(bounds[0])).tolist() == [3]


def test_no_galaxies_at_all_give_no_bounds() -> None:
    lower, upper = fit_intervals(TREE.slices, *draw(200, 9)).bounds(np.zeros((0, 37)))
    assert lower.shape == upper.shape == (0, 37)


def test_too_few_galaxies() -> None:
    predicted, truth = draw(100, 10)
    truth[FEW - 1 :] = np.nan
    with pytest.raises(ScoreError, match=r"40 or more with known fractions(?s:.*)39"):
        fit_intervals(TREE.slices, predicted, truth)


def test_other_answers() -> None:
    intervals = fit_intervals(TREE.slices, *draw(200, 9))
    with pytest.raises(ScoreError, match=r"\(galaxies, 37 answers\)"):
        intervals.bounds(np.zeros((2, 5)))


def test_other_galaxies() -> None:
    with pytest.raises(ScoreError, match="do not have the same shape"):
        fit_intervals(TREE.slices, np.zeros((50, 37)), np.zeros((51, 37)))


@pytest.mark.parametrize("level", [0.5, 1.0, 90])
def test_a_level_that_is_none(level: float) -> None:
    with pytest.raises(ScoreError, match=r"above 0\.5, below 1"):
        fit_intervals(TREE.slices, *draw(100, 1), level=level)


# Regions


def test_crepes_gives_the_same_intervals() -> None:
    """The same scores and bins in the library of Bostrom 2022 (COPA, PMLR 179, 24)."""
    crepes = pytest.importorskip("crepes")
    predicted, truth = draw(903, 11)
    others, _ = draw(200, 12)
    intervals = fit_intervals(TREE.slices, predicted, truth, level=0.75)  # a level without rounding
    sizes = held_out_sizes(TREE.slices, predicted, truth, [True] * 11)
    lower, upper = intervals.bounds(others)
    for answer in range(0, 37, 5):
        edges = intervals.edges[answer]
        assert len(edges) == MOST_REGIONS - 1
        reference = crepes.ConformalRegressor().fit(
            truth[:, answer] - predicted[:, answer],
            sigmas=sizes[:, answer],
            bins=np.digitize(predicted[:, answer], edges),
        )
        expected = reference.predict_int(
            others[:, answer],
            sigmas=error_sizes(others, intervals.sizes)[:, answer],
            bins=np.digitize(others[:, answer], edges),
            confidence=0.75,
            y_min=0,
            y_max=1,
        )
        np.testing.assert_allclose(lower[:, answer], expected[:, 0], atol=1e-6)
        np.testing.assert_allclose(upper[:, answer], expected[:, 1], atol=1e-6)


def test_regions_hold_where_one_stretch_does_not() -> None:
    """Errors ten times as large above one half, of a model that is as sure of every galaxy."""

    def draw_steps(galaxies: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        predicted = rng.uniform(0.2, 0.8, (galaxies, 37))
        errors = rng.normal(0, np.where(predicted < 0.5, 0.01, 0.1))
        return predicted, np.clip(predicted + errors, 0, 1)

    intervals = fit_intervals(TREE.slices, *draw_steps(1500, 1))
    predicted, truth = draw_steps(4000, 2)
    assert intervals.by_region == 37
    inside = held(intervals, predicted, truth)
    for low, high in ((0.2, 0.3), (0.3, 0.4), (0.6, 0.7), (0.7, 0.8)):
        some = (predicted >= low) & (predicted < high)
        assert inside[some].mean() == pytest.approx(0.9, abs=0.02)


def test_galaxies_that_are_hard_have_wider_intervals() -> None:
    """Votes of few people: errors that grow with how undecided a model is about a galaxy."""

    def draw_hard(galaxies: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        hard = rng.uniform(0, 1, (galaxies, 1))
        predicted = 0.5 + rng.choice([-1, 1], (galaxies, 37)) * (0.45 - 0.35 * hard)
        return predicted, np.clip(
            predicted + rng.normal(0, 0.02 + 0.1 * hard, (galaxies, 37)), 0, 1
        )

    intervals = fit_intervals(TREE.slices, *draw_hard(1500, 1))
    predicted, truth = draw_hard(4000, 2)
    inside, uncertainty = held(intervals, predicted, truth), mean_spread(predicted)
    for low, high in ((0, 0.2), (0.4, 0.6), (0.8, 1)):
        some = (uncertainty >= np.quantile(uncertainty, low)) & (
            uncertainty <= np.quantile(uncertainty, high)
        )
        assert inside[some].mean() == pytest.approx(0.9, abs=0.02)


def test_equal_predictions_are_in_one_region() -> None:
    """Of 600 predictions 300 are 0: no region has fewer than 100 galaxies, none is empty."""
    values = np.concatenate([np.zeros(300), np.linspace(0.1, 1, 300)])
    edges, stretches = fit_regions(values, np.arange(600.0), 0.9)
    counts = np.bincount(np.digitize(values, edges))
    assert len(stretches) == len(edges) + 1 == len(counts)
    assert counts[0] >= 300
    assert counts.min() >= PLENTY


@pytest.mark.parametrize(("galaxies", "regions"), [(100, 1), (299, 1), (300, 2), (5000, 5)])
def test_an_answer_has_as_many_regions_as_it_has_galaxies_for(galaxies: int, regions: int) -> None:
    values = np.random.default_rng(0).uniform(size=galaxies)
    assert len(fit_regions(values, values, 0.9)[1]) == regions


# Coverage


def test_coverage_by_hand() -> None:
    """Intervals of 0.1 to either side; two galaxies and two answers are known."""
    weights = np.tile([10.0, 0, 0, 0, 0, 0], (37, 1))
    edges, stretches = (np.empty(0),) * 37, (np.array([1.0]),) * 37
    intervals = Intervals(0.9, weights, edges, stretches, 100, 37, 0, 0)
    values, truth = np.full((2, 37), np.nan), np.full((2, 37), np.nan)
    values[:, :2] = [[0.5, 0.05], [0.95, 0.95]]
    truth[:, :2] = [[0.55, 0.2], [0.9, 0.5]]
    coverage = interval_coverage(TREE.slices, intervals, values, truth)
    assert coverage.overall == coverage.questions[0] == 0.5
    assert coverage.answers[:2] == (1, 0)
    assert np.isnan(coverage.answers[2:]).all()
    np.testing.assert_array_equal(coverage.by_value, [np.nan, 0, np.nan, 1, np.nan, 0.5])
    assert len(coverage.by_value) == len(VALUE_EDGES) - 1
    assert coverage.uncertain_fifth == 0.5  # the first galaxy
    assert coverage.width == pytest.approx((0.2 + 0.15 + 0.15 + 0.15) / 4)
