"""A tree from names of columns and from votes, against the trees that these votes are on."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from galaxyclass.trees.column_names import questions_of
from galaxyclass.trees.parents import find_parents
from galaxyclass.trees.read import TREES, load_tree, parse_tree
from galaxyclass.trees.tree import Tree
from galaxyclass.trees.write import tree_toml


def drawn_votes(tree: Tree, galaxies: int, stops: float = 0.0) -> np.ndarray:
    """(galaxies, answers) counts of 40 volunteers; a share of those who are asked stops there."""
    rng = np.random.default_rng(3)
    counts = np.zeros((galaxies, len(tree.answers)))
    for index in tree.order:
        where, parents = tree.slices[index], tree.parents[index]
        for row in range(galaxies):
            asked = int(counts[row, parents].sum()) if parents.any() else 40
            asked = rng.binomial(asked, 1 - stops)
            counts[row, where] = rng.multinomial(
                asked, rng.dirichlet(np.ones(where.stop - where.start))
            )
    return counts


@pytest.mark.parametrize("name", TREES)
def test_parents_are_found_though_some_volunteers_stop(name: str) -> None:
    tree = load_tree(name)
    counts = drawn_votes(tree, 200, stops=0.01)
    asked = np.stack([counts[:, where].sum(axis=1) for where in tree.slices], axis=1)
    for question, found in zip(
        tree.questions, find_parents(counts, asked, tree.slices), strict=True
    ):
        assert tuple(tree.codes[index] for index in found.answers) == question.asked_of
        assert found.miss < 0.03


def test_parents_of_shares_with_gaps() -> None:
    votes = np.array([[0.6, 0.4, 0.1, 0.3], [0.2, 0.8, np.nan, np.nan], [0.9, 0.1, 0.0, 0.1]])
    asked = np.array([[1.0, 0.4], [1.0, np.nan], [1.0, 0.1]])
    first, second = find_parents(votes, asked, [slice(0, 2), slice(2, 4)])
    assert (first.answers, second.answers) == ((), (1,))


def test_a_question_that_nobody_leads_to() -> None:
    rng = np.random.default_rng(0)
    votes = rng.integers(1, 20, (50, 4)).astype(float)
    asked = np.stack([np.full(50, 40.0), votes[:, 2:].sum(axis=1) / 3], axis=1)
    assert np.isnan(find_parents(votes, asked, [slice(0, 2), slice(2, 4)])[1].miss)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["t01_look_a01_smooth_count", "t01_look_a02_disc_count", "t01_look_a01_smooth_flag"],
            [("t01_look", ("a01_smooth", "a02_disc"))],
        ),
        (
            ["bar_yes", "bar_no", "bar_size_small", "bar_size_large", "ra", "total_votes"],
            [("bar", ("yes", "no")), ("bar_size", ("small", "large"))],
        ),
        (["has_ring_yes_fraction", "has_ring_no_fraction"], [("has_ring", ("yes", "no"))]),
        (["Class1.1", "Class1.2", "Class2.1"], [("Class1", ("1", "2"))]),
        (["ra", "dec", "z"], []),
    ],
)
def test_questions_of_names(names: list[str], expected: list[tuple[str, tuple[str, ...]]]) -> None:
    assert [(each.key, each.answers) for each in questions_of(names)] == expected


@pytest.mark.parametrize("name", TREES)
def test_a_tree_as_toml_is_read_back_with_its_layouts(name: str) -> None:
    tree = load_tree(name)
    again = parse_tree(tomllib.loads(tree_toml(tree)), "own.toml")
    assert again == tree
    assert (again.layouts, again.published) == (tree.layouts, tree.published)
