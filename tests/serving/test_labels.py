"""The file of labels: on the disk at once, whole after a kill; and what is made of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.labels.log import Action, LabelEvent
from galaxyclass.data.labels.questions import questions_of_classes, questions_of_tree
from galaxyclass.data.labels.table import label_of, training_table
from galaxyclass.errors import ArgumentError, CatalogError, OutputError
from galaxyclass.model.writers import write_table
from galaxyclass.serving.earlier_labels import take_earlier_labels
from galaxyclass.serving.export import agreements
from galaxyclass.serving.labelling import Labelling, person_named
from galaxyclass.serving.labels import LabelFile
from galaxyclass.serving.order import LabelOrder, fit_probe
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.similarity.axes import Axes
from galaxyclass.similarity.index import Index
from galaxyclass.trees.read import load_tree
from tests.support import fake

RINGS = questions_of_classes(("ring", "no-ring"))


def label(labels: LabelFile, name: str, person: str, answer: str) -> None:
    labels.add(LabelEvent(name, person, "label", "class", answer))


def test_what_was_kept_is_read_again_but_for_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "labels.jsonl"
    labels = LabelFile(path, RINGS)
    label(labels, "a", "Anna", "ring")
    label(labels, "b", "Anna", "ring")
    label(labels, "b", "Bo", "no-ring")
    labels.add(LabelEvent("b", "Anna", "undo"))
    labels.add(LabelEvent("c", "Anna", "unsure"))
    labels.close()
    whole = path.read_bytes()
    for torn in (b'{"id": "d", "per', b'{"id": "d", "person": "Anna", "action": "skip"'):
        path.write_bytes(whole + torn)
        labels = LabelFile(path, RINGS)
        assert labels.complete("a") == {"Anna": {"class": "ring"}}
        assert labels.complete("b") == {"Bo": {"class": "no-ring"}}
        assert (labels.complete("c"), labels.is_done("c", "Anna")) == ({}, True)
        assert not labels.is_done("d", "Anna")
        last = labels.last("Anna")
        assert last is not None
        assert (last.id, last.action) == ("c", "unsure")
        labels.close()
        assert path.read_bytes() == whole


@pytest.mark.parametrize("name", ["", "a" * 61, "=HYPERLINK(1)", "  @SUM(A1)"])
def test_what_is_no_name_of_a_person(name: str) -> None:
    with pytest.raises(RefusedError):
        person_named(name)


def test_nothing_but_a_torn_line_is_removed_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text('{"months of work": 1}')  # no label file, and no line break at its end
    with pytest.raises(CatalogError, match="line 1 is damaged"):
        LabelFile(path, RINGS)
    assert path.read_text() == '{"months of work": 1}'

    path = tmp_path / "labels.jsonl"
    labels = LabelFile(path, RINGS)
    label(labels, "a", "Anna", "ring")
    labels.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])  # an editor took the last line break away
    labels = LabelFile(path, RINGS)
    assert labels.complete("a") == {"Anna": {"class": "ring"}}
    labels.close()
    assert path.read_bytes() == whole
    head = whole.splitlines(keepends=True)[0]
    path.write_bytes(head[:20])  # killed while the file was begun
    LabelFile(path, RINGS).close()
    assert path.read_bytes() == head


def test_a_killed_process_loses_nothing_that_it_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    code = f"""
import sys
from pathlib import Path
from galaxyclass.data.labels.log import LabelEvent
from galaxyclass.serving.labels import LabelFile
from galaxyclass.data.labels.questions import questions_of_classes
labels = LabelFile(Path({str(path)!r}), questions_of_classes(("ring", "no-ring")))
for number in range(10**6):
    labels.add(LabelEvent(f"J{{number}}", "Anna", "label", "class", "ring"))
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        confirmed = [child.stdout.readline() for _ in range(30)]
        child.send_signal(signal.SIGKILL)
        confirmed += child.stdout.read().splitlines(keepends=True)
    last = max(int(line) for line in confirmed if line.endswith("\n"))
    labels = LabelFile(path, RINGS)
    assert set(labels.galaxies) >= {f"J{number}" for number in range(last + 1)}
    labels.close()


def test_damage_other_classes_and_a_second_server_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    labels = LabelFile(path, RINGS)
    label(labels, "a", "Anna", "ring")
    with pytest.raises(OutputError, match="another process is writing it"):
        LabelFile(path, RINGS)
    labels.close()
    with pytest.raises(CatalogError, match="labels of other questions"):
        LabelFile(path, questions_of_classes(("bar", "no-bar")))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "x", lines[1], ""]))
    with pytest.raises(CatalogError, match="line 2 is damaged"):
        LabelFile(path, RINGS)
    path.write_text("id,class\n1,ring\n")
    with pytest.raises(CatalogError, match="line 1 is damaged"):
        LabelFile(path, RINGS)
    assert path.read_text() == "id,class\n1,ring\n"


