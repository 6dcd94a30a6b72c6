"""Exports of Zooniverse, written by hand after the published formats, as counts on a tree."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.errors import CatalogError, TreeError
from galaxyclass.trees.read import parse_tree
from galaxyclass.zooniverse.classifications import id_of
from galaxyclass.zooniverse.import_classifications import ImportedVotes, import_classifications
from galaxyclass.zooniverse.labels import WorkflowTask, match_tasks

TREE = """
key = "small"
title = "Small"
[[questions]]
code = "1"
key = "look"
text = "Is the galaxy smooth, or does it have features?"
answers = [
    { code = "1.1", name = "smooth", key = "smooth" },
    { code = "1.2", name = "features", key = "features", zooniverse = "Features or disk" },
]
[[questions]]
code = "2"
key = "bar"
text = "Is there a bar?"
asked_of = ["1.2"]
answers = [
    { code = "2.1", name = "bar", key = "yes" },
    { code = "2.2", name = "no bar", key = "no" },
]
[[questions]]
code = "3"
key = "ring"
text = "Is there a ring?"
zooniverse = "T7"
asked_of = ["1.2"]
answers = [{ code = "3.1", name = "yes", key = "yes" }, { code = "3.2", name = "no", key = "no" }]
"""
LOOK = "Is the galaxy **smooth**, or does it have features?"
SMOOTH = "![smooth.png](https://example.org/smooth.png) Smooth"
HEADER = [
    "classification_id", "user_name", "user_id", "user_ip", "workflow_id", "workflow_name",
    "workflow_version", "created_at", "gold_standard", "expert", "metadata", "annotations",
    "subject_data", "subject_ids",
]  # fmt: skip


def vote(task: str, value: Any, label: str = "") -> dict[str, Any]:
    return {"task": task, "task_label": label, "value": value}


def row(
    person: str,
    subject: str,
    *annotations: dict[str, Any],
    galaxy: str | None = None,
    retired: str | None = None,
    at: str = "2026-03-02 10:00:00 UTC",
    **cells: str,
) -> dict[str, str]:
    end = {"id": 1, "retired_at": retired, "retirement_reason": "classification_count"}
    data = {
        "retired": end if retired else None,
        "#id": galaxy or f"J{subject}",
        "Filename": "a.jpg",
    }
    return {
        "classification_id": "1",
        "user_name": person,
        "user_id": "" if person.startswith("not-logged-in") else person,
        "workflow_id": "12",
        "workflow_name": "Galaxies",
        "workflow_version": "5.2",
        "created_at": at,
        "gold_standard": "",
        "annotations": json.dumps(annotations),
        "subject_data": json.dumps({subject: data}),
        "subject_ids": subject,
        **cells,
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(TREE)
    return file


def write(path: Path, rows: list[dict[str, str]], header: list[str] | None = None) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header or HEADER)
        writer.writeheader()
        writer.writerows(rows)
    return path


def counts(imported: ImportedVotes) -> dict[str, list[int]]:
    columns = imported.tree.published[0].columns
    return {each["id"]: [each[name] for name in columns] for each in imported.table.to_pylist()}


def test_classifications_become_counts_and_what_is_left_out_is_counted(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    features = vote("T0", "Features or disk", LOOK)
    drop_down = {
        "select_label": "Is there a bar?",
        "option": True,
        "value": "x1",
        "label": "No bar",
    }
    rows = [
        row("ann", "1", vote("T0", SMOOTH, LOOK), retired="2026-03-01T09:00:00.000Z"),
        row("bob", "1", features, vote("T1", "Bar", "Is there a bar?"), vote("T7", 1)),
        row("not-logged-in-3f", "1", features, vote("T5", [drop_down])),
        # In a combined task; the ring by its label in a list.
        row("cat", "2", vote("T9", [features, vote("T7", ["Yes"])]), workflow_version="6.1"),
        # The same galaxy again as another subject; bob's second vote, made before his first.
        row("dan", "9", vote("T0", "smooth", LOOK), galaxy="J1"),
        row("bob", "9", vote("T0", "smooth", LOOK), galaxy="J1", at="2026-03-01 10:00:00 UTC"),
        # What cannot count.
        row("eve", "2", vote("T0", "Spiral", LOOK), vote("T3", [{"x": 1, "tool": 0}], "Mark it")),
        row("fay", "2", vote("T0", ["smooth", "features"], LOOK)),
        row("gil", "2", features, vote("T4", "Nice!", "Anything else?")),
        row("hal", "2", features, annotations="[{"),
        row("ian", "2", vote("T0", "smooth", LOOK), gold_standard="true"),
        row("joe", "2", vote("T0", None, LOOK)),
    ]
    export, output = write(tmp_path / "classifications.csv", rows), tmp_path / "votes.csv"
    imported = import_classifications(export, tree=tree, output=output)
    assert counts(imported) == {"J1": [3, 1, 0, 1, 0, 0], "J2": [0, 2, 0, 0, 1, 0]}
    assert imported.table.to_pylist()[0]["subject_ids"] == "1 9"
    assert imported.table.to_pylist()[0]["retired"] is True
    reasons = dict(imported.dropped)
    for words, number in {
        "a further classification of one galaxy by one person (the first counts)": 1,
        "annotations or subject_data that are not JSON": 1,
        "by the project's own experts (gold standard)": 1,
        "without any answer": 2,
        "'Spiral' is no answer of question 1": 1,
        "T4 'Anything else?': no question of the tree": 1,
        "T3 'Mark it': not a question": 1,
        "several answers": 1,
    }.items():
        assert [n for reason, n in reasons.items() if words in reason] == [number], words
    notes = "\n".join(imported.notes)
    assert "Task T7 is question 3." in notes
    assert "2 versions of the workflow count: 5.2" in notes
    assert "1 galaxy is several subjects" in notes
    assert "Made after retirement, and counted: 1 classification." in notes

    table = galaxyclass.read_catalog(_folder(tmp_path), output, tree=tree)
    assert table.targets is not None
    assert table.targets.values()[0].round(2).tolist()[:4] == [0.75, 0.25, 0.0, 0.25]

    arguments = ["zooniverse", "import", str(export), "--tree", str(tree), "--output", str(output)]
    assert main(arguments) == 1
    assert "exists already" in capsys.readouterr().err
    assert main([*arguments, "--overwrite", "--retired-only"]) == 0
    assert "votes on galaxies that are not retired" in capsys.readouterr().out


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("J1", "J2"):
        (folder / f"{name}.jpg").touch()
    return folder


def test_one_workflow_and_version_at_a_time(tree: Path) -> None:
    smooth = vote("T0", "smooth", LOOK)
    rows = [row("a", "1", smooth), row("b", "1", smooth, workflow_id="13", workflow_version="8.1")]
    export = {name: [each.get(name, "") for each in rows] for name in HEADER}
    with pytest.raises(CatalogError, match=r"(?s)2 workflows.*13 Galaxies: 1 row"):
        import_classifications(export, tree=tree)
    chosen = import_classifications(export, tree=tree, workflow="13")
    assert chosen.dropped == (("of another workflow (12 Galaxies)", 1),)
    chosen = import_classifications(export, tree=tree, version="8")
    assert chosen.dropped == (("of another version of the workflow (5.2)", 1),)
    with pytest.raises(CatalogError, match=r"(?s)no votes in 2 rows.*correct `workflow`"):
        import_classifications(export, tree=tree, workflow="14")


def test_classifications_of_something_else(tree: Path) -> None:
    rows = [row("a", "1", vote("T0", "Zebra", "Which animal?"))]
    export = {name: [each.get(name, "") for each in rows] for name in HEADER}
    with pytest.raises(CatalogError) as caught:
        import_classifications(export, tree=tree)
    text = str(caught.value)
    assert "none of its tasks is a question of Small" in text
    assert "T0 'Which animal?' (Zebra): no question of the tree" in text
    assert "another workflow" in text
    with pytest.raises(CatalogError, match="not an export of Zooniverse"):
        import_classifications({"id": [1], "smooth": [2]}, tree=tree)
    with pytest.raises(TreeError, match="no layout of counts"):
        import_classifications(export, tree="galaxy_zoo_1")
    export["subject_data"] = ['{"1": {"retired": null, "camera": 3}}']
    with pytest.raises(CatalogError, match=r"(?s)without an id.*`id_column`"):
        import_classifications(export, tree=tree)


def test_the_words_of_galaxy_zoo_are_those_of_its_tree() -> None:
    tree = galaxyclass.load_tree("galaxy_zoo_decals")
    labels = {
        WorkflowTask("T0", "Is the galaxy simply smooth and rounded, with no sign of a disk?"): [
            "![smooth](https://example.org/s.png) Smooth",
            "Features or Disk",
            "Star or Artifact",
        ],
        WorkflowTask("T2", "Could this be a disk viewed edge-on?"): [
            "Yes - Edge On Disk",
            "No - Something Else",
        ],
    }
    assert sorted(match_tasks(tree, labels).answers.values()) == [0, 1, 2, 6, 7]


def test_tasks_that_could_be_two_questions() -> None:
    tree = galaxyclass.load_tree("galaxy_zoo_decals")
    task = WorkflowTask("T2", "")
    assert "could be question 3 or 6" in match_tasks(tree, {task: ["yes", "no"]}).unmatched[task]


def test_reductions_of_panoptes_aggregation(tree: Path, tmp_path: Path) -> None:
    header = [
        "subject_id",
        "workflow_id",
        "task",
        "reducer",
        "data.smooth",
        "data.features-or-disk",
    ]
    header += ["data.yes", "data.no", "data.None", "data.no+yes", "data.aggregation_version"]
    base = {"workflow_id": "12", "reducer": "question_reducer", "data.aggregation_version": "4.1.0"}
    rows: list[dict[str, str]] = [
        {"subject_id": "5", "task": "T0", "data.smooth": "7.0", "data.features-or-disk": "3.0"},
        {"subject_id": "5", "task": "T7", "data.yes": "1", "data.no": "2", "data.no+yes": "4"},
        {"subject_id": "6", "task": "T0", "data.smooth": "4", "data.None": "1"},
        {"subject_id": "5", "task": "T0", "data.smooth": "9"},
        {"subject_id": "5", "task": "T8", "reducer": "shape_reducer_dbscan"},
    ]
    reductions = write(tmp_path / "reductions.csv", [{**base, **each} for each in rows], header)
    imported = import_classifications(reductions, tree=tree)
    assert counts(imported) == {"5": [7, 3, 0, 0, 1, 2], "6": [4, 0, 0, 0, 0, 0]}
    reasons = dict(imported.dropped)
    assert reasons["votes of task T7: several answers of one question"] == 4
    assert reasons["a further reduction of one subject and task (the first counts)"] == 1
    assert reasons["by the reducer shape_reducer_dbscan, which does not count answers"] == 1
    subjects = write(
        tmp_path / "subjects.csv",
        [{"subject_id": "5", "metadata": '{"#id": "J5"}'}],
        ["subject_id", "metadata"],
    )
    named = import_classifications(reductions, tree=tree, subjects=subjects)
    assert list(counts(named)) == ["J5"]
    assert dict(named.dropped)["of a subject that the table of subjects does not name"] == 1


@pytest.mark.parametrize(
    ("annotations", "data", "reason"),
    [
        ("[" * 100_000, '{"9": {"#id": "J9"}}', "not JSON"),
        ('[{"task":"T0","value":' * 900 + "1" + "}]" * 900, '{"9": {"#id": "J9"}}', "not JSON"),
        ("[]", '{"9": null}', "without metadata"),
        ("[]", '{"9": ["J9"]}', "without metadata"),
    ],
)
def test_a_damaged_row_is_a_reason_and_no_end(annotations: str, data: str, reason: str) -> None:
    good = {"annotations": json.dumps([vote("T7", "yes")]), "subject_data": '{"1": {"#id": "J1"}}'}
    bad = {"annotations": annotations, "subject_data": data}
    export = {name: [good[name], bad[name]] for name in good} | {"subject_ids": ["1", "9"]}
    imported = import_classifications(export, tree=parse_tree(tomllib.loads(TREE), "small"))
    assert imported.votes == 1
    assert [(count, reason in why) for why, count in imported.dropped] == [(1, True)]


def test_labels_that_only_look_like_numbers() -> None:
    tree = parse_tree(tomllib.loads(TREE), "small")
    task = WorkflowTask("T7")
    wrong = ("\N{SUPERSCRIPT TWO}", "9" * 5000)
    assert match_tasks(tree, {task: ["1", *wrong]}).answers == {(task, "1"): 5}


def test_an_earlier_classification_without_an_answer_takes_no_vote() -> None:
    """Wherever it stands in the file."""
    given = [json.dumps([vote("T7", "yes")]), "[]"]
    times = ["2026-03-02 10:00:00 UTC", "2026-03-01 10:00:00 UTC"]
    for order in ((0, 1), (1, 0)):
        export = {
            "user_name": ["anna"] * 2,
            "annotations": [given[index] for index in order],
            "created_at": [times[index] for index in order],
            "subject_data": ['{"1": {"#id": "J1"}}'] * 2,
            "subject_ids": ["1"] * 2,
        }
        assert import_classifications(export, tree=parse_tree(tomllib.loads(TREE), "s")).votes == 1


def test_sums_and_metadata_that_are_none() -> None:
    tree = parse_tree(tomllib.loads(TREE), "small")
    export = {"subject_id": ["1"], "task": ["T7"], "reducer": ["question_extractor"]}
    export |= {"data.yes": ["inf"], "data.no": ["2"]}
    assert import_classifications(export, tree=tree).votes == 2
    subjects = {"subject_id": ["1"], "metadata": ["[1]"]}
    with pytest.raises(CatalogError, match="metadata are not JSON"):
        import_classifications(export, tree=tree, subjects=subjects)


@pytest.mark.parametrize(
    ("metadata", "galaxy"),
    [
        ({"#id": " J1 "}, "J1"),
        ({"Filename": r"C:\sky\a.jpg"}, "a"),
        ({"id": 7.0}, "7"),
        ({"id": 587722981736579107.0}, None),  # has lost its last digits
    ],
)
def test_ids_in_metadata(metadata: dict[str, Any], galaxy: str | None) -> None:
    assert id_of(metadata, None) == galaxy
