"""Trees that are refused, with every message; and what is read back."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from galaxyclass.errors import TreeError
from galaxyclass.trees.read import TREES, load_tree, parse_tree, tree_data, tree_text

GOOD: dict[str, Any] = {
    "key": "small",
    "title": "A small tree",
    "questions": [
        {
            "code": "1",
            "key": "what",
            "text": "What is it?",
            "answers": [
                {"code": "1.1", "name": "galaxy", "key": "galaxy"},
                {"code": "1.2", "name": "star", "key": "star"},
            ],
        },
        {
            "code": "2",
            "key": "arms",
            "text": "Arms?",
            "asked_of": ["1.1"],
            "answers": [{"code": "2.1", "name": "arms", "key": "yes"}],
        },
    ],
    "layouts": [{"name": "plain", "kind": "joint", "pattern": "{question}_{answer}"}],
}


def message(data: object) -> str:
    with pytest.raises(TreeError) as caught:
        parse_tree(data, "small.toml")  # type: ignore[arg-type]
    text = str(caught.value)
    assert text.startswith("small.toml: ")
    return text


def changed(*path: str | int, to: object = None, drop: bool = False) -> dict[str, Any]:
    data: Any = copy.deepcopy(GOOD)
    place = data
    for step in path[:-1]:
        place = place[step]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return data


def test_the_small_tree_is_read() -> None:
    tree = parse_tree(GOOD, "small.toml")
    assert tree.layout("plain").columns == ("what_galaxy", "what_star", "arms_yes")
    assert tree.layout("plain").tolerance == 1e-3
    assert tree.reference == ""
    assert tree.questions[1].asked_of == ("1.1",)


@pytest.mark.parametrize("name", TREES)
def test_a_tree_survives_plain_data(name: str) -> None:
    assert parse_tree(tree_data(load_tree(name)), "a bundle") == load_tree(name)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (changed("title", drop=True), "the tree: no 'title'"),
        (changed("questions", to=[]), "the tree: questions is empty"),
        (changed("questions", to="1"), "the tree: questions is '1', not a list in [brackets]"),
        (changed("colour", to="red"), "the tree: unknown field 'colour' (only key, title"),
        (changed("questions", 0, to="1"), "question number 1: '1' is not a table of fields"),
        (changed("questions", 1, "text", drop=True), "question 2: no 'text'"),
        (changed("questions", 1, "code", to=2), "question number 2: code is 2, not text in quotes"),
        (
            changed("questions", 1, "asked_off", to=["1.1"]),
            "question 2: unknown field 'asked_off'; did you mean 'asked_of'?",
        ),
        (
            changed("questions", 1, "asked_of", to="1.1"),
            "question 2: asked_of is '1.1', not a list in [brackets]",
        ),
        (
            changed("questions", 1, "asked_of", to=[1.1]),
            "question 2: asked_of holds 1.1, not text in quotes",
        ),
        (changed("questions", 1, "answers", to=[]), "question 2: answers is empty"),
        (changed("questions", 1, "answers", 0, "key", drop=True), "answer 2.1: no 'key'"),
        (
            changed("questions", 1, "answers", 0, "code", to=2.1),
            "question 2, answer number 1: code is 2.1, not text in quotes",
        ),
        (changed("layouts", 0, "kind", drop=True), "layout plain: no 'kind'"),
        (
            changed("layouts", 0, "tolerance", to="small"),
            "layout plain: tolerance is 'small', not a number",
        ),
        (changed("layouts", 0, "columns", to=[1]), "layout plain: columns holds 1, not text"),
    ],
)
def test_fields(data: object, words: str) -> None:
    text = message(data)
    assert words in text
    assert "not laid out as a tree" in text


def test_something_that_is_no_table() -> None:
    assert "the tree: ['a'] is not a table of fields" in message(["a"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (changed("questions", 1, "code", to="1"), "question code '1' used twice"),
        (changed("questions", 1, "key", to="what"), "question key 'what' used twice"),
        (
            changed("questions", 1, "answers", 0, "code", to="1.1"),
            "answer code '1.1' used twice",
        ),
        (changed("layouts", to=GOOD["layouts"] * 2), "layout name 'plain' used twice"),
        (
            changed("questions", 1, "asked_of", to=["1.3"]),
            "question 2 is asked of '1.3', which no question answers",
        ),
        (
            changed("questions", 0, "asked_of", to=["2.1"]),
            "nobody can reach questions 1, 2: they wait for each other in a loop",
        ),
        (
            changed("questions", 1, "asked_of", to=["2.1"]),
            "nobody can reach questions 2: they wait",
        ),
        (
            changed("layouts", 0, "kind", to="total"),
            "layout plain: kind 'total', not joint or conditional",
        ),
        (
            changed("layouts", 0, "tolerance", to=-1),
            "layout plain: tolerance -1.0, not from 0 to 1",
        ),
        (
            changed("layouts", 0, "pattern", to="{question}"),
            "layout plain: column 'what' for two answers",
        ),
        (
            changed("layouts", 0, "pattern", to="{task}"),
            "layout plain: the pattern '{task}' cannot be filled in for every answer: KeyError",
        ),
        (changed("layouts", 0, "pattern", to="{"), "the pattern '{' cannot be filled in"),
        (changed("layouts", 0, "pattern", to="{0}"), "the pattern '{0}' cannot be filled in"),
        (
            changed("layouts", 0, "pattern", drop=True),
            "layout plain: needs either a pattern or columns",
        ),
        (
            changed("layouts", 0, to={"name": "own", "kind": "joint", "columns": ["a", "b"]}),
            "layout own: 2 columns for 3 answers",
        ),
    ],
)
def test_trees_that_do_not_hold_together(data: object, words: str) -> None:
    text = message(data)
    assert words in text
    assert "does not hold together" in text


def test_all_problems_are_told_at_once() -> None:
    data = changed("questions", 0, "text", drop=True)
    data["titel"] = data.pop("title")
    data["layouts"][0]["kind"] = 3
    text = message(data)
    assert "question 1: no 'text'" in text
    assert "the tree: unknown field 'titel'; did you mean 'title'?" in text
    assert "layout plain: kind is 3, not text in quotes" in text


def test_a_tree_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        'key = "own"\ntitle = "Own"\n[[questions]]\ncode = "1"\nkey = "q"\ntext = "?"\n'
        'answers = [{ code = "1.1", name = "yes", key = "yes" }]\n'
    )
    assert load_tree(file).answers[0].name == "yes"
    assert load_tree(str(file)).layouts[0].columns == ("q_yes_fraction",)
    assert [layout.columns for layout in load_tree(file).published] == [
        ("q_yes_count",),
        ("q_yes",),
    ]


def test_no_such_tree() -> None:
    with pytest.raises(TreeError, match=r"(?s)no tree 'galaxy_zoo'.*galaxy_zoo_2"):
        load_tree("galaxy_zoo")


def test_a_file_of_windows(tmp_path: Path) -> None:
    """Its editors put a mark before UTF-8."""
    file = tmp_path / "own.toml"
    text = tree_text("galaxy_zoo_1").replace("\n", "\r\n")
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load_tree(file) == load_tree("galaxy_zoo_1")


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("key = ")
    with pytest.raises(TreeError, match=r"own\.toml: not valid TOML"):
        load_tree(file)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TreeError, match="not text in UTF-8"):
        load_tree(file)


def test_every_fault_is_named_at_once() -> None:
    data = copy.deepcopy(GOOD)
    first, second = data["questions"]
    data["titel"] = data.pop("title")
    first["asked_of"] = ["2.1"]
    first["answers"][1]["code"] = "1.1"
    second["asked_of"] = ["1.1", "1.7", "1"]
    data["questions"].append({"code": "3", "key": "what", "text": "?", "answers": []})
    data["layouts"][0]["kind"] = "total"
    text = message(data)
    for fault in (
        "the tree: no 'title'",
        "unknown field 'titel'; did you mean 'title'?",
        "question 3: answers is empty",
        "question key 'what' used twice",
        "answer code '1.1' used twice",
        "question 2 is asked of '1.7', which no question answers; did you mean",
        "question 2 is asked of '1', which no question answers: that is a question",
        "nobody can reach questions 1, 2: they wait for each other in a loop",
        "layout plain: kind 'total', not joint or conditional",
    ):
        assert fault in text, fault


def test_an_own_tree_keeps_its_published_layouts_in_a_bundle() -> None:
    own = copy.deepcopy(GOOD)
    del own["layouts"]
    tree = parse_tree(own, "small.toml")
    counts = tree.published[0]
    learnt = tree.with_layout(counts.written)
    again = parse_tree(tree_data(learnt), "a bundle")
    assert again == tree
    assert again.layout(counts.name) == counts.written
    assert again.published == tree.published


def test_projects_that_asked_the_same_questions() -> None:
    assert load_tree("galaxy_zoo_desi") is load_tree("galaxy_zoo_decals")
    assert load_tree("galaxy_zoo_jwst") is load_tree("galaxy_zoo_cosmic_dawn")
    with pytest.raises(TreeError, match="did you mean 'galaxy_zoo_euclid'"):
        load_tree("galaxy_zoo_eucld")
