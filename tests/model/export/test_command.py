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


def test_it_says_what_it_wrote(
    plain: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "model.onnx"
    output.touch()
    arguments = ["export", str(plain.folder), "--output", str(output)]
    assert main(arguments) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
    printed = capsys.readouterr()
    size = f"{output.stat().st_size / 1e6:.1f} MB"
    assert printed.out.startswith(f"{output}, {size}; on 16 images it differs from the run by ")
    assert len(printed.out.splitlines()) == 1
    assert len(printed.err.splitlines()) == 1  # the progress


def test_the_example_says_what_the_package_says(
    halved: Path, bundle: Bundle, galaxies: Path
) -> None:
    image = sorted((galaxies / "galaxy-zoo-challenge" / "images_test").iterdir())[0]
    done = subprocess.run(
        [sys.executable, EXAMPLE, halved, image], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 37
    assert lines[0].endswith(
        "Is the galaxy simply smooth and rounded, with no sign of a disc? smooth"
    )
    said = np.array([float(line.split()[0]) for line in lines])
    cutout = read_cutout(image, bundle.manifest.preprocessing)
    (wanted,) = open_session(halved).run(["values"], {"cutouts": cutout[None]})[0]
    assert np.abs(said - wanted).max() < 0.02  # another decoder, another way to shrink


def test_the_example_is_short_and_needs_nothing_of_ours() -> None:
    text = EXAMPLE.read_text(encoding="utf-8").split('"""')[2]
    assert "import galaxyclass" not in text
    assert "from galaxyclass" not in text
    assert len([line for line in text.splitlines() if line.strip()]) <= 30
