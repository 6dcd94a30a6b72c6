"""The pretrained model: how it is made, and what is there."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import galaxyclass
from galaxyclass.errors import BundleError, DeviceError, OutputError
from galaxyclass.model import pretrained as shipped
from galaxyclass.model.backends.onnx_backend import OnnxBackend
from galaxyclass.model.backends.open_backend import open_backend
from galaxyclass.model.bundle.load import Bundle, load_bundle
from galaxyclass.model.bundle.onnx_file import open_session
from galaxyclass.model.bundle.recovered import recover_weights
from galaxyclass.model.export.check import EXACT, ROUNDED, export_cutouts
from galaxyclass.model.pretrained import pretrained_folder
from galaxyclass.networks.network import Network
from galaxyclass.networks.weights import load_weights
from galaxyclass.recipes.read import load_recipe
from galaxyclass.tasks.votes.task import VoteTask

from .conftest import one_network

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_pretrained.py"
HAS_BOX = (pretrained_folder() / "manifest.json").exists()


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("make_pretrained", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def box(script: Any, bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("box")
    (folder / "card.md").write_text("# What it is\n")
    result = CliRunner().invoke(
        script.command,
        [str(bundle.folder), "--card", str(folder / "card.md"), "--output", str(folder / "box")],
    )
    assert result.exit_code == 0, result.output
    assert "on 16 images it differs from torch by" in result.output
    return load_bundle(folder / "box")


def test_what_is_in_it(box: Bundle, bundle: Bundle) -> None:
    names = {path.name for path in box.folder.iterdir()}
    assert names == {"manifest.json", "MODEL_CARD.md", box.network.name, box.calibration.name}
    assert not box.has("weights")
    assert box.calibration.read_bytes() == bundle.calibration.read_bytes()
    assert box.network.stat().st_size < 0.52 * bundle.weights.stat().st_size
    same: dict[str, Any] = {"network_digest": "", "calibration_digest": "", "weights_digest": ""}
    assert replace(box.manifest, **same) == replace(bundle.manifest, **same)
    told = open_session(box.network).get_modelmeta().custom_metadata_map
    assert json.loads(told["calibration"]) == json.loads(bundle.calibration.read_text())


def test_it_says_what_the_run_says(box: Bundle, bundle: Bundle) -> None:
    cutouts = export_cutouts(bundle.manifest.preprocessing).compared
    backend = open_backend(box)
    assert isinstance(backend, OnnxBackend)
    with torch.inference_mode():
        wanted = one_network(bundle).predict(torch.from_numpy(cutouts)).numpy()
    assert np.abs(backend(cutouts).values - wanted).max() < 1e-2  # 16-bit weights


def test_a_gpu_that_is_asked_for_is_left_to_torch(
    box: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"device 'mps' is not there\s+wanted: one of auto.*cpu"):
        open_backend(box, "mps")


def test_a_calibration_from_elsewhere(script: Any, plain: Bundle, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("# What it is\n")
    (tmp_path / "other.json").write_text('{"quantiles": [0.2]}')
    given = {"card": tmp_path / "card.md", "calibration": tmp_path / "other.json"}
    made, _ = script.make_pretrained(plain.folder, tmp_path / "box", **given)
    assert made.calibration.read_text() == '{"quantiles": [0.2]}'
    told = open_session(made.network).get_modelmeta().custom_metadata_map
    assert told["calibration"] == '{"quantiles": [0.2]}'


def test_a_box_that_would_be_too_large(
    script: Any, plain: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "card.md").write_text("# What it is\n")
    monkeypatch.setattr(script, "MOST", 10_000)
    with pytest.raises(OutputError, match="too large"):
        script.make_pretrained(plain.folder, tmp_path / "box", card=tmp_path / "card.md")
    assert list((tmp_path / "box").iterdir()) == []


def test_a_box_without_a_card(script: Any, bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no MODEL_CARD\.md"):
        script.make_pretrained(bundle.folder, tmp_path / "box")
    assert not (tmp_path / "box").exists()


def test_a_training_can_start_from_the_box(
    box: Bundle, vote_outputs: VoteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "pretrained_folder", lambda: box.folder)
    recipe = load_recipe("fast", ["model.weights=pretrained", "images.size=24", "model.head=tree"])
    network = Network(recipe.model, recipe.images, vote_outputs)
    np.testing.assert_array_equal(
        network.encoder.get_parameter("stem.0.weight").detach().numpy(),
        recover_weights(box.network)["encoder.stem.0.weight"],
    )


def test_no_model_in_the_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "pretrained_folder", lambda: tmp_path)
    with pytest.raises(BundleError, match="as `model`"):
        load_bundle("pretrained")


@pytest.fixture
def simulated(tmp_path: Path) -> Callable[[int], Path]:
    def make(count: int) -> Path:
        return galaxyclass.simulate(
            count, output=tmp_path / "sky", size=424, seed=1, workers=1
        ).images

    return make


@pytest.mark.skipif(not HAS_BOX, reason="this repository has no pretrained model yet")
def test_the_box_of_this_package(simulated: Callable[[int], Path], tmp_path: Path) -> None:
    own = load_bundle("pretrained")
    files = [*own.files, own.folder / "manifest.json", own.folder / "MODEL_CARD.md"]
    assert {path.name for path in own.folder.iterdir()} == {path.name for path in files}
    assert sum(path.stat().st_size for path in files) < 10e6
    weights = recover_weights(own.network)
    assert sum(one.size for one in weights.values()) > 1e5
    cutouts = export_cutouts(own.manifest.preprocessing, simulated(8)).compared
    with torch.inference_mode():
        wanted = load_weights(own).estimate(torch.from_numpy(cutouts))
    said = OnnxBackend(own)(cutouts)
    tolerance = EXACT if own.manifest.quantisation is None else ROUNDED
    assert np.abs(said.values - wanted.values.numpy()).max() <= tolerance.largest
    for mine, theirs in zip(said.auxiliary, wanted.auxiliary, strict=True):
        assert np.abs(mine - theirs.numpy()).max() <= tolerance.largest
    include = ["embedding"]
    if own.manifest.auxiliary:
        include.append("five_classes")
    if own.has("calibration"):
        include += ["uncertainty", "strangeness"]
    summary = galaxyclass.predict(
        None, tmp_path / "sky" / "images", output=tmp_path / "p.parquet", include=include
    )
    assert summary.predicted == 8
