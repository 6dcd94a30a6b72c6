"""The noise floor: against votes that are drawn from known probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from galaxyclass.errors import ScoreError
from galaxyclass.tasks.scores.noise import (
    fractions_from_counts,
    noise_floor,
    noise_floor_from_counts,
)
from galaxyclass.tasks.scores.votes import rmse, score_votes
from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.read import load_tree
from galaxyclass.trees.tree import Tree

TREE = load_tree("galaxy_zoo_2")


def draw(tree: Tree, galaxies: int, votes: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True joint probabilities, and the counts of volunteers who answer down the tree."""
    rng = np.random.default_rng(seed)
    chances = np.concatenate(
        [rng.dirichlet(np.full(len(q.answers), 0.6), galaxies) for q in tree.questions], axis=1
    )
    counts = np.zeros(chances.shape)
    for index in tree.order:
        where, parents = tree.slices[index], tree.parents[index]
        asked = counts[:, parents].sum(axis=1) if parents.any() else votes
        counts[:, where] = rng.multinomial(asked.astype(int), chances[:, where])
    return joint_from_conditional(tree, chances), counts


@pytest.mark.parametrize("votes", [5, 40])
def test_the_floor_is_the_error_of_the_truth(votes: int) -> None:
    people = np.full(4000, votes)
    truth, counts = draw(TREE, 4000, people, seed=1)
    fractions = fractions_from_counts(TREE, counts)
    errors = score_votes(TREE, truth, fractions, resamples=2)
    for floor in (noise_floor(TREE, fractions, votes), noise_floor_from_counts(TREE, counts)):
        assert floor.value == pytest.approx(errors.overall.value, rel=0.02)
        questions = [score.value for score in errors.questions]
        assert floor.questions == pytest.approx(questions, rel=0.06)
        assert floor.answers == pytest.approx([score.value for score in errors.answers], rel=0.1)
        assert floor.votes == votes
        assert (floor.galaxies, floor.entries) == (4000, 4000 * 37)


def test_panels_of_different_sizes() -> None:
    people = np.random.default_rng(2).integers(3, 80, 4000).astype(float)
    truth, counts = draw(TREE, 4000, people, seed=3)
    fractions = fractions_from_counts(TREE, counts)
    floor = noise_floor(TREE, fractions, people)
    assert floor.value == pytest.approx(rmse(truth, fractions), rel=0.02)
    assert floor.counted
    assert floor.votes == np.median(people)


def test_a_number_of_votes_for_each_question() -> None:
    """Where few reached a question and the share that did was corrected upwards, noise grows."""
    truth, counts = draw(TREE, 4000, np.full(4000, 60), seed=6)
    asked = np.stack([counts[:, where].sum(axis=1) for where in TREE.slices], axis=1)
    fractions = fractions_from_counts(TREE, counts)
    plain = noise_floor(TREE, fractions, np.full(4000, 60))
    exact = noise_floor(TREE, fractions, asked)
    assert exact.value == pytest.approx(plain.value, rel=0.02)
    assert exact.value == pytest.approx(rmse(truth, fractions), rel=0.02)

    # One in ten of those who see features, as if all saw them: noise of 6 votes, not of 60.
    share = np.array([0.3, 0.7])
    few = np.random.default_rng(7).multinomial(6, share, 4000) / 6
    raised = np.full((4000, 37), np.nan)
    raised[:, :3] = 0, 1, 0
    raised[:, 3:5] = few
    people = np.full((4000, 11), np.nan)
    people[:, :2] = 60, 6
    floor = noise_floor(TREE, raised, people)
    assert floor.questions[1] == pytest.approx(np.sqrt(np.mean((few - share) ** 2)), rel=0.03)
    assert floor.questions[0] == 0
    assert (floor.votes, floor.counted) == (60, True)


def test_only_known_entries_count() -> None:
    truth, counts = draw(TREE, 3000, np.full(3000, 30), seed=4)
    fractions = fractions_from_counts(TREE, counts)
    fractions[1000:, 20:] = np.nan
    fractions[-1] = np.nan
    floor = noise_floor(TREE, fractions, 30)
    assert floor.value == pytest.approx(rmse(truth, fractions), rel=0.03)
    assert floor.entries == (~np.isnan(fractions)).sum()
    assert floor.galaxies == 2999
    assert not floor.counted
    assert "30 volunteers" in floor.assumptions[0]


def test_nothing_known() -> None:
    floor = noise_floor(TREE, np.full((2, 37), np.nan))
    assert np.isnan([floor.value, floor.votes, *floor.questions]).all()
    assert floor.entries == 0


def test_too_few_votes_are_not_counted() -> None:
    counts = np.zeros((3, 37))
    counts[0, 0] = 1  # a single vote: no variance
    counts[1, :2] = 5, 5
    counts[2, :2] = 5, np.nan
    floor = noise_floor_from_counts(TREE, counts)
    assert floor.galaxies == 1
    assert floor.questions[0] == pytest.approx(np.sqrt(2 * 0.25 / 9 / 3))


def test_what_it_says() -> None:
    floor = noise_floor(TREE, np.full((1, 37), 0.5), votes=26)
    assert str(floor) == "0.1000 (26 votes a galaxy, assumed)"
    assert any("debiasing" in words for words in floor.assumptions)


@pytest.mark.parametrize("votes", [1, 0.0])
def test_one_vote_has_no_variance(votes: float) -> None:
    with pytest.raises(ScoreError, match="2 votes a galaxy or more"):
        noise_floor(TREE, np.zeros((2, 37)), votes)


def test_wrong_shapes() -> None:
    with pytest.raises(ScoreError, match=r"\(galaxies, 37 answers\)"):
        noise_floor(TREE, np.zeros((2, 3)))
    with pytest.raises(ScoreError, match=r"these counts do not fit"):
        noise_floor_from_counts(TREE, np.zeros(37))


def test_numbers_of_votes_for_other_galaxies() -> None:
    with pytest.raises(ScoreError, match="one for each of 2 galaxies"):
        noise_floor(TREE, np.zeros((2, 37)), np.full(3, 40.0))


def test_a_question_that_the_table_lacks_is_unknown() -> None:
    _, counts = draw(TREE, 50, np.full(50, 9), seed=5)
    counts[:, TREE.slices[10]] = np.nan
    fractions = fractions_from_counts(TREE, counts)
    assert np.isnan(fractions[:, TREE.slices[10]]).all()
    assert not np.isnan(fractions[:, : TREE.slices[10].start]).any()
    assert noise_floor_from_counts(TREE, counts).entries == 50 * TREE.slices[10].start


def test_negative_counts() -> None:
    counts = np.zeros((2, 37))
    counts[1, 3] = -2
    with pytest.raises(ScoreError, match=r"galaxy 1, answer 2.1: a negative number of votes"):
        fractions_from_counts(TREE, counts)
