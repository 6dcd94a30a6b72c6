"""Tables that cannot be meant are refused with what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.prepare import prepare
from galaxyclass.errors import CatalogError
from galaxyclass.finetuning.labels import read_labels, require_labels
from galaxyclass.progress import silent
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.tasks.classes.targets import ClassTargets


def targets(labels: list[str]) -> ClassTargets:
    names = tuple(sorted(set(labels)))
    return ClassTargets("kind", names, np.array([names.index(label) for label in labels]))


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        (["a", "b", "a"], "too few labels"),
        (["a"] * 30, "only one class"),
        ([str(number % 24) for number in range(100)], "looks like counts"),
        ([f"galaxy {number}" for number in range(300)], "almost as many values as galaxies"),
    ],
)
def test_refused(labels: list[str], what: str) -> None:
    with pytest.raises(CatalogError, match=what) as caught:
        require_labels(targets(labels), "t.csv")
    assert caught.value.hint


def test_taken() -> None:
    require_labels(targets(["0", "1"] * 10), "t.csv")
    require_labels(targets([str(number % 24) for number in range(24 * 40)]), "t.csv")


def test_columns_that_were_not_understood_are_named(tmp_path: Path) -> None:
    for name in "ab":
        Image.new("RGB", (16, 16)).save(tmp_path / f"{name}.png")
    votes = {"name": ["a", "b"], "arms_yes_count": [3, 30], "arms_no_count": [37, 11]}
    dataset = Dataset(tmp_path, votes)
    with pytest.raises(CatalogError, match="nothing to train on") as caught:
        prepare(dataset, Preprocessing(), cache=tmp_path / "cache", workers=1, progress=silent)
    assert "arms_yes_count, arms_no_count (neither" in str(caught.value.got)
    assert "give the tree by `tree`" in str(caught.value.hint)


def test_numbers_that_may_be_unknown_are_told(tmp_path: Path) -> None:
    rows = []
    for index in range(12):
        Image.new("RGB", (64, 64), (10 * index, 0, 0)).save(tmp_path / f"{index}.png")
        rows.append(f"{index},{-1 if index < 3 else index % 5 / 4}\n")
    (tmp_path / "t.csv").write_text("id,bar\n" + "".join(rows))
    dataset = Dataset(tmp_path, tmp_path / "t.csv", numbers="bar")
    settings = Preprocessing()
    _, notes = read_labels(dataset, settings, cache=tmp_path, workers=1, progress=silent)
    assert notes[0].endswith("or of one column `missing='COLUMN=-1'`")
    assert "3 cells are -1" in notes[0]


def test_a_class_of_one_galaxy_and_images_without_a_row_are_told(tmp_path: Path) -> None:
    for index in range(14):
        Image.new("RGB", (64, 64), (10 * index, 0, 0)).save(tmp_path / f"{index}.png")
    rows = [f"{index},{'a' if index < 6 else 'b'}\n" for index in range(11)]
    (tmp_path / "t.csv").write_text("id,kind\n" + "".join(rows) + "11,c\n")
    dataset = Dataset(tmp_path, tmp_path / "t.csv")
    sample, notes = read_labels(
        dataset, Preprocessing(), cache=tmp_path / "cache", workers=1, progress=silent
    )
    assert [note.split(":")[0] for note in notes] == [
        "Too few galaxies to learn and to score 'c' (1 galaxy)"
    ]
    assert [(each.kind, each.count, each.why) for each in sample.unused] == [
        ("files", 2, "images without a row"),
    ]
