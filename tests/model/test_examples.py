"""The examples run as they are printed, on simulated pictures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import galaxyclass
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.read import read_image
from galaxyclass.model.backends.onnx_backend import OnnxBackend
from galaxyclass.model.bundle.load import load_bundle

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "sky"
    galaxyclass.simulate(12, output=folder, size=128, seed=1, workers=1)
    return folder


def _run(name: str, *arguments: object, folder: Path) -> str:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["in_a_notebook.py", "evaluate_pretrained.py"])
def test_they_are_short(name: str) -> None:
    assert len((EXAMPLES / name).read_text(encoding="utf-8").splitlines()) <= 25


def test_in_a_notebook(sky: Path, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    shown = _run("in_a_notebook.py", sky / "images", folder=tmp_path)
    assert "<Model galaxy-zoo-2 · 37 answers · 1 network" in shown
    assert "redshift" in shown
    assert (tmp_path / "galaxy.png").stat().st_size > 10_000


def test_evaluate_pretrained(sky: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores"
    shown = _run(
        "evaluate_pretrained.py", sky / "images", sky / "votes.csv", scores, folder=tmp_path
    )
    assert shown.splitlines()[0] == "12 galaxies"
    assert (scores / "metrics.json").is_file()


@pytest.mark.parametrize("shape", [(20, 20, 3), (17, 30, 3), (40, 15, 3)])
def test_the_onnx_example_frames_small_pictures_as_the_package_does(
    shape: tuple[int, int, int], tmp_path: Path
) -> None:
    """Where the frame is larger than the picture, as with the recipe `fast`."""
    from PIL import Image

    pixels: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "small.png")
    bundle = load_bundle("pretrained")
    settings = bundle.manifest.preprocessing.model_copy(
        update={"frame": 48, "size": 97, "beyond": "border"}
    )
    square = settings.model_copy(update={"size": 48})
    expected = make_cutout(read_image(tmp_path / "small.png"), square)
    network = tmp_path / "network.onnx"
    _save_with(bundle.network, network, settings.model_dump_json())
    code = (EXAMPLES / "predict_with_onnxruntime.py").read_text(encoding="utf-8")
    seen: dict[str, object] = {}
    arguments, sys.argv = sys.argv, ["example", str(network), str(tmp_path / "small.png")]
    try:
        exec(compile(code, "example", "exec"), seen)
    finally:
        sys.argv = arguments
    np.testing.assert_array_equal(np.asarray(seen["square"]), expected)
    assert OnnxBackend(bundle)(np.asarray(seen["cutouts"])).values.shape == (1, 37)


def _save_with(source: Path, target: Path, preprocessing: str) -> None:
    """A copy of an exported network whose manifest states another preprocessing."""
    import json

    onnx = pytest.importorskip("onnx")
    model = onnx.load(source)
    manifest = json.loads((source.parent / "manifest.json").read_text(encoding="utf-8"))
    manifest["preprocessing"] = json.loads(preprocessing)
    del model.metadata_props[:]
    model.metadata_props.add(key="manifest", value=json.dumps(manifest))
    onnx.save(model, target)
