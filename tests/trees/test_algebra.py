"""Vote algebra against values worked by hand and properties that hold on every tree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from galaxyclass.trees.algebra import (
    conditional_from_joint,
    joint_from_conditional,
    sums_and_targets,
)
from galaxyclass.trees.read import TREES, load_tree
from galaxyclass.trees.tree import Tree
from tests.support.sums import broken_sums

ZOO = load_tree("galaxy_zoo_2")
DECALS = load_tree("galaxy_zoo_decals")


def at(tree: Tree, **fractions: float) -> np.ndarray:
    """A galaxy from answers' codes, written _1_1 for 1.1; what is not named is NaN."""
    galaxy = np.full(len(tree.answers), np.nan)
    for name, value in fractions.items():
        galaxy[tree.codes.index(name[1:].replace("_", "."))] = value
    return galaxy


@st.composite
def conditionals(draw: st.DrawFn, *, zeros: bool) -> tuple[Tree, np.ndarray]:
    """Three galaxies on a shipped tree; each question's shares sum to 1."""
    tree = load_tree(draw(st.sampled_from(TREES)))
    low = 0 if zeros else 1
    weights = draw(
        hnp.arrays(np.int64, (3, len(tree.answers)), elements=st.integers(low, 50))
    ).astype(float)
    for where in tree.slices:
        nobody = weights[:, where].sum(axis=1) == 0
        weights[nobody, where.start] = 1
        weights[:, where] /= weights[:, where].sum(axis=1, keepdims=True)
    return tree, weights


def test_joint_by_hand() -> None:
    galaxy = at(ZOO, _1_1=0.6, _1_2=0.3, _1_3=0.1, _2_1=0.25, _2_2=0.75, _3_1=0.4, _7_2=0.5)
    joint = joint_from_conditional(ZOO, galaxy)
    expected = at(ZOO, _1_1=0.6, _1_2=0.3, _1_3=0.1, _2_1=0.075, _2_2=0.225, _3_1=0.09, _7_2=0.3)
    np.testing.assert_allclose(joint, expected, rtol=1e-12)


def test_a_question_that_two_answers_lead_to_by_hand() -> None:
    galaxy = at(DECALS, _1_1=0.5, _1_2=0.3, _1_3=0.2, _10_1=0.9, _10_4=0.1)
    joint = joint_from_conditional(DECALS, galaxy)
    assert joint[DECALS.codes.index("10.1")] == pytest.approx(0.72)
    assert joint[DECALS.codes.index("10.4")] == pytest.approx(0.08)


def test_a_galaxy_of_the_challenge_by_hand() -> None:
    # GalaxyID 100008 as published. 0.201462524 / 0.383147 = 0.525810…: that share of those who
    # said "smooth" called it completely round.
    joint = at(ZOO, _1_1=0.383147, _1_2=0.616853, _1_3=0.0, _2_1=0.0, _2_2=0.616853)
    joint[ZOO.slices[6]] = (0.201462524, 0.181684476, 0.0)
    shares = conditional_from_joint(ZOO, joint)
    assert shares[ZOO.codes.index("7.1")] == pytest.approx(0.5258, abs=1e-4)
    assert shares[ZOO.codes.index("2.2")] == pytest.approx(1.0)
    assert np.isnan(shares[ZOO.codes.index("9.1")])  # nobody saw it edge-on


def test_nobody_reached_is_zero_of_everybody_and_unknown_of_nobody() -> None:
    shares = at(ZOO, _1_1=1.0, _1_2=0.0, _1_3=0.0)
    joint = joint_from_conditional(ZOO, shares)
    assert (joint[ZOO.slices[1]] == 0).all()
    assert (joint[ZOO.slices[10]] == 0).all()  # four questions further down
    assert np.isnan(joint[ZOO.slices[6]]).all()  # everybody was asked, but it is not known
    assert np.isnan(conditional_from_joint(ZOO, joint)[ZOO.slices[1]]).all()


@given(conditionals(zeros=False))
def test_conditional_survives_the_way_there_and_back(case: tuple[Tree, np.ndarray]) -> None:
    tree, shares = case
    back = conditional_from_joint(tree, joint_from_conditional(tree, shares))
    np.testing.assert_allclose(back, shares, rtol=1e-9)


@given(conditionals(zeros=True))
def test_joint_survives_the_way_there_and_back(case: tuple[Tree, np.ndarray]) -> None:
    tree, shares = case
    joint = joint_from_conditional(tree, shares)
    assert not np.isnan(joint).any()
    back = joint_from_conditional(tree, conditional_from_joint(tree, joint))
    np.testing.assert_allclose(back, joint, atol=1e-12)


@given(conditionals(zeros=True))
def test_joint_fractions_obey_the_sum_rules(case: tuple[Tree, np.ndarray]) -> None:
    tree, shares = case
    joint = joint_from_conditional(tree, shares)
    assert not broken_sums(tree, joint, 1e-12).any()
    assert not broken_sums(tree, joint.astype(np.float32), 1e-6).any()


@given(conditionals(zeros=False), st.integers(0, 10), st.floats(0.02, 0.5))
def test_a_changed_answer_breaks_its_question_and_those_it_leads_to(
    case: tuple[Tree, np.ndarray], number: int, change: float
) -> None:
    tree, shares = case
    number %= len(tree.questions)
    answer = tree.slices[number].start
    joint = joint_from_conditional(tree, shares)
    joint[1, answer] += change
    expected = np.zeros((3, len(tree.questions)), dtype=bool)
    expected[1, number] = True
    expected[1] |= tree.parents[:, answer]
    np.testing.assert_array_equal(broken_sums(tree, joint, 0.01), expected)


@given(conditionals(zeros=False), st.integers(0, 36))
def test_unknown_answers_break_nothing(case: tuple[Tree, np.ndarray], answer: int) -> None:
    tree, shares = case
    answer %= len(tree.answers)
    joint = joint_from_conditional(tree, shares)
    joint[:, answer] = np.nan
    assert not broken_sums(tree, joint, 1e-9).any()
    sums, targets = sums_and_targets(tree, joint)
    own = [where.start <= answer < where.stop for where in tree.slices]
    np.testing.assert_array_equal(np.isnan(sums), np.tile(own, (3, 1)))
    np.testing.assert_array_equal(np.isnan(targets), np.tile(tree.parents[:, answer], (3, 1)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(dtype: type) -> None:
    joint = joint_from_conditional(ZOO, np.full((2, 3, 37), 0.5, dtype=dtype))
    assert joint.dtype == dtype
    assert joint.shape == (2, 3, 37)
    assert conditional_from_joint(ZOO, joint).dtype == dtype


@pytest.mark.galaxies
def test_every_known_question_of_the_challenge_obeys_the_sum_rules(galaxies: Path) -> None:
    path = galaxies / "galaxy-zoo-challenge" / "votes.csv"
    table = np.genfromtxt(path, delimiter=",", skip_header=1)[:, 1:]
    sums, targets = sums_and_targets(ZOO, table)
    assert np.isfinite(sums).sum() == 880 * 11 + 3217 * 5
    assert np.nanmax(np.abs(sums - targets)) < 2.1e-6
