"""The contest layout: the name of each image as the contest's tables have it, and its class."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from galaxyclass.cli.main import main
from galaxyclass.errors import CatalogError, OutputError
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.model.load import load_model
from galaxyclass.model.predict import predict
from galaxyclass.tasks.task import Task
from tests.support import fake

CLASSES = ("0", "9", "10")  # as numbers; as text "10" would stand before "9"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """Save a run of classes whose table named images by so many parts of their paths."""

    def make(name_parts: int, task: Task | None = None) -> Path:
        task = task or fake.class_outputs(*CLASSES)
        folder = fake.save_run(tmp_path / "run", task, "image", id_integer=False)
        manifest = replace(load_bundle(folder).manifest, name_parts=name_parts)
        save_bundle(folder, manifest, {"weights": lambda path: path.write_bytes(b"weights")})
        assert load_bundle(folder).manifest.name_parts == name_parts
        return folder

    return make


def read(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    ("name_parts", "names"),
    [(0, ["1", "2", "3"]), (1, ["1.jpg", "2.jpg", "3.jpg"]), (2, ["test/1.jpg", "test/2.jpg"])],
)
def test_image_and_class_as_the_tables_have_them(
    run: Callable[..., Any], tmp_path: Path, name_parts: int, names: list[str]
) -> None:
    images = tmp_path / "test"
    fake.save_images(images, 3, start=1)
    folder, backend = run(name_parts), fake.ClassBackend(3)
    for ending in ("csv", "parquet"):
        for layout in ("table", "contest"):
            output = tmp_path / f"{layout}.{ending}"
            predict(load_model(folder, backend=backend), images, output=output, layout=layout)
    table, contest = read(tmp_path / "table.csv"), read(tmp_path / "contest.csv")
    assert table[0] == ["image", *CLASSES, "class"]
    assert contest[0] == ["image", "class"]
    assert [row[0] for row in contest[1:]][: len(names)] == names
    likeliest = [CLASSES[int(np.argmax([float(cell) for cell in row[1:4]]))] for row in table[1:]]
    assert [row[1] for row in contest[1:]] == likeliest
    assert [[row[0], row[4]] for row in table[1:]] == contest[1:]
    parquet = pq.read_table(tmp_path / "contest.parquet")
    assert parquet.schema.types == [pa.string(), pa.int64()]
    assert [
        [name, str(label)] for name, label in zip(*parquet.to_pydict().values(), strict=True)
    ] == contest[1:]


def test_names_that_are_not_clear_are_refused_in_a_contest(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    for part in ("val", "test"):
        fake.save_images(tmp_path / "set" / part, 2, start=1)
    folder, backend = run(1), fake.ClassBackend(3)
    with pytest.raises(CatalogError, match="2 images have the name of another"):
        predict(
            load_model(folder, backend=backend),
            tmp_path / "set",
            output=tmp_path / "p.csv",
            layout="contest",
        )
    summary = predict(
        load_model(folder, backend=backend), tmp_path / "set", output=tmp_path / "p.csv"
    )
    assert "called by their path within the folder" in summary.notes[0]
    assert [row[0] for row in read(tmp_path / "p.csv")[1:]] == [
        "test/1",
        "test/2",
        "val/1",
        "val/2",
    ]


def test_an_image_that_cannot_be_decoded_has_no_row(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    images = tmp_path / "test"
    fake.save_images(images, 2, start=1)
    (images / "1.jpg").write_text("not an image")
    summary = predict(
        load_model(run(1), backend=fake.ClassBackend(3)),
        images,
        output=tmp_path / "p.csv",
        layout="contest",
    )
    assert [row[0] for row in read(tmp_path / "p.csv")] == ["image", "2.jpg"]
    assert summary.failed == 1


def test_votes_have_no_contest_layout(
    run: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(0, fake.vote_outputs())
    images = tmp_path / "test"
    fake.save_images(images, 1)
    with pytest.raises(OutputError, match="one class for each image"):
        predict(
            load_model(folder, backend=fake.TreeBackend()),
            images,
            output=tmp_path / "p.csv",
            layout="contest",
        )
    command = ["predict", str(folder), "--images", str(images), "--output", str(tmp_path / "p.csv")]
    assert main([*command, "--layout", "contest"]) == 1
    assert "leave --layout contest out" in capsys.readouterr().err
    assert not (tmp_path / "p.csv").exists()
