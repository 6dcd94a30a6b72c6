"""`validate` and its command on drawn images and on the real tables."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from galaxyclass.cli.main import main
from galaxyclass.data.checks.findings import FINDING_KINDS
from galaxyclass.data.checks.validate import validate


def draw(path: Path, seed: int, size: int = 32) -> Path:
    """A picture of noise, different for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def sky(tmp_path: Path) -> Path:
    """Twelve sound galaxies of two classes, ``images/`` and ``labels.csv``."""
    rows = ["GalaxyID,class"]
    for number in range(1, 13):
        draw(tmp_path / "images" / f"{number}.{'png' if number % 3 else 'jpg'}", number)
        rows.append(f"{number},{'spiral' if number % 2 else 'smooth'}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def spoil(sky: Path) -> None:
    """A truncated JPEG, text named .jpg, a copy, an image gone, a row twice."""
    images = sky / "images"
    (images / "3.jpg").write_bytes((images / "3.jpg").read_bytes()[:400])
    (images / "6.jpg").write_text("I am not an image")
    shutil.copy(images / "1.png", images / "2.png")
    (images / "4.png").unlink()
    with (sky / "labels.csv").open("a") as table:
        table.write("5,smooth\n")


SPOILT = {
    ("duplicate_id", 14, "5"),
    ("image_missing", 5, "4"),
    ("image_undecodable", 4, "3"),
    ("image_undecodable", 7, "6"),
    ("identical_images", 3, "2"),
}


def test_a_sound_folder(sky: Path) -> None:
    report = validate(sky / "images", sky / "labels.csv", workers=1)
    assert report.ok
    assert list(report.counts) == ["class_imbalance", "few_galaxies"]
    assert report.target() == {"kind": "class", "column": "class", "classes": ["smooth", "spiral"]}


def test_everything_that_is_wrong_at_once(sky: Path) -> None:
    spoil(sky)
    report = validate(sky / "images", sky / "labels.csv", workers=2)
    assert not report.ok
    assert {(finding.code, finding.row, finding.id) for finding in report.errors} == SPOILT
    text = next(finding for finding in report.errors if finding.id == "6").message
    assert "not an image" in text


def test_progress_tells_how_far(sky: Path) -> None:
    calls: list[tuple[str, int, int | None]] = []

    def watch(stage: str, done: int, total: int | None, **_: object) -> None:
        calls.append((stage, done, total))

    validate(sky / "images", sky / "labels.csv", workers=1, progress=watch)
    assert calls[-1][1:] == (12, 12)


def test_the_command_on_a_sound_folder(sky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["validate", "--images", str(sky / "images"), "--table", str(sky / "labels.csv")])
    output = capsys.readouterr().out
    assert code == 0
    assert "12 galaxies, 12 with image" in output
    assert "id      GalaxyID, for instance 1" in output
    assert "column 'class', 2 classes: smooth, spiral" in output
    assert output.endswith(
        "0 errors, 2 notes: ready for `galaxyclass finetune`; for `galaxyclass train` better 200 "
        "galaxies or more\n"
    )


def test_three_galaxies_are_not_ready(sky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (sky / "labels.csv").read_text().splitlines()
    (sky / "few.csv").write_text("\n".join(lines[:4]))
    main(["validate", "--images", str(sky / "images"), "--table", str(sky / "few.csv")])
    output = capsys.readouterr().out
    assert "too few galaxies for a training; label 10 at the least, better 50" in output
    assert "ready" not in output.splitlines()[-1]


def test_the_command_on_a_spoilt_folder(sky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(sky)
    code = main(["validate", "--images", str(sky / "images"), "--table", str(sky / "labels.csv")])
    output = capsys.readouterr().out
    assert code == 1
    for kind in ("duplicate_id", "image_missing", "image_undecodable", "identical_images"):
        assert f"error: {FINDING_KINDS[kind].title}\n" in output
    assert "labels.csv, line 5, GalaxyID 4: no image of this name in" in output
    assert output.endswith("5 errors, 2 notes: not ready for training\n")


def test_machines_get_json(sky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(sky)
    code = main(
        ["validate", "--images", str(sky / "images"), "--table", str(sky / "labels.csv"), "--json"]
    )
    data = json.loads(capsys.readouterr().out)
    assert code == 1
    assert data["ok"] is False
    assert data["counts"]["image_undecodable"] == 2
    errors = [finding for finding in data["findings"] if finding["severity"] == "error"]
    assert {(finding["code"], finding["row"], finding["id"]) for finding in errors} == SPOILT
    assert data["galaxies"] == 13
    assert data["galaxies_with_image"] == 12
    assert data["target"]["column"] == "class"


def test_five_examples_of_a_kind_or_all(sky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, 9):
        (sky / "images" / f"{number}.{'png' if number % 3 else 'jpg'}").unlink()
    arguments = ["validate", "--images", str(sky / "images"), "--table", str(sky / "labels.csv")]
    main(arguments)
    short = capsys.readouterr().out
    assert short.count("no image of this name") == 5
    assert "and 3 more (--all shows them)" in short
    main([*arguments, "--all"])
    assert capsys.readouterr().out.count("no image of this name") == 8


def test_one_folder_per_class(sky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, kind in (("1.png", "spiral"), ("2.png", "smooth")):
        (sky / "classes" / kind).mkdir(parents=True)
        shutil.copy(sky / "images" / name, sky / "classes" / kind / name)
    assert main(["validate", "--images", str(sky / "classes")]) == 0
    assert "2 classes: smooth, spiral" in capsys.readouterr().out


def test_images_alone(sky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--images", str(sky / "images")]) == 0
    assert capsys.readouterr().out.endswith("2 notes: the images are valid\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--table", "none.csv"], "none.csv: no such table"),
        (["--table", "images"], "a folder was given as the table"),
        (["--table", "labels.csv", "--id", "galaxyid"], "did you mean --id GalaxyID?"),
        (["--table", "labels.csv", "--target", "colour"], "no column 'colour'"),
    ],
)
def test_what_cannot_be_understood(
    sky: Path,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(sky)
    assert main(["validate", "--images", "images", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--help"]) == 0
    assert "galaxyclass validate --images sky/images --table sky/votes.csv" in (
        capsys.readouterr().out
    )


@pytest.mark.galaxies
@pytest.mark.parametrize(
    ("folder", "table", "notes"),
    [
        ("galaxy-zoo-2", "votes.csv", {"votes_unasked", "votes_unknown", "rare_answers"}),
        ("galaxy-zoo-2", "hart16.csv", {"votes_unasked", "votes_unknown", "rare_answers"}),
        ("galaxy-zoo-1", "labels.csv", {"classes_unknown"}),
        ("rings", "labels.csv", set()),
    ],
)
def test_real_galaxies_have_no_errors(
    folder: str, table: str, notes: set[str], galaxies: Path
) -> None:
    report = validate(galaxies / folder / "images", galaxies / folder / table, workers=2)
    assert report.errors == ()
    assert set(report.counts) == notes
