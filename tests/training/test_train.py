"""Whole trainings on a small sky: what they leave behind, and how they go on."""

from __future__ import annotations

import csv
import json
import logging
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from lightning.pytorch import Callback
from PIL import Image
from torch.optim.swa_utils import AveragedModel

import galaxyclass
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.errors import (
    CatalogError,
    DeviceError,
    OutputError,
    RecipeError,
    RunError,
    TrainingInterruptedError,
)
from galaxyclass.io import run_folder
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.options import InferenceOptions
from galaxyclass.recipes.read import RECIPES, load_recipe, recipe_toml
from galaxyclass.training import fit
from galaxyclass.training.history import Row, read_history
from galaxyclass.training.kept_epochs import moving_average
from galaxyclass.training.run import read_run
from galaxyclass.training.train import resume, train
from tests.support.sky import TINY, Sky, changed


def tiny(
    sky: Sky,
    output: Path,
    *settings: str,
    data: Mapping[str, Any] | None = None,
    **options: Any,
) -> galaxyclass.Trained:
    """Train the recipe `fast`, made tiny; `data` goes to the data set, other options to `train`."""
    return train(
        "fast",
        Dataset(sky.images, sky.table, **(data or {})),
        output=output,
        settings=changed(TINY, *settings),
        cache=sky.cache,
        device="cpu",
        workers=1,
        **options,
    )


def figures(folder: Path) -> list[Row]:
    """The history without what depends on the clock."""
    rows = read_history(folder / run_folder.HISTORY)
    return [
        {name: row[name] for name in row if name not in ("seconds", "images_per_second")}
        for row in rows
    ]


@pytest.mark.draws
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
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
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
    with (tmp_path / "run" / "split.csv").open() as file:
        held = {row["id"] for row in csv.DictReader(file) if row["part"] == "validation"}
    with sky.table.open() as file:
        votes = [list(row.values()) for row in csv.DictReader(file)]
    shares = np.array([row[1:] for row in votes if row[0] in held], dtype=np.float64)
    floor = np.sqrt(np.mean(shares * (1 - shares) / 39))
    assert trained.metrics.parts["validation"]["noise_floor"] == pytest.approx(floor, rel=1e-4)
    assert "noise_floor" not in trained.metrics.parts["train"]