@pytest.mark.parametrize("classes", [("ring",), ("a", "a"), ("a", " "), tuple("abcdefghij")])
def test_classes_that_cannot_be_labelled(classes: tuple[str, ...]) -> None:
    with pytest.raises(ArgumentError, match="cannot be the classes"):
        questions_of_classes(classes)


def test_the_table_is_read_by_a_training(tmp_path: Path) -> None:
    labels = LabelFile(tmp_path / "labels.jsonl", RINGS)
    for name, answers in {"101": "rr", "102": "rn", "103": "nnr", "104": "n"}.items():
        for person, letter in zip(("Anna", "Bo", "Cy"), answers, strict=False):
            label(labels, name, person, {"r": "ring", "n": "no-ring"}[letter])
    labels.add(LabelEvent("105", "Anna", "unsure"))
    table = training_table(labels, "GalaxyID")
    assert table.to_pydict() == {
        "GalaxyID": ["101", "103", "104"],
        "class": ["ring", "no-ring", "no-ring"],
        "labels": [2, 3, 1],
        "agreement": [1.0, 2 / 3, 1.0],
    }
    assert label_of(labels, "102") is None
    write_table(tmp_path / "labels.csv", table)
    fake.save_images(tmp_path / "images", 4, start=101)
    catalog = read_catalog(tmp_path / "images", tmp_path / "labels.csv")
    assert catalog.targets is not None
    assert set(catalog.targets.class_names) == {"ring", "no-ring"}
    pair = agreements(labels)[0]
    kappa = cohen_kappa_score(["r", "r", "n"], ["r", "n", "n"])
    assert (pair.first, pair.second, pair.galaxies, pair.same) == ("Anna", "Bo", 3, 2)
    assert abs(pair.kappa - kappa) < 1e-12
    labels.close()


def test_a_tree_asks_what_the_answers_lead_to(tmp_path: Path) -> None:
    tree = load_tree("galaxy_zoo_2")
    labels = LabelFile(tmp_path / "labels.jsonl", questions_of_tree(tree))
    for person, answers in {"Anna": ["1.1", "6.2", "7.1"], "Bo": ["1.3", "6.2"]}.items():
        given: list[str] = []
        for answer in answers:
            question = labels.questions.next(labels.given("g", person))
            assert question is not None
            assert answer in [choice.key for choice in question.choices]
            labels.add(LabelEvent("g", person, "label", question.code, answer))
            given.append(answer)
        assert labels.is_done("g", person)
    row = training_table(labels, "GalaxyID").to_pylist()[0]
    assert [row[f"Class{code}"] for code in ("1.1", "1.2", "1.3", "6.2", "7.1", "7.2")] == [
        *(0.5, 0.0, 0.5, 1.0, 0.5, 0.0)
    ]
    labels.close()


def index_of(values: list[float]) -> Index:
    vectors = np.array([[value, np.sqrt(1 - value**2)] for value in values], np.float32)
    return Index(vectors, Axes(np.zeros(2, np.float32), np.eye(2, dtype=np.float32)))


def labelling(folder: Path, *, every: int = 0, repeat: float = 0.0) -> Labelling:
    """Ten galaxies, the first first."""
    index = index_of(np.linspace(-1, 1, 10).tolist())
    order = LabelOrder(index, np.arange(10), np.ones(10, bool), wanted=None, every=every)
    labels = LabelFile(folder / "labels.jsonl", RINGS)
    return Labelling(labels, order, [f"g{n}" for n in range(10)], repeat)


def shown(of: Labelling, person: str) -> str:
    found = of.next_for(person)
    assert found is not None
    return found.id


def act(of: Labelling, person: str, action: Action = "label", answer: str = "ring") -> bool:
    found = of.next_for(person)
    assert found is not None
    return of.act(person, found.row, action, "class", answer)


def test_each_galaxy_is_shown_to_one_person_until_it_is_done(tmp_path: Path) -> None:
    of = labelling(tmp_path)
    assert [shown(of, "Anna"), shown(of, "Bo"), shown(of, "Anna")] == ["g0", "g1", "g0"]
    assert act(of, "Anna")
    assert shown(of, "Anna") == "g2"
    assert act(of, "Anna", "skip")
    assert shown(of, "Anna") == "g3"
    assert of.act("Anna", -1, "undo", "", "")
    assert shown(of, "Anna") == "g2"
    assert of.act("Anna", -1, "undo", "", "")
    assert shown(of, "Anna") == "g0"
    assert not of.act("Anna", -1, "undo", "", "")
    assert act(of, "Anna", answer="no-ring")
    assert not of.act("Anna", 0, "label", "class", "ring")  # a second click changes nothing
    assert of.labels.complete("g0") == {"Anna": {"class": "no-ring"}}
    with pytest.raises(RefusedError, match="is no answer"):
        of.act("Anna", 3, "label", "class", "<script>")
    with pytest.raises(RefusedError, match="no galaxy in row"):
        of.act("Anna", 99, "label", "class", "ring")
    progress = of.progress()
    assert (progress.labelled, progress.galaxies) == (1, 10)
    of.labels.close()


