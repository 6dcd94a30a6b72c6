"""From end to end on the layout of a contest: simulate, validate, train, evaluate, predict."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galaxyclass.cli.main import main
from galaxyclass.data.checks.validate import validate
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.parts import split_parts
from galaxyclass.data.dataset.prepare import prepare
from galaxyclass.errors import RunError
from galaxyclass.evaluation.score_predictions import score_predictions
from galaxyclass.recipes.read import load_recipe
from galaxyclass.simulation.contest import simulate_hundred
from galaxyclass.training.train import resume, train

SETTINGS = (
    "images.size=16",
    "images.frame=none",
    "training.batch_size=64",
    "training.epochs=2",
    "training.precision=fp32",
)


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_hundred(
        output=tmp_path_factory.mktemp("made") / "set", count=320, size=16, seed=1, workers=1
    ).folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_from_end_to_end(contest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--images", str(contest), "--table", str(contest)]
    assert main(["validate", *given]) == 0
    text = capsys.readouterr().out
    assert "parts   208 train, 32 validation, 80 test" in text
    assert "100 classes: 0, 1, 2, 3, 4, 5, 6, 7 …" in text
    run = tmp_path / "run"
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    told = ["--device", "cpu", "--workers", "1", "--cache", str(tmp_path / "cache")]
    assert main(["train", "fast", *given, "--output", str(run), *settings, *told]) == 0
    assert "208 train, 32 validation, 80 test" in capsys.readouterr().err
    tables = {
        part: {row["image"]: row["class"] for row in rows(contest / f"{name}.csv")}
        for part, name in {"train": "train", "validation": "val", "test": "test"}.items()
    }
    split = {row["id"]: row["part"] for row in rows(run / "split.csv")}
    assert split == {image: part for part, images in tables.items() for image in images}
    assert json.loads((run / "run.json").read_text())["galaxies"] == {
        "train": 208,
        "validation": 32,
        "test": 80,
    }

    scores = tmp_path / "scores"
    command = ["evaluate", str(run), *given, "--part", "test", "--output", str(scores)]
    assert main([*command, "--device", "cpu"]) == 0
    predicted = tmp_path / "test.csv"
    command = ["predict", str(run), "--images", str(contest / "test"), "--output", str(predicted)]
    assert main([*command, "--layout", "contest", "--device", "cpu"]) == 0
    mine = rows(predicted)
    assert list(mine[0]) == ["image", "class"]
    assert {row["image"] for row in mine} == set(tables["test"])
    right = np.mean([row["class"] == tables["test"][row["image"]] for row in mine])
    assert score_predictions(predicted, contest / "test.csv").scores.accuracy.value == right
    metrics = json.loads((scores / "metrics.json").read_text())
    assert metrics["galaxies_by_part"] == {"test": 80}
    assert metrics["accuracy"]["value"] == pytest.approx(right)
    finished = json.loads((run / "metrics.json").read_text())
    assert finished["parts"]["test"]["value"] == pytest.approx(right)


def with_secrets(contest: Path, folder: Path) -> Path:
    """The same contest without the classes of its test part."""
    shutil.copytree(contest, folder)
    images = [row["image"] for row in rows(folder / "test.csv")]
    (folder / "test.csv").write_text("\n".join(["image", *images]) + "\n")
    return folder


def test_secret_classes_are_neither_learnt_nor_scored(contest: Path, tmp_path: Path) -> None:
    secret = with_secrets(contest, tmp_path / "set")
    assert validate(secret, secret, workers=1).ok
    trained = train(
        "fast",
        secret,
        secret,
        output=tmp_path / "run",
        settings=SETTINGS,
        device="cpu",
        workers=1,
        cache=tmp_path / "cache",
    )
    assert "test" not in trained.metrics.parts
    assert len(rows(tmp_path / "run" / "split.csv")) == 240


def test_the_fingerprint_knows_the_parts(contest: Path, tmp_path: Path) -> None:
    recipe = load_recipe("fast", SETTINGS)

    def sample(folder: Path) -> Any:
        return prepare(
            Dataset(contest, folder),
            recipe.images,
            cache=tmp_path / "cache",
            workers=1,
            progress=lambda *_, **__: None,
        )

    moved = tmp_path / "moved"
    moved.mkdir()
    head, *lines = (contest / "train.csv").read_text().splitlines()
    _, *others = (contest / "val.csv").read_text().splitlines()
    # The last training galaxy becomes the first of validation: the same galaxies in one order.
    (moved / "train.csv").write_text("\n".join([head, *lines[:-1]]))
    (moved / "val.csv").write_text("\n".join([head, lines[-1], *others]))
    shutil.copy(contest / "test.csv", moved)
    before, after = sample(contest), sample(moved)
    assert list(before.catalog.ids.values) == list(after.catalog.ids.values)
    assert before.fingerprint != after.fingerprint
    assert (split_parts(after, recipe.split, 0) == "validation").sum() == 33


def test_a_run_whose_parts_have_changed_is_not_resumed(contest: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    shutil.copytree(contest, folder)
    run = tmp_path / "run"
    given: dict[str, Any] = {"device": "cpu", "workers": 1, "cache": tmp_path / "cache"}
    whole = train("fast", folder, folder, output=run, settings=SETTINGS, **given)
    (run / "metrics.json").unlink()
    again = resume(run, **given)
    assert again.metrics.parts == whole.metrics.parts
    (run / "metrics.json").unlink()
    lines = (folder / "val.csv").read_text().splitlines()
    (folder / "val.csv").write_text("\n".join(lines[:-1]))
    with pytest.raises(RunError, match="have changed since it was begun"):
        resume(run, **given)
