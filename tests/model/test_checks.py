"""What is announced, and above all what is not."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxyclass.model.checks import describe_problems, measure, nothing_measured, parse_statistics
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.votes.task import VoteTask
from tests.support import fake


def _say(task: ClassTask | VoteTask, values: NDArray[Any]) -> tuple[Any, ...]:
    return describe_problems(task, measure(task, np.asarray(values, dtype=np.float32)))


@pytest.fixture
def healthy() -> NDArray[Any]:
    cutouts = np.random.default_rng(0).integers(0, 256, (400, 1, 1, 3)).astype(np.uint8)
    return fake.TreeBackend().values(cutouts)


@pytest.mark.parametrize("count", [1, 2, 5, 19, 20, 400])
def test_sound_predictions_are_not_accused(healthy: NDArray[Any], count: int) -> None:
    assert _say(fake.vote_outputs(), healthy[:count]) == ()


def test_a_single_galaxy_a_thousand_times_few_are_not_constant(healthy: NDArray[Any]) -> None:
    assert _say(fake.vote_outputs(), np.repeat(healthy[:1], 19, axis=0)) == ()


def test_similar_galaxies_are_not_constant(healthy: NDArray[Any]) -> None:
    """A folder of round ellipticals: every fraction within a few hundredths."""
    rng = np.random.default_rng(0)
    cutouts = np.clip(rng.normal(128, 4, (300, 1, 1, 3)), 0, 255).astype(np.uint8)
    values = fake.TreeBackend().values(cutouts)
    assert values.std(axis=0).max() < 0.05
    assert _say(fake.vote_outputs(), values) == ()


def test_system_3s_collapse() -> None:
    values = np.random.default_rng(0).normal(1e-4, 2e-5, (79, 37))
    (said,) = _say(fake.vote_outputs(), values)
    assert said.startswith("Collapsed: every value is close to 0")
    assert "optimizer.lr" in said


def test_system_3s_collapse_of_a_single_galaxy() -> None:
    (said,) = _say(fake.vote_outputs(), np.full((1, 37), 1e-4))
    assert "close to 0" in said


def test_the_mean_vector_for_everybody(healthy: NDArray[Any]) -> None:
    values = np.tile(healthy.mean(axis=0), (100, 1)) + np.random.default_rng(0).normal(
        0, 1e-5, (100, 37)
    )
    (said,) = _say(fake.vote_outputs(), values)
    assert "all 100 galaxies are almost the same" in said


def test_exactly_the_same(healthy: NDArray[Any]) -> None:
    (said,) = _say(fake.vote_outputs(), np.repeat(healthy[:1], 20, axis=0))
    assert "all 20 galaxies are exactly the same" in said


def test_a_dead_output(healthy: NDArray[Any]) -> None:
    values = healthy.copy()
    odd = fake.TREE.codes.index("8.7")
    values[:, odd - 1] += values[:, odd]
    values[:, odd] = 0
    (said,) = _say(fake.vote_outputs(), values)
    assert said.startswith("Constant: Class8.7 is the same for all 400 galaxies")
    assert _say(fake.vote_outputs(), values[:100]) == ()


def test_not_numbers(healthy: NDArray[Any]) -> None:
    values = healthy.copy()
    values[3, 5], values[7, 6] = np.nan, np.inf
    (said,) = _say(fake.vote_outputs(), values)
    assert "2 of 400 galaxies are NaN or infinite" in said
    (said,) = _say(fake.vote_outputs(), np.full((3, 37), np.nan))
    assert "3 of 3 galaxies are NaN" in said


def test_out_of_range(healthy: NDArray[Any]) -> None:
    values = healthy.copy()
    values[4, :3] = [1.2, -0.2, 0.0]
    said = _say(fake.vote_outputs(), values)
    assert "1 of 400 galaxies has values beyond 0 to 1 (-0.2 to 1.2)" in said[0]


def test_off_the_tree_as_independent_sigmoids_are(healthy: NDArray[Any]) -> None:
    values = np.clip(healthy * 1.05, 0, 1)
    (said,) = _say(fake.vote_outputs(), values)
    assert "Off the tree: the answers to " in said
    assert "model.head=tree" in said


def test_rounding_is_not_off_the_tree(healthy: NDArray[Any]) -> None:
    assert _say(fake.vote_outputs(), healthy.astype(np.float16)) == ()


def test_answers_that_are_not_known_are_not_judged(healthy: NDArray[Any]) -> None:
    values = healthy.copy()
    for code in ("10", "11"):
        for answer in fake.TREE.answers:
            if answer.question == code:
                values[:, fake.TREE.codes.index(answer.code)] = np.nan
    assert _say(fake.vote_outputs(unknown=("10", "11")), values) == ()


def test_classes() -> None:
    task = fake.class_outputs("a", "b", "c")
    sound = np.random.default_rng(0).dirichlet([1, 1, 1], 100)
    assert _say(task, sound) == ()
    assert _say(task, sound[:1]) == ()
    assert "do not sum to 1" in _say(task, sound * 0.9)[0]
    assert "almost the same" in _say(task, np.tile([0.5, 0.3, 0.2], (100, 1)) + 1e-4 * sound)[0]


@given(st.lists(st.integers(0, 400), min_size=0, max_size=6))
@settings(max_examples=40, deadline=None)
def test_statistics_of_batches_are_those_of_the_whole(
    fake_tree: tuple[VoteTask, NDArray[Any]], cuts: list[int]
) -> None:
    task, values = fake_tree
    whole = measure(task, values)
    pieces = np.split(values, sorted(cuts))
    summed = sum((measure(task, piece) for piece in pieces), nothing_measured(task))
    summed = parse_statistics(json.loads(json.dumps(asdict(summed))))
    for name, value in asdict(whole).items():
        np.testing.assert_allclose(asdict(summed)[name], value, rtol=1e-9, atol=1e-12)
    assert whole.rows == 400
    assert whole.finite == 398
    finite = values[np.isfinite(values).all(axis=1)].astype(np.float64)
    np.testing.assert_allclose(summed.mean, finite.mean(axis=0))
    np.testing.assert_allclose(np.sqrt(np.array(summed.squares) / 398), finite.std(axis=0))


@pytest.fixture(scope="module")
def fake_tree() -> tuple[VoteTask, NDArray[Any]]:
    cutouts = np.random.default_rng(3).integers(0, 256, (400, 1, 1, 3)).astype(np.uint8)
    values = fake.TreeBackend().values(cutouts)
    values[[10, 300], 4] = np.nan
    return fake.vote_outputs(), values