def test_some_galaxies_are_shown_to_a_second_person(tmp_path: Path) -> None:
    of = labelling(tmp_path, repeat=0.5)
    for _ in range(4):
        act(of, "Anna")
    seen = []
    for _ in range(6):
        seen.append(shown(of, "Bo"))
        act(of, "Bo")
    assert seen == ["g4", "g5", "g0", "g6", "g1", "g7"] or sorted(seen)[:2] == ["g0", "g1"]
    assert sum(pair.galaxies for pair in agreements(of.labels)) == 2
    of.labels.close()


def test_the_order_is_renewed_by_what_was_learnt(tmp_path: Path) -> None:
    of = labelling(tmp_path, every=4)
    for row, answer in ((0, "ring"), (1, "ring"), (8, "no-ring"), (9, "no-ring")):
        assert of.act("Anna", row, "label", "class", answer)
    of.order.wait()
    assert of.order.fitted == 4
    assert set(list(of.order.rows())[:2]) == {4, 5}  # between the classes
    answers, probabilities = fit_probe(index_of([-1.0, 1.0]), {0: "a", 1: "b"})()
    assert answers == ["a", "b"]
    assert np.allclose(probabilities.sum(axis=1), 1)
    of.labels.close()


def test_a_name_is_text() -> None:
    assert person_named(" <b>A\u202enna\x00 ") == "<b>A nna"
    for wrong in ("", "\n", "x" * 61):
        with pytest.raises(RefusedError, match="who labels"):
            person_named(wrong)


def test_every_line_is_json(tmp_path: Path) -> None:
    labels = LabelFile(tmp_path / "labels.jsonl", RINGS)
    label(labels, 'a\n"b', "Ån\u2028na", "ring")
    labels.close()
    lines = (tmp_path / "labels.jsonl").read_bytes().split(b"\n")
    assert json.loads(lines[1])["id"] == 'a\n"b'


def test_labels_of_a_table_are_those_of_a_person(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    table = tmp_path / "mine.csv"
    table.write_text("survey,iauname,ring,z\nx,a,ring,1\nx,b,no-ring,2\nx,c,,3\nx,far,ring,4\n")
    labels = LabelFile(tmp_path / "labels.jsonl", RINGS)
    label(labels, "b", "Anna", "ring")
    assert take_earlier_labels(labels, table, ["a", "b", "c"]) == 2
    assert "mine.csv: 2 labels copied; 1 left out, whose galaxies are not in" in caplog.text
    assert labels.complete("a") == {"mine": {"class": "ring"}}
    assert labels.complete("b") == {"Anna": {"class": "ring"}, "mine": {"class": "no-ring"}}
    assert (labels.complete("c"), labels.complete("far")) == ({}, {})
    labels.close()
    labels = LabelFile(tmp_path / "labels.jsonl", RINGS)
    assert take_earlier_labels(labels, table, ["a", "b", "c"]) == 0
    for text, words in (
        ("iauname,ring\nq,ring\n", "no labelled galaxy is in the predictions"),
        ("iauname,ring\na,1\n", "no column has the labels(?s:.*)label_classes"),
        ("iauname,ring,other\na,ring,no-ring\n", "which column(?s:.*)ring, other"),
    ):
        table.write_text(text)
        with pytest.raises(CatalogError, match=words):
            take_earlier_labels(labels, table, ["a", "b"])
    labels.close()
    # pandas makes floats of integers beside empty cells.
    digits = LabelFile(tmp_path / "digits.jsonl", questions_of_classes(("0", "1")))
    floats = {"id": ["a", "b", "c"], "ring": [1.0, None, 0.0]}
    assert take_earlier_labels(digits, floats, ["a", "b", "c"]) == 2
    assert digits.complete("c") == {"table": {"class": "0"}}
    digits.close()
    tree = LabelFile(tmp_path / "tree.jsonl", questions_of_tree(load_tree("galaxy_zoo_2")))
    with pytest.raises(ArgumentError, match="and not of a tree"):
        take_earlier_labels(tree, table, ["a"])
    tree.close()


def test_classes_that_are_digits_are_their_own_keys() -> None:
    assert RINGS.questions[0].shortcuts == ("1", "2")
    assert questions_of_classes(("0", "1")).questions[0].shortcuts == ("0", "1")
    assert questions_of_classes(("0", "10")).questions[0].shortcuts == ("1", "2")
    first = questions_of_tree(load_tree("galaxy_zoo_2")).questions[0]
    assert first.shortcuts == ("1", "2", "3")
