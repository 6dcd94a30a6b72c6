"""Networks in 8-bit integers: close to the run, and as good a model as any other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import galaxyclass
from galaxyclass.arguments import ChosenPrecision
from galaxyclass.cli.main import main
from galaxyclass.errors import ArgumentError, ExportError
from galaxyclass.model.backends.open_backend import choose_engine
from galaxyclass.model.bundle.load import Bundle, load_bundle
from galaxyclass.model.bundle.manifest import manifest_json, parse_manifest
from galaxyclass.model.bundle.onnx_file import open_session
from galaxyclass.model.bundle.recovered import recover_weights
from galaxyclass.model.export.check import ROUNDED, compare_outputs, export_cutouts
from galaxyclass.model.export.export import export
from galaxyclass.model.export.folded import folded
from galaxyclass.model.load import load_model
from galaxyclass.networks.network import Network
from galaxyclass.networks.weights import load_weights
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.read import load_recipe
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.training.combine import combine, save_ensemble

from .conftest import CALIBRATION, FIVE, one_network


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "sky"
    return galaxyclass.simulate(30, output=folder, size=48, seed=1, workers=1).images


@pytest.fixture(scope="module")
def rounded(bundle: Bundle, sky: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("exported") / "rounded.onnx"
    export(bundle.folder, output=output, bits=8, images=sky)
    return output


@pytest.fixture(scope="module")
def turning(
    save: Callable[..., Bundle], vote_outputs: VoteTask, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """An equivariant network, whose shortcuts take means over windows."""
    recipe = load_recipe("best", ["images.size=33", "images.frame=none", "model.width=0.5"])
    return save(tmp_path_factory.mktemp("turning") / "bundle", recipe, vote_outputs, (FIVE,))


def test_it_predicts_nearly_what_the_run_predicts(rounded: Path, bundle: Bundle, sky: Path) -> None:
    cutouts = export_cutouts(bundle.manifest.preprocessing, sky, seed=5).compared
    session = open_session(rounded)
    values, _, features = session.run(None, {"cutouts": cutouts})
    with torch.inference_mode():
        wanted = load_weights(bundle).estimate(torch.from_numpy(cutouts))
    difference = values - wanted.values.numpy()
    assert 1e-5 < np.sqrt(np.square(difference).mean()) < 0.01
    assert np.ptp(values, axis=0).max() > 0.01  # the images are told apart
    assert np.corrcoef(features.ravel(), wanted.features.numpy().ravel())[0, 1] > 0.99
    (alone,) = session.run(["values"], {"cutouts": cutouts[:1]})[0]
    np.testing.assert_allclose(alone, values[0], atol=1e-6)


def test_what_is_rounded(rounded: Path) -> None:
    onnx.checker.check_model(rounded, full_check=True)
    model = onnx.load(rounded)
    assert {entry.domain for entry in model.opset_import} == {""}
    products = Counter(node.op_type for node in model.graph.node)
    kinds = {stored.name: stored.data_type for stored in model.graph.initializer}
    weights = [name for name, kind in kinds.items() if kind == TensorProto.INT8]
    assert sum("zero_point" not in name for name in weights) == products["Conv"]
    linear = [node for node in model.graph.node if node.op_type in ("Gemm", "MatMul")]
    assert all(kinds[node.input[1]] == TensorProto.FLOAT for node in linear)
    assert len(linear) >= 2  # the votes' and the classes'
    before = {name: node.op_type for node in model.graph.node for name in node.output}
    assert "DequantizeLinear" not in {before.get(value.name) for value in model.graph.output}
    # A pixel's grey level is not rounded again.
    first = next(node for node in model.graph.node if node.op_type == "QuantizeLinear")
    scale = next(entry for entry in model.graph.initializer if entry.name == first.input[1])
    assert float(numpy_helper.to_array(scale)) == pytest.approx(1 / 255)


@pytest.mark.slow
def test_an_equivariant_network_and_its_views(turning: Bundle, sky: Path, tmp_path: Path) -> None:
    two = replace(turning.manifest, views=2)
    (turning.folder / "manifest.json").write_text(manifest_json(two))
    done = export(turning.folder, output=tmp_path / "model.onnx", bits=8, images=sky)
    assert (done.check.images, done.bits) == (10, 8)
    assert 1e-5 < done.check.rms < 0.01
    model = onnx.load(tmp_path / "model.onnx")
    operators = Counter(node.op_type for node in model.graph.node)
    assert operators["AveragePool"] == operators["BatchNormalization"] == 0
    images = sorted(sky.iterdir())[:3]
    predicted = load_model(tmp_path / "model.onnx").predict(images)
    exact = load_model(turning.folder).predict(images)
    for name in exact.columns.values:
        np.testing.assert_allclose(
            predicted.table[name].to_numpy(), exact.table[name].to_numpy(), atol=0.1
        )


def test_the_weights_that_it_was_made_from_are_kept(
    rounded: Path, bundle: Bundle, vote_outputs: VoteTask, sky: Path, tmp_path: Path
) -> None:
    recovered = recover_weights(rounded)
    network = load_weights(bundle)
    parameters = {name for name, _ in network.named_parameters()}
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        is_short = name in parameters and value.ndim > 1
        wanted = value.half().float() if is_short else value
        np.testing.assert_array_equal(recovered[name], wanted.numpy(), strict=True)
    recipe = load_recipe("fast", [f"model.weights={rounded}", "images.size=24", "model.head=tree"])
    started = Network(recipe.model, recipe.images, vote_outputs)
    np.testing.assert_array_equal(
        started.encoder.get_parameter("stem.0.weight").detach(),
        recovered["encoder.stem.0.weight"],
    )
    exported = export(rounded, output=tmp_path / "again.onnx")
    assert exported.run_difference is not None
    assert 0 < exported.run_difference.rms < 0.01
    assert "computes in 8-bit integers, this file in floats" in exported.describe()
    again = load_bundle(tmp_path / "again.onnx")
    assert again.manifest.quantisation is None
    assert again.read_calibration() == CALIBRATION
    assert recover_weights(tmp_path / "again.onnx").keys() == recovered.keys()
    combined = combine([rounded, bundle.folder], output=tmp_path / "both")
    assert combined.bundle.manifest.quantisation is None


def test_the_file_and_its_card_say_what_the_rounding_changes(rounded: Path, bundle: Bundle) -> None:
    manifest = load_bundle(rounded).manifest
    noted = manifest.quantisation
    assert noted is not None
    assert (noted.images, noted.compared, noted.seed) == (20, 10, 0)
    assert 0 < noted.rms <= noted.largest
    assert parse_manifest(manifest_json(manifest), "test") == manifest
    assert "quantisation" not in json.loads(manifest_json(bundle.manifest))
    card = load_model(rounded).card
    assert f"by {noted.rms:.2g} (root mean square)" in card


def test_an_ensemble(plain: Bundle, sky: Path, tmp_path: Path) -> None:
    folder = save_ensemble(tmp_path / "both", [plain, plain]).folder
    done = export(folder, output=tmp_path / "model.onnx", bits=8, images=sky)
    assert done.check.rms < 0.01
    model = onnx.load(tmp_path / "model.onnx")
    rounded = sum(
        stored.data_type == TensorProto.INT8 and "zero_point" not in stored.name
        for stored in model.graph.initializer
    )
    assert rounded >= sum(node.op_type == "Conv" for node in model.graph.node) // 2
    kinds = {stored.name: stored.data_type for stored in model.graph.initializer}
    linear = [node for node in model.graph.node if node.op_type == "Gemm"]
    assert all(kinds[node.input[1]] == TensorProto.FLOAT for node in linear)


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16"])
def test_the_precision_that_it_computes_in(rounded: Path, precision: ChosenPrecision) -> None:
    model = load_model(rounded, precision=precision)
    assert model.precision == "int8"
    note = "Computed in 8-bit integers, in which this network was exported"
    assert (note in model.ensemble.note) == (precision != "auto")


def test_openvino_is_not_used_for_it(
    rounded: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxyclass.model.backends.open_backend.find_spec", lambda name: True)
    assert choose_engine(load_bundle(rounded), precision="bf16") == "onnxruntime"


def test_images_are_needed(bundle: Bundle, sky: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"need images(?s:.*)got:    none") as caught:
        export(bundle.folder, output=tmp_path / "model.onnx", bits=8)
    assert caught.value.argument == "images"
    few = sorted(sky.iterdir())[:15]
    with pytest.raises(ArgumentError, match=r"16 images or more(?s:.*)15 that can be decoded"):
        export(bundle.folder, output=tmp_path / "model.onnx", bits=8, images=few)
    with pytest.raises(ArgumentError, match=r"`bits` cannot be 4\s+wanted: 32, 16 or 8"):
        export(bundle.folder, output=tmp_path / "model.onnx", bits=4)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_the_command(
    plain: Bundle, sky: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", str(plain.folder), "--output", str(tmp_path / "m.onnx"), "--bits", "8"]
    assert main(arguments) == 1
    assert "--images FOLDER; --bits 16 needs none" in capsys.readouterr().err
    assert main([*arguments, "--images", str(sky)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{tmp_path / 'm.onnx'}, ")
    assert "on 10 images it differs from the network in floats by 0.00" in captured.out
    assert " in the root mean square, " in captured.out
    assert "WARNING" not in captured.err


def test_a_network_that_changes_too_much_is_refused(bundle: Bundle, exported: Path) -> None:
    other = one_network(bundle)
    with torch.no_grad():
        other.last.bias[0] += 5
    cutouts = export_cutouts(bundle.manifest.preprocessing).compared
    with pytest.raises(ExportError, match=r"0\.01 in the root mean square(?s:.*)`bits=16`"):
        compare_outputs(other, exported, cutouts, ROUNDED)


def test_which_images_are_drawn(sky: Path) -> None:
    settings = Preprocessing(size=16)
    first = export_cutouts(settings, sky, measure=True, seed=1)
    assert first.measured is not None
    assert (len(first.compared), len(first.measured)) == (10, 20)
    same, other = (export_cutouts(settings, sky, measure=True, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(first.compared, same.compared)
    assert not np.array_equal(first.compared, other.compared)
    everything = np.concatenate([first.compared, first.measured]).reshape(30, -1)
    assert len(np.unique(everything, axis=0)) == 30


@pytest.mark.parametrize("counted", [0, 1])
@pytest.mark.parametrize(
    ("kernel", "stride", "pads"), [(3, 2, [1, 1, 1, 1]), (2, 2, [0, 0, 0, 0]), (3, 1, [0, 1, 1, 2])]
)
def test_a_mean_over_windows_is_a_convolution(
    kernel: int, stride: int, pads: list[int], counted: int, tmp_path: Path
) -> None:
    import onnxruntime

    shape: list[str | int | None] = ["images", 3, 7, 8]
    node = helper.make_node(
        "AveragePool",
        ["cutouts"],
        ["features"],
        kernel_shape=[kernel, kernel],
        strides=[stride, stride],
        pads=pads,
        count_include_pad=counted,
    )
    graph = helper.make_graph(
        [node],
        "pooling",
        [helper.make_tensor_value_info("cutouts", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    plain = folded(model, tmp_path / "folded.onnx")
    assert "Conv" in {node.op_type for node in plain.graph.node}
    images = np.random.default_rng(0).normal(size=(2, 3, 7, 8)).astype(np.float32)
    wanted, got = (
        onnxruntime.InferenceSession(
            either.SerializeToString(), providers=["CPUExecutionProvider"]
        ).run(None, {"cutouts": images})[0]
        for either in (model, plain)
    )
    np.testing.assert_allclose(got, wanted, atol=1e-6)
