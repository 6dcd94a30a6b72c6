"""Numbers go the whole way: trained, combined, calibrated, exported, scored, explored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as csv
import pytest

import galaxyclass
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.training.train import train
from tests.support.sky import TINY, Sky, changed

#: Training takes a second, and each network differs by its galaxies and so by its scales.
SHORT = changed(TINY, "training.epochs=1")


@pytest.fixture(scope="module")
def numbers(small_sky: Sky) -> Dataset:
    """A mass of some 1e9 with gaps, and an index in steps, of galaxies of a small sky."""
    votes = csv.read_csv(small_sky.table)
    smooth = votes["Class1.1"].to_numpy()
    table = {
        votes.column_names[0]: votes[0],
        "size": np.where(smooth > np.median(smooth), -9.0, 1e9 * (1 + 5 * smooth)),
        "stage": np.round(4 * smooth),
        "stage_err": np.full(len(smooth), 0.5),
    }
    return Dataset(small_sky.images, table, numbers=["size", "stage"], missing={"size": -9})


@pytest.fixture(scope="module")
def runs(
    numbers: Dataset, small_sky: Sky, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Two runs on different galaxies."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        train(
            "fast",
            numbers,
            output=folder / str(seed),
            settings=SHORT,
            cache=small_sky.cache,
            device="cpu",
            workers=1,
            seed=seed,
        )
    return folder / "1", folder / "2"


def test_a_run_says_how_much_better_than_the_mean_it_is(runs: tuple[Path, Path]) -> None:
    metrics = json.loads((runs[0] / "metrics.json").read_text())
    assert metrics["score"] == "nrmse"
    validation = metrics["parts"]["validation"]
    assert 0.5 < validation["reference"] < 2
    assert validation["noise_floor"] > 0
    manifest = load_bundle(runs[0]).manifest
    assert manifest.model.head == "linear"
    assert manifest.task.to_json()["missing"] == ["size=-9"]


def test_combined_networks_keep_their_own_scales(
    runs: tuple[Path, Path], small_sky: Sky, tmp_path: Path
) -> None:
    means = [load_bundle(run).manifest.task.simplest(1)[0, 0] for run in runs]
    assert means[0] != means[1]
    galaxyclass.combine(runs, output=tmp_path / "both")
    single = [galaxyclass.load_model(run).predict(small_sky.images).values for run in runs]
    both = galaxyclass.load_model(tmp_path / "both").predict(small_sky.images).values
    np.testing.assert_allclose(both, np.mean(single, axis=0), rtol=1e-4)


def test_it_is_calibrated_exported_and_scored(
    runs: tuple[Path, Path], numbers: Dataset, tmp_path: Path
) -> None:
    copy = tmp_path / "calibrated"
    calibrated = galaxyclass.calibrate(runs[0], numbers, part="all", output=copy)
    assert calibrated.calibration.intervals is not None
    galaxyclass.export(copy, output=tmp_path / "numbers.onnx")
    exported = galaxyclass.load_model(tmp_path / "numbers.onnx")
    table = exported.predict(numbers.images, include=["uncertainty"])
    predicted = galaxyclass.load_model(runs[0]).predict(numbers.images)
    # Sizes are powers of what the network gives.
    np.testing.assert_allclose(table.values, predicted.values, rtol=1e-3)
    names = table.table.column_names
    assert names[1:] == ["size", "stage", "size_lower", "size_upper", "stage_lower", "stage_upper"]
    lower, value, upper = (table.table[name].to_numpy() for name in ("stage_lower", "stage",
                                                                     "stage_upper"))  # fmt: skip
    assert (lower <= value).all()
    assert (value <= upper).all()
    assert (lower >= 0).all()
    evaluation = galaxyclass.evaluate(
        tmp_path / "numbers.onnx",
        numbers.images,
        numbers.table,  # the model says which columns, and what is missing
        part="all",
        output=tmp_path / "scores",
    )
    figures = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert figures["columns"]["stage"]["galaxies"] == 60
    assert figures["columns"]["size"]["galaxies"] < 60
    assert figures["noise_floor"]["columns"]["stage"] == pytest.approx(0.5)
    assert set(figures["interval_coverage"]["numbers"]) == {"size", "stage"}
    assert evaluation.coverage is not None
    assert evaluation.coverage.overall > 0.8
    assert "R²" in evaluation.task.print_report(evaluation.report).table.header


def test_baselines_and_the_page_are_of_numbers(
    numbers: Dataset, small_sky: Sky, tmp_path: Path
) -> None:
    baselines = galaxyclass.baseline(numbers, output=tmp_path / "base", cache=small_sky.cache)
    scores = {each.key: each.overall.value for each in baselines.scores}
    assert scores["mean"] == pytest.approx(1, abs=0.5)
    assert set(scores) == {"mean", "median", "mean_colour", "central_pixel",
                           "central_pixel_benchmark"}  # fmt: skip
    galaxyclass.explore(numbers, output=tmp_path / "page")
    assert (tmp_path / "page" / "distributions.png").exists()
    assert "stage" in (tmp_path / "page" / "summary.csv").read_text()
