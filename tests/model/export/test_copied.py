"""A network in 8 bits as a file: copied without torch; in floats, held against the run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import galaxyclass
from galaxyclass.errors import BundleError
from galaxyclass.extras import EXPORT
from galaxyclass.model.bundle.recovered import recover_weights
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.simulation.morphology import draw_morphology
from galaxyclass.simulation.rendering import render

from .conftest import CALIBRATION

#: Exports in an interpreter that has no torch, and says what it lacks.
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import galaxyclass
print(galaxyclass.export("pretrained", output=sys.argv[1], bits=8).describe())
try:
    galaxyclass.export("pretrained", output=sys.argv[2])
except galaxyclass.errors.MissingExtraError as error:
    print(error.hint)
"""


def test_the_pretrained_network_is_copied_without_torch(tmp_path: Path) -> None:
    copy, other = tmp_path / "copy.onnx", tmp_path / "other.onnx"
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(copy), str(other)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "a copy of the model's own network in 8 bits" in done.stdout
    assert "or `bits=8`, which copies" in done.stdout
    assert not other.exists()
    random = np.random.default_rng(0)
    galaxies = np.stack([render(draw_morphology(random), 424) for _ in range(3)])
    first, second = (
        galaxyclass.load_model(run, workers=1).predict(galaxies) for run in ("pretrained", copy)
    )
    assert first.table.equals(second.table)
    whole = bytearray(copy.read_bytes())
    whole[len(whole) // 2] ^= 1  # of a weight, which is as good a number as before
    copy.write_bytes(whole)
    with pytest.raises(
        BundleError, match=r"cannot be loaded(?s:.*)other bytes than were written"
    ) as refused:
        galaxyclass.load_model(copy)
    assert "if you changed the network yourself, remove the property" in (refused.value.hint or "")


def test_a_copy_has_the_calibration_that_the_model_has_by_now(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pretrained = galaxyclass.load_bundle("pretrained")
    network = partial(shutil.copyfile, pretrained.network)
    calibrated = save_bundle(
        tmp_path / "calibrated",
        pretrained.manifest,
        {"network": network, "calibration": lambda path: path.write_text(CALIBRATION)},
    )
    galaxyclass.export(calibrated.folder, output=tmp_path / "copy.onnx", bits=8)
    copy = galaxyclass.load_bundle(tmp_path / "copy.onnx")
    assert copy.read_calibration() == CALIBRATION
    assert copy.manifest.quantisation == pretrained.manifest.quantisation
    assert recover_weights(copy.folder).keys() == recover_weights(pretrained.network).keys()


@pytest.mark.thorough  # the pretrained network: half a minute of a core
def test_in_floats_it_is_held_against_the_run(tmp_path: Path) -> None:
    for module in EXPORT:
        pytest.importorskip(module)
    exported = galaxyclass.export("pretrained", output=tmp_path / "a.onnx")
    assert exported.run_difference is not None
    assert 0 < exported.run_difference.rms < 0.01
    assert "the run computes in 8-bit integers, this file in floats" in exported.describe()
    assert galaxyclass.load_model(tmp_path / "a.onnx", workers=1).precision == "fp32"
