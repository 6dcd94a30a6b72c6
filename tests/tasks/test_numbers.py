"""Numbers as a task: their scales, scores and JSON."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from galaxyclass.errors import BundleError, CatalogError, ScoreError
from galaxyclass.networks.heads import activation
from galaxyclass.networks.step_scores import build_step_score
from galaxyclass.tasks.kinds import task_from_json
from galaxyclass.tasks.numbers.column import NumberColumn, step_of
from galaxyclass.tasks.numbers.targets import NumberTargets
from galaxyclass.tasks.numbers.task import NumberTask
from galaxyclass.tasks.scores.bootstrap import Score

NAN = float("nan")
RNG = np.random.default_rng(0)
TYPES = RNG.integers(-6, 12, 300).astype(np.float32)
REDSHIFTS = RNG.lognormal(-3, 0.5, 300).astype(np.float32)
NUMBERS = np.column_stack([TYPES, REDSHIFTS])
NUMBERS[::7, 0] = NAN
ERRORS = np.column_stack([np.full(300, 1.5), np.full(300, NAN)]).astype(np.float32)
TARGETS = NumberTargets(("T", "z"), NUMBERS, ERRORS, ("T=-99",))
TRAINING = np.arange(300)
#: Errors of two galaxies.
AWAY = np.array([[1.0, 0.01], [-3.0, 0.0]])


@pytest.fixture
def task() -> NumberTask:
    return NumberTask.fit(TARGETS, TRAINING)


def test_scales_are_those_of_the_training_galaxies(task: NumberTask) -> None:
    kind, redshift = task.columns_of_table
    assert (kind.low, kind.high, kind.step, kind.error) == (-6, 11, 1, 1.5)
    assert kind.mean == pytest.approx(np.nanmean(NUMBERS[:, 0]), rel=1e-6)
    assert redshift.spread == pytest.approx(REDSHIFTS.std(), rel=1e-5)
    assert redshift.step == 0
    assert math.isnan(redshift.error)


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([0, 0.25, 0.5, 1, 1, 0, 0, 0.25], 0.25),
        ([0.1, 0.2, 0.4, 0.1, 0.2, 0.4], 0.1),
        ([-5, 1, 3, 3, 1, -5], 2),
        ([0, 1, 1, 0], 0),  # two values are no scale
        ([0.013, 0.52, 0.77], 0),  # each once
        (list(range(60)) * 2, 0),  # too many
    ],
)
def test_scales_in_steps_are_recognised(values: list[float], step: float) -> None:
    assert step_of(np.array(values, np.float32).astype(np.float64)) == pytest.approx(step)


def test_scores_by_hand(task: NumberTask) -> None:
    truth = np.array([[1.0, 0.05], [4.0, NAN]])
    scores = task.score(truth + AWAY, truth, seed=0)
    kind, redshift = scores.columns
    assert kind.rmse.value == pytest.approx(math.sqrt(5))
    assert (kind.mae, kind.bias, kind.within_step) == (2, -1, 0.5)
    assert kind.r2.value == pytest.approx(1 - 10 / 4.5)
    assert (redshift.galaxies, scores.galaxies, scores.entries) == (1, 2, 3)
    spreads = [column.spread for column in task.columns_of_table]
    expected = math.sqrt((10 / spreads[0] ** 2 + 0.01**2 / spreads[1] ** 2) / 3)
    assert scores.main.value == pytest.approx(expected)
    assert task.main_value(truth + AWAY, truth) == pytest.approx(expected)


def test_the_score_of_one_column_is_told_in_its_unit(task: NumberTask) -> None:
    assert not task.in_own_unit(Score(0.5, 0.4, 0.6))
    alone = replace(task, columns_of_table=(NumberColumn("T", 1.0, 4.0, -6.0, 11.0),))
    assert alone.in_own_unit(Score(0.5, 0.4, 0.6)) == "RMSE 2 [1.6, 2.4] in T"


def test_the_mean_has_an_nrmse_of_one_and_no_gain(task: NumberTask) -> None:
    simplest = task.simplest(300)
    assert task.main_value(simplest, NUMBERS) == pytest.approx(1, abs=1e-4)
    assert not task.gain(simplest, NUMBERS).any()


def test_the_noise_floor_is_that_of_the_stated_errors(task: NumberTask) -> None:
    floor = task.noise_floor(NUMBERS)
    assert floor is not None
    assert floor.value == pytest.approx(1.5 / task.columns_of_table[0].spread)
    assert floor.answers[0] == 1.5
    assert NumberTask.fit(replace(TARGETS, errors=None), TRAINING).noise_floor(NUMBERS) is None


def test_its_json_is_read_back(task: NumberTask) -> None:
    numbers = NUMBERS.copy()
    numbers[:, 1] = NAN
    for each in (task, NumberTask.fit(replace(TARGETS, numbers=numbers), TRAINING)):
        again = task_from_json(each.labelled("raw").to_json(), "test")
        assert again.to_json() == each.labelled("raw").to_json()
        assert again.known_mask.tolist() == each.known_mask.tolist()
    data = task.to_json()
    data["columns"] = [data["columns"][0]] * 2
    with pytest.raises(BundleError, match="each once"):
        task_from_json(data, "test")


def test_other_columns_are_refused_and_missing_ones_are_unknown(task: NumberTask) -> None:
    other = NumberTargets(("size",), NUMBERS[:, :1])
    with pytest.raises(CatalogError, match="predicts none of its numbers"):
        task.require_overlap(other, "sizes.csv")
    some = NumberTargets(("z", "size"), NUMBERS[:, ::-1])
    values, notes = task.scorable(some)
    np.testing.assert_array_equal(values[:, 1], NUMBERS[:, 1])
    assert np.isnan(values[:, 0]).all()
    assert notes == ("Columns that are not predicted do not count: size.",)
    with pytest.raises(ScoreError, match="no number that the run predicts"):
        task.readable(values, np.full((3, 2), NAN))


def test_ensembles_are_of_the_same_columns(task: NumberTask) -> None:
    half = NumberTask.fit(TARGETS, TRAINING[:150])
    common = task.common([task, half])
    means = [each.columns_of_table[1].mean for each in (task, half)]
    assert common.columns_of_table[1].mean == pytest.approx(np.mean(means))
    assert task.identity == half.identity
    single = NumberTask.fit(NumberTargets(("z",), NUMBERS[:, 1:]), TRAINING)
    assert task.identity != single.identity
    assert not task.has_outputs_of(single)


def test_a_network_learns_standard_deviations_within_the_limits(task: NumberTask) -> None:
    head = activation("linear", task)
    column = task.columns_of_table[0]
    raw = torch.tensor([[0.0, 0.0], [1.0, 0.0], [99.0, -99.0]])
    predictions = head(raw)[:, 0].tolist()
    assert predictions == pytest.approx([column.mean, column.mean + column.spread, 11], rel=1e-5)
    assert head(raw)[2, 1].item() == pytest.approx(REDSHIFTS.min())
    score = build_step_score(task)
    truth = torch.tensor([[column.mean + 2 * column.spread, NAN]], dtype=torch.float32)
    total, count = score.entries(head(raw[:1]), truth)
    assert total.item() == pytest.approx(4, rel=1e-5)
    assert count.item() == 1


def test_intervals_are_fitted_between_the_limits(task: NumberTask) -> None:
    scaled = task.to_interval_scale(np.array([[-6.0, REDSHIFTS.max()]]))
    np.testing.assert_allclose(scaled, [[0, 1]], atol=1e-7)
    np.testing.assert_allclose(task.from_interval_scale(scaled), [[-6, REDSHIFTS.max()]])
    assert task.interval_groups == (slice(0, 1), slice(1, 2))


def test_a_probe_learns_what_the_head_gives(task: NumberTask) -> None:
    raw = np.array([[0.5, -0.25], [9.0, 0.0]])
    head = activation(task.linear_head, task)(torch.tensor(raw)).numpy()
    np.testing.assert_allclose(task.from_linear(raw), head, rtol=1e-5)
    np.testing.assert_allclose(task.linear_targets(task.from_linear(raw[:1])), raw[:1])
    wrong = NUMBERS.astype(np.float64).copy()
    wrong[5, 0] += 30
    doubt = task.doubt(NUMBERS.astype(np.float64), wrong)
    assert doubt.score.argmax() == 5
    with pytest.raises(ScoreError, match="do not say how sure"):
        task.uncertainty(NUMBERS.astype(np.float64))
