"""The shipped trees against their papers, and the structure of any tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from galaxyclass.errors import TreeError
from galaxyclass.trees.read import TREES, load_tree


def test_galaxy_zoo_2_has_the_37_columns_of_the_challenge() -> None:
    counts = [3, 2, 2, 2, 4, 2, 3, 7, 3, 3, 6]  # the challenge's description of its columns
    expected = [f"Class{q}.{a}" for q, n in enumerate(counts, 1) for a in range(1, n + 1)]
    assert list(load_tree("galaxy_zoo_2").layout("challenge").columns) == expected


@pytest.mark.parametrize(
    ("question", "asked_of"),
    [
        ("1", ()),
        ("2", ("1.2",)),
        ("3", ("2.2",)),
        ("4", ("2.2",)),
        ("5", ("2.2",)),
        ("6", ()),
        ("7", ("1.1",)),
        ("8", ("6.1",)),
        ("9", ("2.1",)),
        ("10", ("4.1",)),
        ("11", ("4.1",)),
    ],
)
def test_galaxy_zoo_2_asks_as_the_challenge_says(question: str, asked_of: tuple[str, ...]) -> None:
    tree = load_tree("galaxy_zoo_2")
    assert next(q for q in tree.questions if q.code == question).asked_of == asked_of


def test_decals_names_its_columns_as_published() -> None:
    tree = load_tree("galaxy_zoo_decals")
    assert len(tree.questions) == 10
    assert len(tree.answers) == 34  # Walmsley et al. 2022, figure 4
    columns = tree.layout("fraction").columns
    assert columns[0] == "smooth-or-featured_smooth_fraction"
    assert "merging_minor-disturbance_fraction" in columns


@pytest.mark.parametrize("name", TREES)
def test_structure(name: str) -> None:
    tree = load_tree(name)
    seen: set[str] = set()
    for index in tree.order:  # parents come first
        question = tree.questions[index]
        assert {tree.answers[tree.codes.index(c)].question for c in question.asked_of} <= seen
        seen.add(question.code)
    assert sorted(tree.order) == list(range(len(tree.questions)))
    covered = [i for where in tree.slices for i in range(where.start, where.stop)]
    assert covered == list(range(len(tree.answers)))
    assert tree.parents.sum() == sum(len(q.asked_of) for q in tree.questions)


@pytest.mark.galaxies
def test_layouts_name_the_columns_of_real_tables(galaxies: Path) -> None:
    zoo = load_tree("galaxy_zoo_2")
    for table, layout in (
        ("galaxy-zoo-challenge/votes.csv", "challenge"),
        ("galaxy-zoo-2/hart16.csv", "hart16"),
    ):
        with (galaxies / table).open() as file:
            header = set(file.readline().strip().split(","))
        assert set(zoo.layout(layout).columns) <= header
    with (galaxies / "galaxy-zoo-decals" / "votes_first_question.csv").open() as file:
        header = set(file.readline().strip().split(","))
    assert set(load_tree("galaxy_zoo_decals").layout("fraction").columns[:3]) <= header


def test_a_layout_that_is_not_there() -> None:
    with pytest.raises(TreeError, match=r"(?s)no layout 'hart'.*wanted: challenge, hart16"):
        load_tree("galaxy_zoo_2").layout("hart")
