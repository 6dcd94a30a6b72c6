"""Several labellings of one task: each has a last layer of its own, and can be asked for."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.errors import BundleError
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.networks.network import Network
from galaxyclass.recipes.read import load_recipe
from galaxyclass.training.combine import combine, save_ensemble
from galaxyclass.training.folds import train_folds
from galaxyclass.training.module import GalaxyModule
from galaxyclass.training.train import Trained, train
from tests.support.fake import class_outputs, save_run, vote_outputs
from tests.support.sky import TINY, Sky, changed

SETTINGS = changed(TINY, "training.ema=0", "optimizer.lr=0.01")


def answers(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [row[0] for row in rows], np.array([row[1:] for row in rows], dtype=float)


@pytest.fixture(scope="module")
def smoother(sky: Sky, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The votes on the same images, all of them smooth and round by another's account."""
    path = tmp_path_factory.mktemp("labels") / "smoother.csv"
    with sky.table.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    share = {"Class1.1": 1.0, "Class7.1": 1.0, "Class6.2": 1.0}
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([row[0], *(share.get(name, 0.0) for name in header[1:])] for row in rows)
    return path


@pytest.fixture(scope="module")
def data(sky: Sky, smoother: Path) -> Dataset:
    also = Dataset(sky.images, smoother, labelling="smoother")
    return Dataset(sky.images, sky.table, also=also)


