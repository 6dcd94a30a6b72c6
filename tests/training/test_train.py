"""Whole trainings on a small sky: what they leave behind, and how they go on."""

from __future__ import annotations

import csv
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import galaxyclass
from galaxyclass.errors import (
    CatalogError,
    DeviceError,
    OutputError,
    RecipeError,
    RunError,
    TrainingInterruptedError,
)
from galaxyclass.recipes import RECIPES, load_recipe
from galaxyclass.training import resume, train
from galaxyclass.training import run as files
from galaxyclass.training.checkpoints import read_checkpoint
from galaxyclass.training.history import Row, read_history

from .conftest import TINY, Sky


def tiny(sky: Sky, output: Path, *settings: str, **options: object) -> galaxyclass.Trained:
    return train(
        "fast",
        sky.images,
        sky.table,
        output=output,
        settings=[*TINY, *settings],
        cache=sky.cache,
        device="cpu",
        workers=1,
        **options,  # type: ignore[arg-type]
    )


def figures(folder: Path) -> list[Row]:
    """The history without what depends on the clock."""
    rows = read_history(folder / files.HISTORY)
    return [
        {name: row[name] for name in row if name not in ("seconds", "images_per_second")}
        for row in rows
    ]


def test_a_run_holds_what_it_should(sky: Sky, tmp_path: Path) -> None:
    trained = tiny(sky, tmp_path / "run", "training.epochs=2")
    names = {str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*")}
    for wanted in (
        "recipe.toml",
        "run.json",
        "split.csv",
        "history.csv",
        "metrics.json",
        "curves.png",
        "bundle/manifest.json",
        "checkpoints/last.ckpt",
        "checkpoints/best.ckpt",
    ):
        assert wanted in names
    assert any(name.startswith("logs/events") for name in names)
    assert not [name for name in names if ".tmp" in name]
    assert len(read_history(tmp_path / "run" / "history.csv")) == 2
    assert trained.metrics.parts["validation"]["galaxies"] == 12
    with (tmp_path / "run" / "split.csv").open() as file:
        parts = [row["part"] for row in csv.DictReader(file)]
    assert sorted(set(parts)) == ["train", "validation"]
    assert parts.count("train") == 48


def test_metrics_are_those_of_the_last_validation(sky: Sky, tmp_path: Path) -> None:
    trained = tiny(sky, tmp_path / "run", "training.epochs=2")
    last = read_history(tmp_path / "run" / "history.csv")[-1]
    value = trained.metrics.parts["validation"]["value"]
    assert value == pytest.approx(last["validation_rmse"], rel=1e-5)


def test_best_epoch_is_kept_when_asked_for(sky: Sky, tmp_path: Path) -> None:
    trained = tiny(
        sky, tmp_path / "run", "training.keep=best", "optimizer.lr=0.05", "training.ema=0"
    )
    scores = [row["validation_rmse"] for row in read_history(tmp_path / "run" / "history.csv")]
    assert trained.metrics.kept_epoch == int(np.argmin(scores)) + 1
    assert trained.metrics.parts["validation"]["value"] == pytest.approx(min(scores), rel=1e-5)


def test_same_seed_same_figures(sky: Sky, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        tiny(sky, tmp_path / name, "training.epochs=2", seed=seed)
    assert figures(tmp_path / "a") == figures(tmp_path / "b")
    assert figures(tmp_path / "a") != figures(tmp_path / "c")


def test_training_leaves_the_users_randomness_alone(sky: Sky, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    tiny(sky, tmp_path / "run", "training.epochs=1")
    assert torch.rand(1) == expected


class Stop:
    """A progress callback that interrupts, as Ctrl-C does, when an epoch has begun."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, stage: str, done: int, total: int | None, **_: str) -> None:
        if stage == "train" and done > self.after:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    "settings",
    [
        ("training.ema=0.9", "schedule.name=one_cycle"),
        ("training.ema=0", "schedule.name=plateau", "schedule.plateau_patience=0"),
        ("training.ema=0", "schedule.name=step", "schedule.step_every=1", "optimizer.name=adam"),
        ("training.ema=0", "schedule.name=cosine", "training.early_stopping=3"),
    ],
    ids=lambda settings: settings[1],
)
def test_a_resumed_training_equals_an_uninterrupted_one(
    sky: Sky, tmp_path: Path, settings: tuple[str, ...]
) -> None:
    settings = ("optimizer.lr=0.01", "training.epochs=5", "model.dropout=0.2", *settings)
    whole = tiny(sky, tmp_path / "whole", *settings)
    handler = signal.getsignal(signal.SIGINT)
    # 48 galaxies an epoch: in the third
    with pytest.raises(TrainingInterruptedError, match="epoch 2 is safe"):
        tiny(sky, tmp_path / "run", *settings, progress=Stop(2 * 48 + 16))
    assert signal.getsignal(signal.SIGINT) is handler
    assert not (tmp_path / "run" / "metrics.json").exists()
    resumed = resume(tmp_path / "run", device="cpu", cache=sky.cache, workers=1)
    assert figures(tmp_path / "run") == figures(tmp_path / "whole")
    assert resumed.metrics.parts == whole.metrics.parts


def test_stopped_before_the_first_epoch(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(TrainingInterruptedError, match=r"--resume .* begins it again"):
        tiny(sky, tmp_path / "run", progress=Stop(0))
    resumed = resume(tmp_path / "run", device="cpu", cache=sky.cache, workers=1)
    assert resumed.metrics.epochs == 4


def test_a_kill_costs_one_epoch_at_most(sky: Sky, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "galaxyclass", "train", "fast", "--images", str(sky.images)]
    command += ["--table", str(sky.table), "--output", str(run), "--cache", str(sky.cache)]
    command += ["--device", "cpu", "--set", "training.epochs=200"]
    for setting in (*TINY[:3], TINY[4]):
        command += ["--set", setting]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as process:
        deadline = time.monotonic() + 120
        while len(read_history(run / "history.csv")) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    done = len(read_history(run / "history.csv"))
    assert done >= 4
    safe = int(read_checkpoint(run / "checkpoints" / "last.ckpt")["epoch"]) + 1
    assert safe >= done - 1


def test_early_stopping_stops(sky: Sky, tmp_path: Path) -> None:
    trained = tiny(
        sky,
        tmp_path / "run",
        "training.epochs=40",
        "training.early_stopping=2",
        "optimizer.lr=0.5",
        "optimizer.name=sgd",
        "schedule.name=constant",
        "training.ema=0",
    )
    assert trained.metrics.epochs < 40


def test_a_finished_run_is_not_resumed(sky: Sky, tmp_path: Path) -> None:
    tiny(sky, tmp_path / "run", "training.epochs=1")
    with pytest.raises(RunError, match="this training is finished"):
        resume(tmp_path / "run")


def test_changed_data_are_not_resumed(sky: Sky, tmp_path: Path) -> None:
    images = shutil.copytree(sky.images, tmp_path / "images")
    table = Path(shutil.copy(sky.table, tmp_path / "votes.csv"))
    copy = Sky(images, table, sky.cache)
    with pytest.raises(TrainingInterruptedError):
        tiny(copy, tmp_path / "run", progress=Stop(60))
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(RunError, match="have changed since it was begun"):
        resume(tmp_path / "run", cache=sky.cache, workers=1)


def test_a_used_folder_is_refused(sky: Sky, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="something here already"):
        tiny(sky, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_run_is_refused_with_how_to_go_on(sky: Sky, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(OutputError, match="train --resume"):
        tiny(sky, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{}", "damaged"), ("{", "damaged"), ('{"format": 99}', "newer version")],
)
def test_a_folder_that_is_not_quite_a_run(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "run.json").write_text(text)
    (tmp_path / "recipe.toml").write_text("")
    with pytest.raises(RunError, match=message):
        resume(tmp_path)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run"):
        resume(tmp_path)


def test_a_damaged_checkpoint(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(TrainingInterruptedError):
        tiny(sky, tmp_path / "run", progress=Stop(60))
    (tmp_path / "run" / "checkpoints" / "last.ckpt").write_bytes(b"PK nothing")
    with pytest.raises(RunError, match="the checkpoint cannot be read"):
        resume(tmp_path / "run", cache=sky.cache, workers=1)


def test_images_alone_are_nothing_to_train_on(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="nothing to train on"):
        train("fast", sky.images, output=tmp_path / "run", cache=sky.cache)


def test_a_head_that_was_asked_for_must_suit(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="does not suit a table of votes"):
        tiny(sky, tmp_path / "run", "model.head=softmax")


def test_classes_take_their_own_head_and_loss(
    sky: Sky, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = tmp_path / "classes"
    for number, path in enumerate(sorted(sky.images.iterdir())):
        target = folders / ("even" if number % 2 else "odd") / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    recipe = load_recipe("fast", [*TINY, "training.epochs=1"])
    stated = recipe.model_copy(
        update={"model": recipe.model.model_copy(update={"head": "sigmoid"})}
    )
    with caplog.at_level(logging.WARNING, "galaxyclass"):
        trained = train(stated, folders, output=tmp_path / "run", cache=sky.cache, workers=1)
    assert "model.head is softmax, not the recipe's sigmoid" in caplog.text
    assert trained.metrics.score == "accuracy"
    manifest = json.loads((tmp_path / "run" / "bundle" / "manifest.json").read_text())
    assert manifest["model"]["head"] == "softmax"
    assert manifest["outputs"]["classes"] == ["even", "odd"]


def test_invalid_galaxies_are_refused_or_left_out(sky: Sky, tmp_path: Path) -> None:
    images = shutil.copytree(sky.images, tmp_path / "images")
    broken = sorted(images.iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:200])
    copy = Sky(images, sky.table, sky.cache)
    with pytest.raises(CatalogError, match="cannot be decoded"):
        tiny(copy, tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    tiny(copy, tmp_path / "run", "training.epochs=1", skip_invalid=True)
    with (tmp_path / "run" / "left_out.csv").open() as file:
        assert [row["id"] for row in csv.DictReader(file)] == [broken.stem]
    with (tmp_path / "run" / "split.csv").open() as file:
        assert broken.stem not in [row["id"] for row in csv.DictReader(file)]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_not_there(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="cuda"):
        train("fast", sky.images, sky.table, output=tmp_path / "run", device="cuda")
    assert not (tmp_path / "run").exists()


def test_out_of_memory_names_the_setting(
    sky: Sky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")

    monkeypatch.setattr("galaxyclass.training.module.augment", exhausted)
    with pytest.raises(DeviceError, match=r"--set training\.batch_size=8"):
        tiny(sky, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_predicts_and_is_scored(sky: Sky, tmp_path: Path, name: str) -> None:
    train(
        name,
        sky.images,
        sky.table,
        output=tmp_path / "run",
        settings=["training.epochs=1", "training.batch_size=16"],
        cache=sky.cache,
        workers=1,
    )
    summary = galaxyclass.predict(tmp_path / "run", sky.images, tmp_path / "p.csv", workers=1)
    assert summary is not None
    with (tmp_path / "p.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    galaxyclass.evaluate(tmp_path / "run", sky.images, sky.table, tmp_path / "scores", workers=1)
    assert (tmp_path / "scores" / "metrics.json").exists()
