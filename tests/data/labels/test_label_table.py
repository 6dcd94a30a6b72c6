"""A file of labels of `galaxyclass serve` is a table wherever a table is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from galaxyclass.data.labels.questions import questions_of_tree
from galaxyclass.data.tables.tables import open_table
from galaxyclass.errors import CatalogError
from galaxyclass.trees.read import load_tree, tree_text

CLASSES = {"format": 1, "version": "1", "classes": ["ring", "none"]}


def write(path: Path, head: Mapping[str, object], *events: str, end: str = "") -> Path:
    """A file of labels: ``galaxy person answer`` or ``galaxy person question answer``."""
    lines = [json.dumps(head)]
    for event in events:
        name, person, *given = event.split()
        kept = {"id": name, "person": person}
        if given[-1] in ("unsure", "skip", "undo"):
            kept["action"] = given[-1]
        else:
            question, answer = given if len(given) == 2 else ("class", given[0])
            kept |= {"action": "label", "question": question, "answer": answer}
        lines.append(json.dumps(kept))
    path.write_text("\n".join(lines) + "\n" + end)
    return path


def test_a_row_for_each_galaxy_with_a_label(tmp_path: Path) -> None:
    path = write(
        tmp_path / "labels.jsonl", CLASSES,
        "007 Anna ring", "007 Bo ring", "8 Anna ring", "8 Bo none", "9 Anna unsure",
        "10 Bo ring", "10 Bo undo", "11 Bo none", end='{"id": "12", "per',
    )  # fmt: skip
    file = open_table(path)
    assert file.table.to_pydict() == {
        "id": ["007", "11"], "class": ["ring", "none"], "labels": [2, 1], "agreement": [1.0, 1.0],
    }  # fmt: skip
    assert [(each.count, each.names) for each in file.unused] == [(1, "8"), (1, "9")]


@pytest.mark.parametrize("own", [False, True])
def test_labels_of_a_tree_are_vote_fractions(tmp_path: Path, own: bool) -> None:
    tree = load_tree("galaxy_zoo_2")
    if own:
        text = tree_text("galaxy_zoo_1")
        (tmp_path / "own.toml").write_text(text.replace('key = "galaxy_zoo_1"', 'key = "own"', 1))
        tree = load_tree(tmp_path / "own.toml")
    questions = questions_of_tree(tree)
    given: dict[str, str] = {}
    while (asked := questions.next(given)) is not None:
        given[asked.code] = asked.choices[-1].key
    head = {"format": 1, "version": "1", **questions.to_head()}
    events = [f"a Anna {question} {answer}" for question, answer in given.items()]
    table = open_table(write(tmp_path / "labels", head, *events)).table
    layout = tree.layouts[0]
    (row,) = table.to_pylist()
    assert (row["id"], row["labels"]) == ("a", 1)
    answered = {layout.columns[tree.codes.index(answer)] for answer in given.values()}
    assert {name for name in layout.columns if row[name] == 1} == answered
    assert ("own_tree" in head) == own


def test_a_line_cut_behind_a_brace_of_its_own_is_not_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.jsonl", CLASSES, "a Anna ring", end='{"id": "{1}')
    assert open_table(path).table["id"].to_pylist() == ["a"]


def test_what_is_no_file_of_labels_is_refused(tmp_path: Path) -> None:
    for head, words in (
        ({"format": 2, "classes": ["a", "b"]}, "format 2"),
        ({"format": 1, "tree": "unknown", "answers": []}, "no tree 'unknown'"),
        ({"format": 1, "tree": "galaxy_zoo_2", "answers": ["1.1"]}, "has other answers"),
        ({"format": 1}, "'tree'"),
    ):
        with pytest.raises(CatalogError, match="line 1 is damaged") as refused:
            open_table(write(tmp_path / "l.jsonl", head))
        assert words in str(refused.value.got)
    with pytest.raises(CatalogError, match="line 2 is damaged"):
        open_table(write(tmp_path / "l.jsonl", CLASSES, end="nonsense\n"))
    for event, words in (
        ("a Anna disk", "'disk' is no answer"),
        ("a Anna size big", "no question"),
    ):
        with pytest.raises(CatalogError, match="line 2 is damaged") as refused:
            open_table(write(tmp_path / "l.jsonl", CLASSES, event))
        assert words in str(refused.value.got)
    with pytest.raises(CatalogError, match="no rows") as refused:
        open_table(write(tmp_path / "l.jsonl", CLASSES, "a Anna skip"))
    assert "they could not tell" in str(refused.value.got)
