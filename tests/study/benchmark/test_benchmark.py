"""`galaxyclass benchmark`, on few and small galaxies: that everything is measured, and of what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.progress import silent
from galaxyclass.simulation.folders import simulate
from galaxyclass.study.benchmark import measures
from galaxyclass.study.benchmark.galaxies import galaxies_to_measure

KEYS = {
    f"{name}_images_per_second"
    for name in (
        "train", "train_fp32", "predict", "prepare", "network", "pack", "prepare_loop", "decode"
    )
}  # fmt: skip
SMALL = ["--set", "images.size=16", "--set", "images.frame=none", "--set", "training.batch_size=16"]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sky") / "sky"
    return Path(simulate(70, output=folder, size=64, workers=1).images)


@pytest.mark.slow
def test_everything_is_measured_and_written(
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, few in (("STEPS", 4), ("PACKED", 240), ("PREDICTED", 240)):
        monkeypatch.setattr(measures, name, few)
    output = tmp_path / "speed"
    command = ["benchmark", "--images", str(images), "--count", "60", "--repeats", "1"]
    assert main([*command, *SMALL, "--output", str(output)]) == 0
    told = json.loads((output / "benchmark.json").read_text())
    assert set(told) >= KEYS
    for key in KEYS:
        low, high = told[f"{key}_spread"]
        assert 0 < low <= told[key] <= high
    assert told["images"] == 60
    assert [path.name for path in output.iterdir()] == ["benchmark.json"], "nothing else is left"
    printed = capsys.readouterr().out
    assert "predict: from files to CSV" in printed
    assert "% of a bare loop that writes nothing" in printed

    assert main([*command, *SMALL, "--output", str(output)]) == 1
    assert "exists already" in capsys.readouterr().err


def test_made_up_votes_obey_the_tree(images: Path, tmp_path: Path) -> None:
    source = galaxies_to_measure(images, None, 50, tmp_path, silent)
    assert source.table is not None
    report = galaxyclass.validate(source.images, source.table)
    assert report.ok
    assert len(report.catalog.ids.values) == 50


def test_a_folder_that_is_small_enough_is_taken_as_it_is(images: Path, tmp_path: Path) -> None:
    source = galaxies_to_measure(images, images.parent / "votes.csv", 70, tmp_path, silent)
    assert source.images == images
    assert source.table == images.parent / "votes.csv"
    assert not list(tmp_path.iterdir())


def test_a_table_alone_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "--table", "votes.csv", "--output", str(tmp_path / "x")]) == 2
    assert "--table needs --images" in capsys.readouterr().err


def test_no_such_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "x"
    assert main(["benchmark", "--images", str(tmp_path / "no"), "--output", str(output)]) == 1
    assert "no such" in capsys.readouterr().err
    assert not output.exists()
