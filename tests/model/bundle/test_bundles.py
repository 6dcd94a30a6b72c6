"""Bundles: what is written is read, and what is wrong is said."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from galaxyclass.errors import BundleError, OutputError
from galaxyclass.model.bundle.load import Role, load_bundle
from galaxyclass.model.bundle.manifest import (
    Manifest,
    NetworkOutputs,
    manifest_json,
    parse_manifest,
)
from galaxyclass.model.bundle.save import BundleFileWriter, save_bundle
from galaxyclass.model.frames import Frame
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.read import load_tree

TREE = load_tree("galaxy_zoo_2")
VOTES = VoteTask(
    TREE, TREE.layouts[0], (True,) * 17 + (False,) * 20, (0.25,) * 17 + (math.nan,) * 20
)
CLASSES = ClassTask("class", ("spiral", "elliptical"), (0.75, 0.25))


def manifest(outputs: VoteTask | ClassTask = VOTES) -> Manifest:
    return Manifest(
        recipe="fast",
        preprocessing=Preprocessing(size=32),
        model=NetworkSettings(encoder="residual", head="tree"),
        task=outputs,
        id_column="GalaxyID",
        id_integer=True,
        weights_digest="",
        version="0.1.0",
    )


def test_whether_mirrors_matter_is_remembered_and_older_bundles_stay_what_they_are() -> None:
    plain = manifest_json(manifest())
    assert "mirrors" not in json.loads(plain)
    assert parse_manifest(plain, "test").mirrors
    handed = replace(manifest(), mirrors=False)
    assert parse_manifest(manifest_json(handed), "test") == handed
    assert handed.digest != manifest().digest


def saved(folder: Path, content: bytes = b"weights") -> Path:
    save_bundle(folder, manifest(), {"weights": lambda path: path.write_bytes(content) and None})
    return folder


@pytest.mark.parametrize("outputs", [VOTES, CLASSES])
def test_manifest_survives_being_written(outputs: VoteTask | ClassTask) -> None:
    text = manifest_json(manifest(outputs))
    assert manifest_json(parse_manifest(text, "test")) == text


def test_precision_of_the_training_is_remembered_and_older_bundles_stay_what_they_are() -> None:
    plain = manifest_json(manifest())
    assert "precision" not in json.loads(plain)
    assert parse_manifest(plain, "test").precision == "fp32"
    trained = replace(manifest(), precision="bf16")
    assert parse_manifest(manifest_json(trained), "test").precision == "bf16"
    assert trained.digest != manifest().digest
    data = {**json.loads(plain), "precision": "fp8"}
    with pytest.raises(BundleError, match="precision: Input should be 'fp32' or 'bf16'"):
        parse_manifest(json.dumps(data), "test")


def test_saved_bundle_is_loaded(tmp_path: Path) -> None:
    bundle = load_bundle(saved(tmp_path / "run" / "bundle"))
    assert bundle.weights.read_bytes() == b"weights"
    assert bundle.manifest.id_column == "GalaxyID"
    assert load_bundle(tmp_path / "run").manifest.digest == bundle.manifest.digest


def test_digest_follows_weights_and_settings(tmp_path: Path) -> None:
    first = load_bundle(saved(tmp_path / "a", b"one")).manifest.digest
    second = load_bundle(saved(tmp_path / "b", b"two")).manifest.digest
    assert first != second


def test_saving_again_replaces_the_weights(tmp_path: Path) -> None:
    saved(tmp_path / "a", b"one")
    saved(tmp_path / "a", b"two")
    bundle = load_bundle(tmp_path / "a")
    assert bundle.weights.read_bytes() == b"two"
    assert len(list((tmp_path / "a").iterdir())) == 2


def test_failed_saving_keeps_the_earlier_bundle(tmp_path: Path) -> None:
    saved(tmp_path / "a", b"one")

    def no_room(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="no room left"):
        save_bundle(tmp_path / "a", manifest(), {"weights": no_room})
    assert load_bundle(tmp_path / "a").weights.read_bytes() == b"one"
    assert len(list((tmp_path / "a").iterdir())) == 2


def test_a_bundle_of_a_newer_version(tmp_path: Path) -> None:
    file = saved(tmp_path / "a") / "manifest.json"
    data = json.loads(file.read_text())
    file.write_text(json.dumps({**data, "format": 99, "version": "7.0", "new": 1}))
    with pytest.raises(BundleError, match=r"newer version[\s\S]*written by galaxyclass 7\.0"):
        load_bundle(tmp_path / "a")
    file.write_text(json.dumps({**data, "format": 1}))
    with pytest.raises(
        BundleError, match=r"older version[\s\S]*not read any more[\s\S]*train again"
    ):
        load_bundle(tmp_path / "a")


def test_weights_that_were_changed(tmp_path: Path) -> None:
    bundle = load_bundle(saved(tmp_path / "a"))
    bundle.weights.write_bytes(b"other")
    with pytest.raises(BundleError, match="not the weights that this bundle was saved with"):
        load_bundle(tmp_path / "a")


def test_weights_that_are_gone(tmp_path: Path) -> None:
    load_bundle(saved(tmp_path / "a")).weights.unlink()
    with pytest.raises(BundleError, match="copy the whole bundle folder"):
        load_bundle(tmp_path / "a")


def test_a_file_is_added_and_the_others_stay(tmp_path: Path) -> None:
    bundle = load_bundle(saved(tmp_path / "a"))
    writers: dict[Role, BundleFileWriter] = {"network": lambda path: path.write_bytes(b"onnx")}
    save_bundle(bundle.folder, bundle.manifest, writers)
    again = load_bundle(tmp_path / "a")
    assert again.weights.read_bytes() == b"weights"
    assert again.network.read_bytes() == b"onnx"
    assert not again.has("calibration")
    assert again.manifest.digest != bundle.manifest.digest
    again.network.write_bytes(b"other")
    with pytest.raises(BundleError, match="not the network that this bundle was saved with"):
        load_bundle(tmp_path / "a")


def test_a_bundle_without_a_network(tmp_path: Path) -> None:
    save_bundle(tmp_path / "a", manifest(), {"calibration": lambda path: path.write_bytes(b"{}")})
    with pytest.raises(BundleError, match="a bundle without a network"):
        load_bundle(tmp_path / "a")


def test_further_classes_are_kept(tmp_path: Path) -> None:
    five = ClassTask("class", ("round", "spiral"), (0.25, 0.75))
    described = replace(manifest(), auxiliary=(five,))
    save_bundle(tmp_path / "a", described, {"weights": lambda path: path.write_bytes(b"x")})
    assert load_bundle(tmp_path / "a").manifest.auxiliary == (five,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "damaged"),
        ('{"format": 2}', "recipe: Field required"),
    ],
)
def test_a_damaged_manifest(tmp_path: Path, text: str, message: str) -> None:
    (saved(tmp_path / "a") / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=message):
        load_bundle(tmp_path / "a")


def test_a_manifest_with_too_few_means() -> None:
    data = json.loads(manifest_json(manifest()))
    data["outputs"]["mean"] = data["outputs"]["mean"][:5]
    with pytest.raises(BundleError, match="a value for each of its 37 answers"):
        parse_manifest(json.dumps(data), "test")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": (Frame(2.0, 1.0),)}, "above 0 and at most 1"),
        ({"frames": (Frame(1.0, 0.5), Frame(0.5, 0.25))}, "weights sum to 1"),
        ({"frames": (Frame(1.0, float("nan")),)}, "weights sum to 1"),
        ({"frames": ()}, "frames go with the preprocessing"),
        ({"network_outputs": None, "frames": ()}, "a probe without network_outputs"),
    ],
)
def test_a_probe_whose_manifest_is_damaged(changes: dict[str, Any], message: str) -> None:
    plain = manifest()
    beneath = NetworkOutputs(plain.task, (), plain.preprocessing)
    probed = replace(plain, network_outputs=beneath, frames=(Frame(1.0, 1.0),), probe_digest="0")
    assert parse_manifest(manifest_json(probed), "test") == probed
    with pytest.raises(BundleError, match=message):
        parse_manifest(manifest_json(replace(probed, **changes)), "test")


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").touch()
    with pytest.raises(BundleError, match=r"a folder with holiday\.txt"):
        load_bundle(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such file or folder"):
        load_bundle(tmp_path / "nowhere")


def test_a_run_that_has_not_finished_an_epoch(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").touch()
    with pytest.raises(BundleError, match=r"`galaxyclass\.resume"):
        load_bundle(tmp_path)
