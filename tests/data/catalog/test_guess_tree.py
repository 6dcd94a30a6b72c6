"""`guess_tree`: what it writes, and what it says where it cannot know."""

from __future__ import annotations

from pathlib import Path

import pytest

from galaxyclass.cli.main import main
from galaxyclass.data.catalog.guess_tree import guess_tree
from galaxyclass.errors import TreeError
from galaxyclass.trees.read import load_tree

COUNTS = {"ring_yes_count": [6, 2, 9], "ring_no_count": [4, 8, 1], "ra": [1.5, 2.5, 3.5]}
ARMS = {"arms_one_count": [1, 1, 9], "arms_two_count": [5, 1, 0]}


def test_a_guess_says_how_it_was_found() -> None:
    guessed = guess_tree({**COUNTS, **ARMS})
    assert "# Asked of 1.1 (yes): the votes differ by 0.00%." in guessed.text
    assert guessed.notes == ("Columns that are no answers: ra.",)
    assert guessed.tree.published[0].written.columns[0] == "ring_yes_fraction"


def test_shares_of_those_asked_do_not_tell_who_was() -> None:
    shares = {"ring_yes_fraction": [0.6, 0.2], "ring_no_fraction": [0.4, 0.8]}
    guessed = guess_tree({**shares, "arms_a_fraction": [0.1, 1], "arms_b_fraction": [0.9, 0]})
    assert "cannot be found from shares" in guessed.notes[0]
    assert [question.asked_of for question in guessed.tree.questions] == [(), ()]
    with_totals = guess_tree(
        {
            **shares,
            "ring_total-votes": [10, 10],
            "arms_a_fraction": [0.5, 1],
            "arms_b_fraction": [0.5, 0],
            "arms_total-votes": [6, 2],
        }
    )
    assert with_totals.tree.questions[1].asked_of == ("1.1",)


def test_columns_of_a_tree_that_is_known() -> None:
    with pytest.raises(TreeError, match="no questions"):
        guess_tree({"id": [1, 2], "ring_yes": [3, 4], "z": [0.1, 0.2]})
    bars = load_tree("galaxy_zoo_decals").layout("fraction").columns
    assert "galaxy_zoo_decals" in guess_tree({name: [0.5, 0.5] for name in bars}).notes[0]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, own = tmp_path / "votes.csv", tmp_path / "own.toml"
    table.write_text("id,ring_yes,ring_no\na,7,3\nb,2,8\n")
    assert main(["tree", "--from", str(table), "--output", str(own)]) == 0
    assert "1.1 yes" in capsys.readouterr().out
    assert load_tree(own).title == "votes"
    assert main(["tree", "--from", str(table), "--output", str(own)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main(["tree", str(own)]) == 0
    assert main(["tree", "galaxy_zoo_desi", "--toml"]) == 0
    assert main(["tree"]) == 0
    assert "galaxy_zoo_euclid" in capsys.readouterr().out
    assert main(["tree", "--output", str(own)]) == 2