@pytest.fixture(scope="module")
def trained(sky: Sky, data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(
        "fast",
        data,
        output=tmp_path_factory.mktemp("runs") / "two",
        settings=SETTINGS,
        cache=sky.cache,
        device="cpu",
        workers=1,
    )


def test_a_labelling_does_not_change_the_answers_of_another(
    trained: Trained, sky: Sky, smoother: Path
) -> None:
    model = galaxyclass.load_model(trained.folder, workers=1)
    assert model.labellings == ("smoother",)
    own = model.predict(sky.images)
    other = galaxyclass.load_model(trained.folder, workers=1, labelling="smoother")
    assert "smoother" in repr(other)
    labelled = other.predict(sky.images)
    assert own.table.column_names == labelled.table.column_names
    first = {name: own.table[name].to_numpy() for name in ("Class1.1", "Class7.1")}
    second = {name: labelled.table[name].to_numpy() for name in first}
    votes = dict(zip(*answers(sky.table), strict=True))
    truth = np.mean([votes[str(name)][0] for name in own.ids])
    assert abs(first["Class1.1"].mean() - truth) < 0.2
    assert second["Class1.1"].min() > 0.8
    assert second["Class1.1"].mean() > first["Class1.1"].mean() + 0.2


def test_a_table_is_scored_in_its_labelling(
    trained: Trained, sky: Sky, smoother: Path, tmp_path: Path
) -> None:
    calibrated = galaxyclass.calibrate(
        trained.folder, sky.images, sky.table, part="all", output=tmp_path / "calibrated"
    )
    own, labelled = (
        galaxyclass.evaluate(
            calibrated.bundle.folder,
            sky.images,
            smoother,
            output=tmp_path / str(labelling),
            options=galaxyclass.InferenceOptions(labelling=labelling, workers=1),
        )
        for labelling in (None, "smoother")
    )
    assert labelled.scores.main.value < own.scores.main.value / 2
    assert "Predicted in the labelling 'smoother'." in labelled.notes
    assert own.coverage is not None
    assert labelled.coverage is None
    assert any("intervals are those of its own labelling" in note for note in labelled.notes)
    assert any("pass `labelling='smoother'`" in note for note in own.notes)
    assert not any("pass `labelling" in note for note in labelled.notes)
    scored = json.loads((tmp_path / "smoother" / "metrics.json").read_text())["scored"]
    assert scored["labelling"] == "smoother"


def test_what_was_exported_and_combined_has_the_labellings(
    trained: Trained, sky: Sky, tmp_path: Path
) -> None:
    wanted = galaxyclass.load_model(trained.folder, workers=1, labelling="smoother")
    values = wanted.predict(sky.images).values
    both = save_ensemble(tmp_path / "both", 2 * [galaxyclass.load_bundle(trained.folder)]).folder
    exported = galaxyclass.load_model(trained.folder).export(output=tmp_path / "m.onnx").output
    for source in (both, exported):
        model = galaxyclass.load_model(source, workers=1, labelling="smoother", precision="fp32")
        np.testing.assert_allclose(model.predict(sky.images).values, values, atol=1e-4)


def test_what_a_model_has_not_learnt_is_refused(trained: Trained, sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"labelling 'rounder'(?s:.*)wanted: one of 'smoother'"):
        galaxyclass.load_model(trained.folder, labelling="rounder")
    with pytest.raises(BundleError, match="learnt a single one"):
        galaxyclass.load_model(save_run(tmp_path / "one"), labelling="smoother")
    model = galaxyclass.load_model(trained.folder, labelling="smoother")
    with pytest.raises(BundleError, match="intervals of its own labelling alone"):
        model.predict(sky.images, include=["uncertainty"])
    with pytest.raises(BundleError, match="cannot export one labelling"):
        model.export(output=tmp_path / "m.onnx")
    with pytest.raises(BundleError, match="cannot calibrate one labelling"):
        model.calibrate(sky.images, sky.table)
    with pytest.raises(BundleError, match="cannot combine one labelling"):
        combine([model, model], output=tmp_path / "both")


def test_the_commands_take_a_labelling(
    sky: Sky, smoother: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "fast", "--images", str(sky.images), "--table", str(sky.table)]
    command += ["--also-labelling", "smoother", str(sky.images), str(smoother)]
    command += ["--output", str(tmp_path / "run"), "--cache", str(sky.cache), "--workers", "1"]
    settings = [word for text in changed(SETTINGS, "training.epochs=1") for word in ("--set", text)]
    assert main([*command, *settings]) == 0
    predict = ["predict", str(tmp_path / "run"), "--images", str(sky.images), "--workers", "1"]
    for name, labelling in (("own", []), ("smoother", ["--labelling", "smoother"])):
        assert main([*predict, "--output", str(tmp_path / f"{name}.csv"), *labelling]) == 0
    own, labelled = (answers(tmp_path / f"{name}.csv")[1] for name in ("own", "smoother"))
    assert np.abs(own - labelled).max() > 0.01
    capsys.readouterr()
    assert main([*predict, "--output", str(tmp_path / "c.csv"), "--labelling", "rounder"]) == 1
    assert "leave --labelling out" in capsys.readouterr().err


def test_a_table_out_of_fold_is_in_its_labelling(sky: Sky, data: Dataset, tmp_path: Path) -> None:
    folds = train_folds(
        "fast",
        data,
        folds=2,
        output=tmp_path / "two",
        settings=changed(SETTINGS, "training.epochs=2"),
        cache=sky.cache,
        device="cpu",
        workers=1,
    )
    own, labelled = (answers(path)[1] for path in folds.tables)
    assert labelled[:, 0].mean() > own[:, 0].mean() + 0.05
    # The networks are taught a galaxy in neither labelling.
    with (folds.runs[0] / "split.csv").open() as file:
        rows = list(csv.DictReader(file))
    parts = {table: {row["id"] for row in rows if row["table"] == table} for table in "12"}
    left_out = {
        table: {row["id"] for row in rows if row["table"] == table and row["part"] == "out_of_fold"}
        for table in "12"
    }
    assert parts["1"] == parts["2"]
    assert left_out["1"] == left_out["2"]
    assert len(left_out["1"]) == 24


def test_the_last_layer_of_a_labelling_begins_as_the_task_s_own() -> None:
    recipe = load_recipe("fast", ["images.size=16", "model.head=tree"])
    task = vote_outputs()
    tasks = [class_outputs("disc", "ball"), task.labelled("other")]
    network = Network(recipe.model, recipe.images, task, tasks).eval()
    cutouts = torch.randint(0, 255, (3, 16, 16, 3), dtype=torch.uint8)
    output = network.estimate(cutouts)
    classes, labelled = output.auxiliary
    assert classes.shape == (3, 2)
    torch.testing.assert_close(labelled, output.values)
    assert network.auxiliary[1].weight is not network.last.weight


def test_a_vote_counts_the_same_in_every_labelling() -> None:
    recipe = load_recipe("fast", ["images.size=16", "model.head=tree", "training.loss=mse"])
    task = vote_outputs()
    module = GalaxyModule(recipe, task, [task.labelled("other")], seed=0, steps_per_epoch=1).eval()
    images = torch.rand(4, 3, 16, 16)
    generator = torch.Generator().manual_seed(1)
    own, other = (torch.rand(4, 37, generator=generator) for _ in range(2))
    own[1:] = torch.nan
    other[0, 5:] = torch.nan
    loss, predictions = module.losses(images, own, (other,))
    # Both layers are still equal: the mean over all known votes.
    errors = torch.cat([(predictions - own).ravel(), (predictions - other).ravel()])
    known = errors[~errors.isnan()]
    assert len(known) == 37 + 3 * 37 + 5
    torch.testing.assert_close(loss, known.square().mean())


def test_a_labelling_is_kept_in_the_manifest(trained: Trained) -> None:
    bundle = load_bundle(trained.folder)
    (other,) = bundle.manifest.auxiliary
    assert (bundle.manifest.task.labelling, other.labelling) == ("", "smoother")
    assert other == other.labelled("smoother")
    assert other.identity != other.labelled("").identity