def test_statistics_of_batch_normalisation_keep_up_in_a_short_training(
    sky: Sky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve steps, after which the statistics were still of the first."""
    quick = tiny(sky, tmp_path / "quick").metrics.parts["train"]["value"]
    monkeypatch.setattr(fit, "BatchNormMomentum", Callback)
    usual = tiny(sky, tmp_path / "usual").metrics.parts["train"]["value"]
    assert quick < 0.97 * usual


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


def test_a_training_that_was_killed_as_it_began_is_told_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").write_text(recipe_toml(load_recipe("fast")))
    with pytest.raises(RunError, match=r"but a recipe\.toml alone") as caught:
        galaxyclass.resume(tmp_path / "run")
    call = f"galaxyclass.train(…, output={str(tmp_path / 'run')!r})"
    assert call in (caught.value.hint or "")


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


@pytest.mark.draws  # what there is of a stopped one, too
def test_the_same_call_goes_on(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(TrainingInterruptedError):
        tiny(sky, tmp_path / "run", progress=Stop(2 * 48 + 16))
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    began = (tmp_path / "run" / "run.json").stat().st_mtime_ns
    with pytest.raises(OutputError, match=r"a run here already(?s:.*)galaxyclass\.resume"):
        tiny(sky, tmp_path / "run", "model.dropout=0.3")
    with pytest.raises(OutputError, match="a run here already"):
        tiny(sky, tmp_path / "run", seed=1)
    trained = tiny(sky, tmp_path / "run")
    assert (tmp_path / "run" / "run.json").stat().st_mtime_ns == began  # not begun again
    whole = tiny(sky, tmp_path / "whole")
    assert figures(tmp_path / "run") == figures(tmp_path / "whole")
    assert trained.metrics.parts == whole.metrics.parts


def test_a_run_that_was_moved_remembers_its_best_epoch(sky: Sky, tmp_path: Path) -> None:
    settings = ("training.keep=best", "training.epochs=5", "optimizer.lr=0.05", "training.ema=0")
    whole = tiny(sky, tmp_path / "whole", *settings)
    with pytest.raises(TrainingInterruptedError):
        tiny(sky, tmp_path / "run", *settings, progress=Stop(3 * 48 + 16))
    (tmp_path / "run").rename(tmp_path / "moved")
    resumed = resume(tmp_path / "moved", cache=sky.cache, workers=1)
    assert resumed.metrics.kept_epoch == whole.metrics.kept_epoch
    assert resumed.metrics.parts == whole.metrics.parts


def test_a_run_that_had_stopped_early_is_not_trained_further(
    sky: Sky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (
        "training.epochs=40",
        "training.early_stopping=2",
        "optimizer.lr=0.5",
        "optimizer.name=sgd",
        "schedule.name=constant",
        "training.ema=0",
    )
    whole = tiny(sky, tmp_path / "whole", *settings)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("galaxyclass.training.train.save_bundle", killed)
        with pytest.raises(KeyboardInterrupt):
            tiny(sky, tmp_path / "run", *settings)
    resumed = resume(tmp_path / "run", cache=sky.cache, workers=1)
    assert resumed.metrics.epochs == whole.metrics.epochs < 40
    assert resumed.metrics.parts == whole.metrics.parts


def test_a_short_training_is_not_averaged_with_its_beginning() -> None:
    weights = torch.nn.Linear(1, 1, bias=False)
    average = moving_average(0.999)
    fixed = AveragedModel(weights, multi_avg_fn=average._kwargs["multi_avg_fn"])
    with torch.no_grad():
        for value in [100.0] + [1.0] * 60:
            weights.weight.fill_(value)
            fixed.update_parameters(weights)
    # a plain average of decay 0.999 would still be above 90
    assert fixed.module.get_parameter("weight").item() == pytest.approx(1.0, abs=0.1)


def test_stopped_before_the_first_epoch(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(TrainingInterruptedError, match=r"galaxyclass\.resume.* begins it again"):
        tiny(sky, tmp_path / "run", progress=Stop(0))
    resumed = resume(tmp_path / "run", device="cpu", cache=sky.cache, workers=1)
    assert resumed.metrics.epochs == 4


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
    table.unlink()
    with pytest.raises(RunError, match=r"(?s)not there any more.*nothing at .*votes\.csv"):
        resume(tmp_path / "run", cache=sky.cache, workers=1)


def test_a_used_folder_is_refused(sky: Sky, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="something here already"):
        tiny(sky, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_with_nothing_but_a_recipe_is_free(sky: Sky, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.toml").write_text("left by a kill of an older version", encoding="utf-8")
    tiny(sky, run, "training.epochs=1")
    recipe, _ = read_run(run)
    assert recipe.training.epochs == 1


def test_a_recipe_of_the_users_own_is_not_replaced(tmp_path: Path, sky: Sky) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("# mine", encoding="utf-8")
    with pytest.raises(OutputError, match="something here already"):
        train(recipe, sky.images, sky.table, output=tmp_path)
    assert recipe.read_text(encoding="utf-8") == "# mine"


def test_weights_that_do_not_fit_are_refused_before_images_are_packed(
    sky: Sky, tmp_path: Path
) -> None:
    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(RecipeError, match="does not fit the encoder"):
        train(
            "fast",
            sky.images,
            sky.table,
            output=tmp_path / "run",
            settings=changed(TINY, f"model.weights={tmp_path / 'other.pth'}"),
            cache=tmp_path / "cache",
            workers=1,
        )
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "run").exists()


def test_a_run_is_refused_with_how_to_go_on(sky: Sky, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(OutputError, match=r"galaxyclass\.resume"):
        tiny(sky, tmp_path)
    (tmp_path / "metrics.json").write_text("{}")  # finished: there is nothing to go on with
    with pytest.raises(OutputError, match=r"a run here already\n  hint:   choose another"):
        tiny(sky, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "damaged"),
        ("{", "damaged"),
        ('{"format": 99}', "newer version"),
        ('{"format": 1}', "older version"),
    ],
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
    path = tmp_path / "run" / "checkpoints" / "last.ckpt"
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1  # of a weight, which is as good a number as before
    for damaged, told in ((b"PK nothing", ""), (bytes(whole), "other bytes than were written")):
        path.write_bytes(damaged)
        with pytest.raises(RunError, match="the checkpoint cannot be read") as caught:
            resume(tmp_path / "run", cache=sky.cache, workers=1)
        assert told in str(caught.value)


def test_images_alone_are_nothing_to_train_on(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="nothing to train on"):
        train("fast", sky.images, output=tmp_path / "run", cache=sky.cache)


def test_a_network_that_cannot_be_built_leaves_nothing(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no encoder 'resnet1888'"):
        tiny(sky, tmp_path / "run", "model.width=1", "model.encoder=resnet1888")
    assert not (tmp_path / "run").exists()


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
    recipe = load_recipe("fast", changed(TINY, "training.epochs=1"))
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
    tiny(copy, tmp_path / "run", "training.epochs=1", data={"skip_invalid": True})
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
    with pytest.raises(DeviceError, match=r"`training\.batch_size=8`"):
        tiny(sky, tmp_path / "run")


#: What makes a recipe's test affordable; the notebook's network takes no smaller cutout.
SMALL = ("images.size=32", "images.frame=none", "split.validation=0.2")
#: Of the others that train the same network.
LIGHTER = {"resnet34-focal": ("model.encoder=resnet10",)}


#: The networks of these are those of resnet18 and resnet34-focal with other numbers of blocks.
DEEPER = ("resnet34", "resnet50", "resnet101", "resnet152")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.thorough if name in DEEPER else ()) for name in RECIPES],
)
def test_every_recipe_trains_predicts_and_is_scored(sky: Sky, tmp_path: Path, name: str) -> None:
    of_classes = load_recipe(name).model.head == "softmax"
    trained = train(
        name,
        Dataset(sky.images, sky.table, classes="argmax:1" if of_classes else None),
        output=tmp_path / "run",
        settings=[
            "training.epochs=1",
            "training.batch_size=16",
            "split.test=0",
            *(SMALL if name != "notebook" else ()),
            *LIGHTER.get(name, ()),
        ],
        cache=sky.cache,
        device="cpu",
        workers=1,
    )
    manifest = load_bundle(trained.folder).manifest
    assert manifest.model.head == load_recipe(name).model.head or name in ("fast", "best")
    galaxyclass.predict(
        trained.folder, sky.images, output=tmp_path / "p.csv", options=InferenceOptions(workers=1)
    )
    with (tmp_path / "p.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    columns = ["smooth", "features_or_disc", "class"] if of_classes else ["Class1.1", "Class11.6"]
    assert set(columns) <= set(rows[0])
    galaxyclass.evaluate(
        trained.folder,
        sky.images,
        sky.table,
        output=tmp_path / "scores",
        options=InferenceOptions(workers=1),
    )
    found = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert found


def test_a_mirror_swaps_the_classes_that_it_turns_into_each_other(tmp_path: Path) -> None:
    """Galaxies that are bright on the left, and others on the right: a mirror makes one the other.

    Learnt with mirrors and without swapping, nothing can tell them apart.
    """
    rng = np.random.default_rng(2)
    for label, columns in (("left", slice(2, 7)), ("right", slice(9, 14))):
        folder = tmp_path / "images" / label
        folder.mkdir(parents=True)
        for number in range(40):
            picture = rng.integers(0, 60, (16, 16, 3)).astype(np.uint8)
            picture[3:13, columns] += 150
            Image.fromarray(picture).save(folder / f"{label}{number}.png")
    accuracy = {}
    for name, pairs in (("swapped", ["left:right"]), ("as_it_is", [])):
        trained = train(
            "fast",
            tmp_path / "images",
            output=tmp_path / name,
            settings=changed(
                TINY,
                "training.epochs=12",
                "training.ema=0",
                "augmentation.flip=horizontal",
                "augmentation.rotation=0",
                f"augmentation.mirror_pairs={pairs}",
            ),
            cache=tmp_path / "cache",
            device="cpu",
            workers=1,
        )
        # on mirrored and unmirrored pictures alike
        rows = read_history(trained.folder / run_folder.HISTORY)[-4:]
        accuracy[name] = np.mean([row["train_accuracy"] for row in rows])
    assert accuracy["swapped"] > 0.95
    assert accuracy["as_it_is"] < 0.75


def test_pairs_of_classes_that_the_table_lacks(sky: Sky, tmp_path: Path) -> None:
    leading = {"classes": "argmax:1"}
    with pytest.raises(RecipeError, match="'s:z' is not a pair of classes"):
        tiny(sky, tmp_path / "run", "augmentation.mirror_pairs=['s:z']", data=leading)
    assert not (tmp_path / "run").exists()


def test_an_encoder_to_which_mirror_images_are_the_same_learns_no_pairs(
    sky: Sky, tmp_path: Path
) -> None:
    leading = {"classes": "argmax:1"}
    pairs = "augmentation.mirror_pairs=['smooth:star_or_artifact']"
    with pytest.raises(RecipeError, match="a galaxy and its mirror image are the same"):
        tiny(sky, tmp_path / "run", "model.encoder=equivariant", pairs, data=leading)


def test_several_tables_are_learnt_together_and_resumed(sky: Sky, tmp_path: Path) -> None:
    names = sorted(path.stem for path in sky.images.iterdir())
    text = "id,kind\n" + "".join(
        f"{name},{'disc' if place % 2 else 'ball'}\n" for place, name in enumerate(names)
    )
    (tmp_path / "kinds.csv").write_text(text)
    also = {"also": [(sky.images, tmp_path / "kinds.csv")]}
    whole = tiny(sky, tmp_path / "whole", "training.epochs=2", data=also)
    manifest = load_bundle(whole.folder).manifest
    assert [one.class_names for one in manifest.auxiliary] == [("ball", "disc")]
    assert json.loads((whole.folder / "run.json").read_text())["galaxies"]["also"] == 48
    # The auxiliary classes pull at the encoder: without their weight the votes are others.
    alone = tiny(
        sky, tmp_path / "alone", "training.epochs=2", "training.auxiliary_weight=0", data=also
    )
    assert figures(alone.folder) != figures(whole.folder)
    # Killed before its end, it goes on to the same figures.
    shutil.copytree(whole.folder, tmp_path / "again")
    for name in ("metrics.json", "checkpoints/last.ckpt", "history.csv"):
        (tmp_path / "again" / name).unlink()
    resume(tmp_path / "again", cache=sky.cache, workers=1)
    assert figures(tmp_path / "again") == figures(whole.folder)


def test_a_training_on_a_table_in_memory_can_be_resumed(sky: Sky, tmp_path: Path) -> None:
    frame = pd.read_csv(sky.table)
    kinds = pl.DataFrame({"id": frame["GalaxyID"], "kind": ["disc", "ball"] * 30})
    shared: dict[str, Any] = {"cache": sky.cache, "workers": 1}
    given: dict[str, Any] = {
        **shared,
        "settings": changed(TINY, "training.epochs=2"),
        "device": "cpu",
    }
    whole = train(
        "fast",
        Dataset(sky.images, frame, also=[(sky.images, kinds)]),
        output=tmp_path / "a",
        **given,
    )
    data = json.loads((whole.folder / "run.json").read_text())["data"]
    assert data["table"] == str(whole.folder / "table.parquet")
    assert data["also"][0]["table"] == str(whole.folder / "table_2.parquet")
    # The same galaxies as from the file, to the last digit.
    assert read_run(whole.folder)[1].dataset.as_read.ids.values.tolist() == list(
        Dataset(sky.images, sky.table).as_read.ids.values
    )
    before = figures(whole.folder)
    for name in ("metrics.json", "checkpoints/last.ckpt", "history.csv"):
        (whole.folder / name).unlink()
    assert resume(whole.folder, **shared).metrics.parts == whole.metrics.parts
    assert figures(whole.folder) == before


def test_what_is_refused_leaves_no_table(sky: Sky, tmp_path: Path) -> None:
    frame = pd.read_csv(sky.table)
    with pytest.raises(RecipeError, match="does not suit"):
        train(
            "fast",
            sky.images,
            frame,
            output=tmp_path / "run",
            settings=changed(TINY, "model.head=softmax"),
            cache=sky.cache,
            workers=1,
        )
    assert not (tmp_path / "run").exists()
