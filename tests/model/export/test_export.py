"""Exported networks: they say what torch says, and carry all that is known about them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from PIL import Image

from galaxyclass.cli.main import main
from galaxyclass.errors import BundleError, ExportError, OutputError, RunError
from galaxyclass.evaluation.calibrate import calibrate
from galaxyclass.evaluation.evaluate import evaluate
from galaxyclass.model.backends.onnx_backend import OnnxBackend
from galaxyclass.model.backends.open_backend import open_backend
from galaxyclass.model.bundle.load import Bundle, load_bundle
from galaxyclass.model.bundle.manifest import manifest_json, parse_manifest
from galaxyclass.model.bundle.onnx_file import open_session
from galaxyclass.model.bundle.recovered import recover_weights
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.model.export import graph, sixteen_bits
from galaxyclass.model.export.check import export_cutouts
from galaxyclass.model.export.export import export
from galaxyclass.model.predict import predict
from galaxyclass.networks.network import Network
from galaxyclass.networks.weights import load_weights, write_weights
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.read import RECIPES, load_recipe
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.training.combine import combine

from .conftest import CALIBRATION, one_network

#: Recipes with a side that keeps a test short.
SIDES = {"notebook": 146}
#: The same networks with another loss, and with more blocks of the kind that resnet50 has.
SAME_NETWORK = {"resnet34-focal", "resnet101", "resnet152"}
#: Networks that tests beside this one export, and residual networks that are those of resnet10 or
#: resnet18 with more blocks.
ELSEWHERE = {"fast", "best", "resnet18", "resnet34", "resnet50"}


def run(path: Path, cutouts: np.ndarray) -> dict[str, np.ndarray]:
    session = open_session(path)
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, {"cutouts": cutouts}), strict=True))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.thorough if name in ELSEWHERE else ())
        for name in RECIPES
        if name not in SAME_NETWORK
    ],
)
def test_every_recipes_network_says_what_torch_says(
    name: str, save: Callable[..., Bundle], vote_outputs: VoteTask, tmp_path: Path
) -> None:
    recipe = load_recipe(name, [f"images.size={SIDES.get(name, 32)}"])
    bundle = save(tmp_path / "bundle", recipe, vote_outputs)
    export(bundle.folder, output=tmp_path / "model.onnx")
    shape = recipe.images.shape
    cutouts = np.random.default_rng(1).integers(0, 256, (3, *shape), dtype=np.uint8)
    with torch.inference_mode():
        wanted = load_weights(bundle).estimate(torch.from_numpy(cutouts))
    got = run(tmp_path / "model.onnx", cutouts)
    assert np.ptp(got["values"], axis=0).max() > 1e-3  # it is not blind
    assert np.abs(got["values"] - wanted.values.numpy()).max() <= 1e-4
    np.testing.assert_allclose(
        got["features"], wanted.features, atol=1e-4 * wanted.features.abs().max().item(), rtol=0
    )


@pytest.mark.parametrize("head", ["sigmoid", "tree", "tree_rectified"])
def test_every_head_and_the_centre_alone(
    head: str, save: Callable[..., Bundle], vote_outputs: VoteTask, tmp_path: Path
) -> None:
    settings = ["images.size=24", "images.frame=none", "model.input_size=16", f"model.head={head}"]
    recipe = load_recipe(
        "two-layer-cnn", [*settings, "model.feature_norm=true", "images.colour=grey"]
    )
    bundle = save(tmp_path / "bundle", recipe, vote_outputs)
    export(bundle.folder, output=tmp_path / "model.onnx")
    cutouts = np.random.default_rng(1).integers(0, 256, (3, 24, 24, 1), dtype=np.uint8)
    with torch.inference_mode():
        wanted = one_network(bundle).predict(torch.from_numpy(cutouts))
    got = run(tmp_path / "model.onnx", cutouts)["values"]
    assert np.abs(got - wanted.numpy()).max() <= 1e-4
    border = cutouts.copy()
    border[:, :4] = 0
    np.testing.assert_array_equal(run(tmp_path / "model.onnx", border)["values"], got)


def test_it_takes_any_number_of_galaxies(exported: Path) -> None:
    cutouts = export_cutouts(Preprocessing(size=16)).compared
    together = run(exported, cutouts)
    assert [(name, one.shape) for name, one in together.items()] == [
        ("values", (16, 37)),
        ("auxiliary_0", (16, 3)),
        ("features", (16, 256)),
    ]
    for name, value in run(exported, cutouts[:1]).items():
        np.testing.assert_allclose(value, together[name][:1], atol=1e-5)
        assert value.dtype == np.float32


def test_the_file_says_what_the_bundle_says(exported: Path, bundle: Bundle) -> None:
    told = open_session(exported).get_modelmeta().custom_metadata_map
    assert manifest_json(parse_manifest(told["manifest"], "test")) == manifest_json(bundle.manifest)
    assert json.loads(told["calibration"]) == {"quantiles": [0.1]}
    assert told["version"]
    assert json.loads(told["manifest"])["outputs"]["tree"]["questions"][0]["answers"][0] == {
        "code": "1.1",
        "name": "smooth",
        "key": "smooth",
    }


def test_the_file_is_sound_onnx(exported: Path, halved: Path) -> None:
    for path in (exported, halved):
        onnx.checker.check_model(path, full_check=True)


def test_weights_are_recovered_exactly(exported: Path, bundle: Bundle) -> None:
    recovered = recover_weights(exported)
    wanted = {
        name: value
        for name, value in load_weights(bundle).state_dict().items()
        if "num_batches" not in name
    }
    assert recovered.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(recovered[name], value.numpy(), strict=True)


def test_statistics_of_the_training_galaxies_are_weights(
    save: Callable[..., Bundle], tmp_path: Path
) -> None:
    recipe = load_recipe("cnn100", ["images.size=16"])
    bundle = save(tmp_path / "bundle", recipe, ClassTask("c", ("a", "b"), (0.5, 0.5)))
    export(bundle.folder, output=tmp_path / "model.onnx")
    recovered = recover_weights(tmp_path / "model.onnx")
    spread = load_weights(bundle).get_buffer("spread").numpy()
    np.testing.assert_array_equal(recovered["spread"], spread)


def test_half_is_half_the_size_and_says_nearly_the_same(
    exported: Path, halved: Path, bundle: Bundle
) -> None:
    assert halved.stat().st_size < 0.52 * exported.stat().st_size
    weights, rounded = recover_weights(exported), recover_weights(halved)
    assert rounded.keys() == weights.keys()
    for name, value in weights.items():
        # 11 bits: convolutions and linear layers; all else is as it was
        short = value.astype(np.float16).astype(np.float32) if value.ndim > 1 else value
        np.testing.assert_array_equal(rounded[name], short, strict=True)
    stored = {one.name: one for one in onnx.load(halved).graph.initializer}
    assert numpy_helper.to_array(stored["encoder.stem.0.weight"]).dtype == np.float16
    cutouts = export_cutouts(bundle.manifest.preprocessing).compared
    before, after = run(exported, cutouts)["values"], run(halved, cutouts)["values"]
    assert 0 < np.abs(before - after).max() < 1e-2


def test_weights_that_16_bits_cannot_hold_stay(
    save: Callable[..., Bundle], vote_outputs: VoteTask, tmp_path: Path
) -> None:
    recipe = load_recipe("two-layer-cnn", ["images.size=16", "images.frame=none"])
    bundle = save(tmp_path / "bundle", recipe, vote_outputs)
    network = load_weights(bundle)
    with torch.no_grad():
        network.get_parameter("encoder.body.0.weight")[0, 0, 0, 0] = 70_000
        # Nobody listens to that channel, whose large sums end otherwise in each library.
        network.get_parameter("encoder.body.3.weight")[:, 0] = 0
    save_bundle(
        bundle.folder, bundle.manifest, {"weights": lambda path: write_weights(network, path)}
    )
    export(bundle.folder, output=tmp_path / "model.onnx", bits=16)
    recovered = recover_weights(tmp_path / "model.onnx")
    assert recovered["encoder.body.0.weight"][0, 0, 0, 0] == 70_000


def test_torch_predicts_from_the_exported_file(
    halved: Path, bundle: Bundle, tmp_path: Path
) -> None:
    manifest = replace(bundle.manifest, weights_digest="", calibration_digest="")
    boxed = save_bundle(
        tmp_path / "box", manifest, {"network": lambda path: path.write_bytes(halved.read_bytes())}
    )
    cutouts = export_cutouts(manifest.preprocessing).compared
    with torch.inference_mode():
        wanted = load_weights(boxed).estimate(torch.from_numpy(cutouts))
    got = OnnxBackend(boxed)(cutouts)
    assert np.abs(got.values - wanted.values.numpy()).max() <= 1e-4
    assert np.abs(got.auxiliary[0] - wanted.auxiliary[0].numpy()).max() <= 1e-4


def test_the_exported_file_is_a_model_by_itself(
    exported: Path, bundle: Bundle, tmp_path: Path
) -> None:
    alone = load_bundle(exported)
    assert alone.manifest.task == bundle.manifest.task
    assert alone.manifest.auxiliary == bundle.manifest.auxiliary
    assert alone.read_calibration() == CALIBRATION
    assert (alone.has("weights"), alone.network) == (False, exported)
    cutouts = export_cutouts(bundle.manifest.preprocessing).compared
    wanted = run(exported, cutouts)["values"]
    np.testing.assert_array_equal(open_backend(alone)(cutouts).values, wanted)
    (tmp_path / "copy.onnx").write_bytes(exported.read_bytes())
    assert load_bundle(tmp_path / "copy.onnx").manifest.digest == alone.manifest.digest
    export(exported, output=tmp_path / "half.onnx", bits=16)
    halved = load_bundle(tmp_path / "half.onnx")
    assert halved.read_calibration() == CALIBRATION
    assert halved.manifest.digest != alone.manifest.digest
    with pytest.raises(RunError, match=r"stays as it is(?s:.*)calibrate the run"):
        calibrate(exported, tmp_path, None)
    with pytest.raises(RunError, match=r"which galaxies it was trained on(?s:.*)got:    a file"):
        evaluate(exported, tmp_path, None, output=tmp_path / "scores")


def test_nobody_knows_what_an_exported_file_was_trained_on(
    exported: Path, bundle: Bundle, tmp_path: Path
) -> None:
    shutil.copy(exported, tmp_path / "model.onnx")
    (tmp_path / "split.csv").write_text("id,part,digest\n1,train,\n")  # of another run
    combined = combine([tmp_path / "model.onnx", bundle.folder], output=tmp_path / "both")
    assert (combined.bundle.manifest.members, combined.split) == (2, False)
    assert not (tmp_path / "both" / "split.csv").exists()


def test_an_exported_file_without_calibration(
    plain: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.onnx"
    export(plain.folder, output=model)
    Image.new("RGB", (32, 32), "grey").save(tmp_path / "1.png")
    with pytest.raises(BundleError, match="calibrate the run and export it again"):
        predict(model, tmp_path / "1.png", output=tmp_path / "p.csv", include=["uncertainty"])
    arguments = ["--images", str(tmp_path / "1.png"), "--output", str(tmp_path / "p.csv")]
    assert main(["predict", str(model), *arguments]) == 0
    assert (tmp_path / "p.csv").read_text().startswith("GalaxyID,Class1.1,")
    assert main(["predict", *arguments[:2], str(model), *arguments[2:]]) == 2
    assert "is a model, but named after --images" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no", "the network cannot be loaded"),
        (None, "no such file or folder"),
        ("another", "not a network that galaxyclass exported"),
    ],
)
def test_files_that_are_no_models(
    tmp_path: Path, content: bytes | str | None, message: str
) -> None:
    path = tmp_path / "model.onnx"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.onnx.export(torch.nn.ReLU().eval(), (torch.zeros(1),), path, verbose=False)
    with pytest.raises(BundleError, match=message):
        load_bundle(path)


def test_a_network_that_has_changed_underway_is_refused_and_nothing_is_left(
    bundle: Bundle, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(model: onnx.ModelProto, halves: frozenset[str]) -> None:
        bias = next(one for one in model.graph.initializer if one.name == "last.bias")
        values = numpy_helper.to_array(bias) + np.array([0.01] + [0] * 36, np.float32)
        bias.CopyFrom(numpy_helper.from_array(values, "last.bias"))

    monkeypatch.setattr(graph, "trace", lambda *_: onnx.load(exported))
    monkeypatch.setattr(sixteen_bits, "store_halves", spoil)
    with pytest.raises(ExportError, match=r"gives other outputs than the run[\s\S]*up to 0\.0001"):
        export(bundle.folder, output=tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_export_keeps_the_earlier_file(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "model.onnx"
    output.write_text("earlier")
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: 1 / 0)
    with pytest.raises(ExportError, match="the encoder residual cannot be written as ONNX"):
        export(bundle.folder, output=output, overwrite=True)
    assert output.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [output]


def test_real_galaxies_are_compared_on(plain: Bundle, tmp_path: Path, galaxies: Path) -> None:
    done = export(
        plain.folder,
        output=tmp_path / "model.onnx",
        images=galaxies / "galaxy-zoo-challenge" / "images_test",
    )
    assert done.check.images == 200
    assert done.check.difference <= 1e-4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "model.pt",
            r"model\.pt: unknown ending\s+wanted: \.onnx\s+hint:   pass `output=.*model\.onnx'`",
        ),
        ("there.onnx", r"there\.onnx: the output exists already\s+hint:   pass `overwrite=True`"),
        ("folder.onnx", r"folder\.onnx: a folder"),
    ],
)
def test_outputs_that_are_refused(bundle: Bundle, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "there.onnx").touch()
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(OutputError, match=message):
        export(bundle.folder, output=tmp_path / name)


def test_a_run_that_has_not_finished(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").touch()
    with pytest.raises(BundleError, match=r"galaxyclass\.resume"):
        export(tmp_path / "run", output=tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no", "not an ONNX file"),
        (onnx.ModelProto(producer_name="another").SerializeToString(), "not a network that galaxy"),
        (None, "No such file"),
    ],
)
def test_files_without_weights_of_ours(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(BundleError, match=message):
        recover_weights(tmp_path / "model.onnx")


def test_a_training_can_start_from_it(halved: Path, vote_outputs: VoteTask) -> None:
    recipe = load_recipe("fast", [f"model.weights={halved}", "images.size=24", "model.head=tree"])
    network = Network(recipe.model, recipe.images, vote_outputs)
    recovered = recover_weights(halved)
    np.testing.assert_array_equal(
        network.encoder.get_parameter("stem.0.weight").detach().numpy(),
        recovered["encoder.stem.0.weight"],
    )
