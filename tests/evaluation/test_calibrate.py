"""Calibrating a run: on which galaxies, what its bundle holds then, and what predictions gain."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from galaxyclass.calibration.files import parse_calibration
from galaxyclass.cli.main import main
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.errors import ArgumentError, RunError, ScoreError
from galaxyclass.evaluation.calibrate import calibrate
from galaxyclass.evaluation.evaluate import evaluate
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.inspect import digest_files
from galaxyclass.images.read import read_image
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.load import load_model
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.predict import predict
from galaxyclass.recipes.preprocessing import Preprocessing
from tests.support import fake
from tests.support.fake import ClassBackend

SETTINGS = Preprocessing(cutout="centre", frame=24, size=12)
COUNT, TRAINED = 260, 60


class Backend:
    """Fractions by colour, and as features the cutout's mean colours and their squares."""

    def __init__(self, inner: ClassBackend | None = None) -> None:
        self.inner = inner or fake.TreeBackend()

    def __call__(self, cutouts: NDArray[Any]) -> ModelOutput:
        mean = cutouts.mean(axis=(1, 2)) / 255
        features = np.concatenate([mean, mean**2], axis=1).astype(np.float32)
        return fake.said(self.inner.values(cutouts), (), features)


@pytest.fixture
def sky(tmp_path: Path) -> tuple[Path, Path, Path, NDArray[Any]]:
    """A run, images and votes that are off by a quarter of what another galaxy has."""
    run = tmp_path / "run"
    fake.save_run(run / "bundle")
    paths = fake.save_images(tmp_path / "sky", COUNT)
    cutouts = np.stack([make_cutout(read_image(path), SETTINGS) for path in paths])
    values = fake.TreeBackend().values(cutouts)
    votes = 0.75 * values + 0.25 * np.roll(values, 1, axis=0)
    with (tmp_path / "votes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["GalaxyID", *fake.TREE.layout("challenge").columns])
        rows = zip(paths, votes.astype(float), strict=True)
        writer.writerows([path.stem, *map(repr, row.tolist())] for path, row in rows)
    parts = ["train" if place < TRAINED else "validation" for place in range(COUNT)]
    lines = [f"{path.stem},{part}," for path, part in zip(paths, parts, strict=True)]
    (run / "split.csv").write_text("\n".join(["id,part,digest", *lines]) + "\n")
    return run, tmp_path / "sky", tmp_path / "votes.csv", votes


def test_its_intervals_hold_the_votes(
    sky: tuple[Path, Path, Path, NDArray[Any]], tmp_path: Path
) -> None:
    run, images, table, votes = sky
    before = load_bundle(run)
    calibrated = calibrate(load_model(run, backend=Backend()), images, table)
    assert calibrated.galaxies_by_part == {"validation": COUNT - TRAINED}
    assert calibrated.notes == (f"Not scored, since part of the training: {TRAINED} galaxies.",)
    bundle = load_bundle(run)
    assert bundle.manifest == calibrated.bundle.manifest
    assert bundle.weights == before.weights
    assert bundle.manifest.digest != before.manifest.digest  # predictions depend on it
    stored = parse_calibration(bundle.calibration.read_text(), "stored")
    assert stored.galaxies == COUNT - TRAINED
    assert stored.coverage == calibrated.calibration.coverage

    output = tmp_path / "p.csv"
    include = ["uncertainty", "strangeness"]
    predict(load_model(run, backend=Backend()), images, output=output, include=include)
    with output.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == COUNT
    names = fake.TREE.layout("challenge").columns
    lower, upper = (
        np.array([[float(row[f"{name}_{end}"]) for name in names] for row in rows])
        for end in ("lower", "upper")
    )
    inside = (votes >= lower - 1e-6) & (votes <= upper + 1e-6)
    assert inside[TRAINED:].mean() == pytest.approx(0.9, abs=0.03)
    assert np.mean([row["strange"] == "True" for row in rows]) < 0.03


def test_false_alarms_as_many_as_asked_for(
    sky: tuple[Path, Path, Path, NDArray[Any]], tmp_path: Path
) -> None:
    run, images, table, _ = sky
    fitted = calibrate(
        load_model(run, backend=Backend()), images, table, false_alarms=0.2
    ).calibration
    assert "About 20% of galaxies like these 200 are flagged" in fitted.notes[-1]
    assert 0.1 < flagged(run, images, tmp_path / "p.csv") < 0.3


def test_evaluate_measures_the_intervals(
    sky: tuple[Path, Path, Path, NDArray[Any]], tmp_path: Path
) -> None:
    run, images, table, _ = sky
    output = tmp_path / "scores"
    assert (
        evaluate(load_model(run, backend=Backend()), images, table, output=output).coverage is None
    )
    calibrate(load_model(run, backend=Backend()), images, table)
    coverage = evaluate(
        load_model(run, backend=Backend()), images, table, output=output, overwrite=True
    ).coverage
    assert coverage is not None
    assert coverage.overall == pytest.approx(0.9, abs=0.02)  # the galaxies of the fit
    figures = json.loads((output / "metrics.json").read_text())["interval_coverage"]
    assert figures["all"] == coverage.overall
    assert list(figures["answers"]) == list(fake.TREE.layout("challenge").columns)
    assert figures["most_uncertain_fifth_of_galaxies"] == coverage.uncertain_fifth


def test_an_image_of_another_kind_is_flagged(
    sky: tuple[Path, Path, Path, NDArray[Any]], tmp_path: Path
) -> None:
    run, images, table, _ = sky
    calibrate(load_model(run, backend=Backend()), images, table)
    other = tmp_path / "other"
    other.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(other / "noise.png")
    shutil.copy(next(images.iterdir()), other)
    output = tmp_path / "p.csv"
    predict(load_model(run, backend=Backend()), other, output=output, include=["strangeness"])
    with output.open() as file:
        flags = {row["GalaxyID"]: row["strange"] for row in csv.DictReader(file)}
    assert flags.pop("noise") == "True"
    assert list(flags.values()) == ["False"]


def of_another_survey(folder: Path, count: int) -> Path:
    """Images of another brightness than those of the sky."""
    folder.mkdir()
    rng = np.random.default_rng(7)
    for number in range(count):
        pixels = rng.integers(150, 250, (32, 32, 3)) // rng.integers(1, 3, 3)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"other{number}.png")
    return folder


def flagged(run: Path, images: Path, output: Path) -> float:
    predict(load_model(run, backend=Backend()), images, output=output, include=["strangeness"])
    with output.open() as file:
        return np.mean([row["strange"] == "True" for row in csv.DictReader(file)])


@pytest.fixture
def known_by_image(
    sky: tuple[Path, Path, Path, NDArray[Any]],
) -> tuple[Path, Path, Path, NDArray[Any]]:
    """The sky, of whose galaxies the run knows the images."""
    run, images, _, _ = sky
    lines = (run / "split.csv").read_text().splitlines()
    digests = digest_files(sorted(images.iterdir()))  # in the order of the lines
    rows = [line + digest for line, digest in zip(lines[1:], digests, strict=True)]
    (run / "split.csv").write_text("\n".join([lines[0], *rows]) + "\n")
    return sky


def test_in_distribution_images_are_not_flagged(
    known_by_image: tuple[Path, Path, Path, NDArray[Any]], tmp_path: Path
) -> None:
    run, images, table, _ = known_by_image
    other = of_another_survey(tmp_path / "other", 150)
    # Its name is that of a galaxy that was trained on; it is another one.
    name = next(path.name for path in sorted(images.iterdir()))
    (other / "other0.png").rename((other / name).with_suffix(".png"))
    (other / "broken.png").write_bytes(b"no image")
    alone = calibrate(load_model(run, backend=Backend()), images, table).calibration
    assert flagged(run, other, tmp_path / "alone.csv") > 0.5
    calibrated = calibrate(
        load_model(run, backend=Backend()), images, table, in_distribution=[other, images]
    )
    assert calibrated.calibration.out_of_distribution.galaxies == COUNT - TRAINED + 150
    assert calibrated.calibration.galaxies == COUNT - TRAINED
    assert calibrated.galaxies_by_part == {"validation": COUNT - TRAINED}
    assert calibrated.calibration.coverage == alone.coverage
    notes = " ".join((*calibrated.notes, *calibrated.calibration.notes))
    assert f"{TRAINED} that the run was trained on" in notes
    assert f"{COUNT - TRAINED} that are calibrated on already" in notes
    assert "since not decodable: 1 in-distribution image." in notes
    assert "galaxies like these 200 and 150 in-distribution images are flagged" in notes
    assert flagged(run, other, tmp_path / "both.csv") < 0.05


def test_the_command_takes_several_folders_of_in_distribution_images(
    known_by_image: tuple[Path, Path, Path, NDArray[Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, images, table, _ = known_by_image
    folders = [of_another_survey(tmp_path / name, 1) for name in ("one", "two")]
    (folders[1] / "other0.png").write_bytes(b"no image")
    arguments = ["--images", str(images), "--table", str(table)]
    code = main(
        ["calibrate", str(run), *arguments, "--in-distribution", *map(str, folders), "nowhere"]
    )
    assert (code, "nowhere: no such file or folder" in capsys.readouterr().err) == (1, True)


@pytest.mark.parametrize(
    ("which", "message"),
    [
        (
            "trained",
            "can be used(?s:.*)got:    60 that the run was trained on",
        ),
        ("broken", r"none of the images of `in_distribution` could be decoded"),
    ],
)
def test_in_distribution_images_that_cannot_be_used(
    known_by_image: tuple[Path, Path, Path, NDArray[Any]], tmp_path: Path, which: str, message: str
) -> None:
    run, images, table, _ = known_by_image
    before = load_bundle(run).manifest
    candidates: Path | list[Path] = sorted(images.iterdir())[:TRAINED]
    if which == "broken":
        (tmp_path / "broken.png").write_bytes(b"no image")
        candidates = tmp_path / "broken.png"
    with pytest.raises(RunError, match=message):
        calibrate(load_model(run, backend=Backend()), images, table, in_distribution=candidates)
    assert load_bundle(run).manifest == before


def test_without_digests_new_images_cannot_be_told(
    sky: tuple[Path, Path, Path, NDArray[Any]], tmp_path: Path
) -> None:
    run, images, table, _ = sky
    other = of_another_survey(tmp_path / "other", 50)
    with pytest.raises(RunError, match="no digests of its images"):
        calibrate(load_model(run, backend=Backend()), images, table, in_distribution=other)
    calibrated = calibrate(
        load_model(run, backend=Backend()), images, table, part="all", in_distribution=other
    )
    assert calibrated.calibration.out_of_distribution.galaxies == COUNT + 50


def test_a_second_calibration_replaces_the_first(
    sky: tuple[Path, Path, Path, NDArray[Any]],
) -> None:
    run, images, table, _ = sky
    files = []
    for level in (0.9, 0.7):
        calibrated = calibrate(load_model(run, backend=Backend()), images, table, level=level)
        assert calibrated.calibration.intervals.level == level
        files.append(calibrated.bundle.calibration)
    assert not files[0].exists()
    assert load_bundle(run).calibration == files[1]


@pytest.mark.parametrize(("keep", "expected"), [("best", True), ("last", False)])
def test_it_says_where_validation_chose_the_epoch(
    sky: tuple[Path, Path, Path, NDArray[Any]], keep: str, expected: bool
) -> None:
    run, images, table, _ = sky
    (run / "recipe.toml").write_text(f'name = "x"\n[training]\nkeep = "{keep}"\n')
    notes = calibrate(load_model(run, backend=Backend()), images, table).calibration.notes
    assert any("slightly too narrow" in note for note in notes) == expected


def test_a_run_on_classes_gets_an_out_of_distribution_score(
    sky: tuple[Path, Path, Path, NDArray[Any]], tmp_path: Path
) -> None:
    _, images, _, _ = sky
    run = tmp_path / "classes"
    fake.save_run(run / "bundle", fake.class_outputs("disc", "star"))
    paths = sorted(images.iterdir())
    rows = [f"{path.stem},{'disc' if place % 2 else 'star'}" for place, path in enumerate(paths)]
    table = tmp_path / "classes.csv"
    table.write_text("\n".join(["GalaxyID,class", *rows]) + "\n")
    backend = Backend(fake.ClassBackend(2))
    calibrated = calibrate(load_model(run, backend=backend), images, table, part="all")
    assert calibrated.calibration.intervals is None
    assert calibrated.calibration.out_of_distribution.galaxies == COUNT
    assert calibrated.galaxies_by_part == {"unknown": COUNT}


def test_too_few_galaxies_leave_the_bundle_as_it_was(
    sky: tuple[Path, Path, Path, NDArray[Any]],
) -> None:
    run, images, table, _ = sky
    before = load_bundle(run).manifest
    for path in sorted(images.iterdir())[TRAINED + 20 :]:
        path.unlink()
    with pytest.raises(ScoreError, match=r"nothing could be calibrated(?s:.*)\(20\)"):
        calibrate(load_model(run, backend=Backend()), images, table)
    assert load_bundle(run).manifest == before


@pytest.mark.parametrize("part", ["train", "some"])
def test_not_on_what_it_was_trained_on(
    sky: tuple[Path, Path, Path, NDArray[Any]], part: Any
) -> None:
    run, images, table, _ = sky
    with pytest.raises(ArgumentError, match=rf"(?s)unseen.* validation, test, all.*{part}"):
        calibrate(load_model(run, backend=Backend()), images, table, part=part)


def test_a_bundle_without_its_run(
    sky: tuple[Path, Path, Path, NDArray[Any]], tmp_path: Path
) -> None:
    run, images, table, _ = sky
    shutil.move(run / "bundle", tmp_path / "bundle")
    with pytest.raises(RunError, match="does not say which galaxies it was trained on"):
        calibrate(load_model(tmp_path / "bundle", backend=Backend()), images, table)


def test_images_that_cannot_be_decoded_are_left_out(
    sky: tuple[Path, Path, Path, NDArray[Any]],
) -> None:
    run, images, table, _ = sky
    broken = sorted(images.iterdir())[-1]
    broken.write_bytes(broken.read_bytes()[:100])
    calibrated = calibrate(
        load_model(run, backend=Backend()), Dataset(images, table, skip_invalid=True)
    )
    assert calibrated.calibration.galaxies == COUNT - TRAINED - 1
    assert "Left out, since not decodable: 1 image." in calibrated.notes


def test_the_command(
    sky: tuple[Path, Path, Path, NDArray[Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, images, table, _ = sky
    module = sys.modules["galaxyclass.model.model"]
    monkeypatch.setattr(module, "open_backend", lambda *_: Backend())
    arguments = ["calibrate", run, "--images", images, "--table", table]
    assert main(list(map(str, arguments))) == 0
    printed = capsys.readouterr().out
    assert "200 galaxies of its validation part" in printed
    assert "The intervals hold 90% of the true fractions of galaxies that are like these" in printed
    assert "  1 smooth or features   " in printed
    assert "mean width 0." in printed
    assert printed.splitlines()[-1] == f"the calibration is in {load_bundle(run).calibration}"
