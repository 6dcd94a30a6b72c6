"""``galaxyclass export`` as it is typed, and what others do with the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from galaxyclass.cli.main import main
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.onnx_file import open_session

EXAMPLE = Path(__file__).parents[3] / "examples" / "predict_with_onnxruntime.py"


@pytest.fixture(scope="module")
def exported(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("exported") / "model.onnx"
    assert main(["export", str(bundle.folder), "--output", str(output), "--bits", "16"]) == 0
    return output


def test_it_says_what_it_wrote(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "model.onnx"
    assert main(["export", str(bundle.folder), "--output", str(output)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{output}, 9.7 MB; on 16 images it differs from the run by ")
    assert len(said.out.splitlines()) == 1
    assert len(said.err.splitlines()) == 1  # the progress


def test_an_output_that_exists(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "model.onnx"
    output.touch()
    assert main(["export", str(bundle.folder), "--output", str(output)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main(["export", str(bundle.folder), "--output", str(output), "--overwrite"]) == 0


def test_the_example_says_what_the_package_says(
    exported: Path, bundle: Bundle, galaxies: Path
) -> None:
    image = sorted((galaxies / "galaxy-zoo-challenge" / "images_test").iterdir())[0]
    done = subprocess.run(
        [sys.executable, EXAMPLE, exported, image], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 37
    assert lines[0].endswith(
        "Is the galaxy simply smooth and rounded, with no sign of a disc? smooth"
    )
    said = np.array([float(line.split()[0]) for line in lines])
    cutout = read_cutout(image, bundle.manifest.preprocessing)
    (wanted,) = open_session(exported).run(["values"], {"cutouts": cutout[None]})[0]
    assert np.abs(said - wanted).max() < 0.02  # another decoder, another way to shrink


def test_the_example_is_short_and_needs_nothing_of_ours() -> None:
    text = EXAMPLE.read_text(encoding="utf-8").split('"""')[2]
    assert "import galaxyclass" not in text
    assert "from galaxyclass" not in text
    assert len([line for line in text.splitlines() if line.strip()]) <= 30
