"""From an untrained network and sixty labels to a model, as any other."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.errors import BundleError, OutputError, RecipeError, RunError
from galaxyclass.explanation.answer_of import ExplainedOutput
from galaxyclass.explanation.gradients import GradientMaps, RandomBackend
from galaxyclass.finetuning import finetune as finetune_module
from galaxyclass.finetuning import network_training
from galaxyclass.finetuning.beginning import open_beginning
from galaxyclass.finetuning.finetuned import Finetuned
from galaxyclass.finetuning.network_training import NetworkSchedule
from galaxyclass.images.packs.write import pack
from galaxyclass.model.answer_shares import answer_shares, same_question
from galaxyclass.model.brightness_profile import brightness_profile
from galaxyclass.model.bundle.manifest import Quantisation
from galaxyclass.model.export.folded import float_layers, folded, input_values
from galaxyclass.model.export.graph import trace
from galaxyclass.model.frames import cut_frames
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.probe import read_probe
from galaxyclass.networks.probed import ProbedNetwork
from galaxyclass.networks.weights import load_weights
from tests.finetuning.conftest import Classes


@pytest.fixture(scope="module")
def finetuned(base: Path, classes: Classes, tmp_path_factory: pytest.TempPathFactory) -> Finetuned:
    folder = tmp_path_factory.mktemp("runs") / "kinds"
    return galaxyclass.finetune(
        base, classes.dataset, output=folder, network="never", cache=classes.cache
    )


def test_is_scored_within_the_labels(finetuned: Finetuned) -> None:
    assert finetuned.galaxies == 60
    assert [rung.key for rung in finetuned.rungs] == ["simplest", "one_answer", "probe"]
    assert finetuned.score.value > finetuned.rungs[0].score.value
    assert finetuned.curve is not None
    metrics = json.loads((finetuned.folder / "metrics.json").read_text())
    assert metrics["parts"]["out_of_fold"]["value"] == pytest.approx(finetuned.score.value)


def test_is_a_model_as_any_other(base: Path, finetuned: Finetuned, classes: Classes) -> None:
    model = galaxyclass.load_model(finetuned.folder)
    predictions = model.predict(str(classes.images), include=["strangeness"])
    assert predictions.table.column_names[:4] == ["GalaxyID", "other", "smooth", "kind"]
    assert len(predictions) == 60
    # The probe on the mean of what the network alone says of three parts of each image.
    manifest, below = finetuned.bundle.manifest, galaxyclass.load_model(base)
    assert manifest.preprocessing.size == 32
    assert manifest.network.preprocessing == below.bundles[0].manifest.preprocessing
    packed = pack(sorted(classes.images.iterdir()), manifest.preprocessing, cache=classes.cache)
    parts = cut_frames(np.array(packed.images), manifest.frames, 16)
    answers = below.predict(list(parts)).table
    values = np.column_stack([answers[name].to_numpy() for name in below.task.names])
    values, features, profile = (
        (2 * array[:60] + array[60:120] + array[120:]) / 4
        for array in (values, below.embed(list(parts)), brightness_profile(parts))
    )
    shares = answer_shares(values, same_question(below.task))
    raw = read_probe(finetuned.bundle).linear_outputs(features, shares, profile)
    wanted = model.task.from_linear(raw)
    shown = np.column_stack([predictions.table[name].to_numpy() for name in ("other", "smooth")])
    assert np.allclose(shown, wanted, atol=1e-4)
    assert "16 px RGB in frames of 100 %, 71 %, 50 % of the image" in repr(model)
    assert "3 times as long" in model.card
    assert model.embed(str(classes.images)).shape == below.embed(str(classes.images)).shape


def test_says_what_it_learnt(finetuned: Finetuned, classes: Classes, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no galaxy to score"):
        galaxyclass.evaluate(finetuned.folder, classes.dataset, output=tmp_path / "scores")
    with pytest.raises(BundleError, match="cannot be combined"):
        galaxyclass.combine([finetuned.folder, finetuned.folder], output=tmp_path / "both")


def test_can_be_finetuned_again(finetuned: Finetuned, classes: Classes, tmp_path: Path) -> None:
    again = galaxyclass.load_model(finetuned.folder).finetune(
        classes.dataset, output=tmp_path / "again", network="never", cache=classes.cache
    )
    assert again.score == finetuned.score
    assert again.bundle.manifest.frames == finetuned.bundle.manifest.frames
    with pytest.raises(OutputError):
        galaxyclass.finetune("pretrained", classes.dataset, output=tmp_path / "again")


def test_sees_another_part_of_the_images(base: Path, classes: Classes, tmp_path: Path) -> None:
    dataset, output = classes.dataset, tmp_path / "near"
    near = galaxyclass.finetune(
        base,
        dataset,
        output=output,
        network="never",
        settings={"images.frame": 24},
        cache=classes.cache,
    )
    assert near.bundle.manifest.preprocessing.frame == 24
    assert near.model.bundles[0].manifest.preprocessing.frame == 24
    assert not near.bundle.manifest.frames
    assert len(near.model.predict(str(classes.images))) == 60
    with pytest.raises(RecipeError, match=r"no setting but images\.frame") as caught:
        galaxyclass.finetune(base, dataset, output=tmp_path / "no", settings=["training.epochs=3"])
    assert "training.epochs" in str(caught.value.got)


def test_frames_are_stated(base: Path) -> None:
    with open_beginning(base, None, {"images.frame": [24, 48, 36]}) as beginning:
        assert (beginning.preprocessing.frame, beginning.preprocessing.size) == (48, 32)
        assert [frame.share for frame in beginning.frames] == [1, 0.75, 0.5]
        assert len({frame.weight for frame in beginning.frames}) == 1
    with open_beginning("pretrained", None) as beginning:
        assert (beginning.preprocessing.frame, beginning.preprocessing.size) == (290, 194)
        assert [frame.weight for frame in beginning.frames] == [0.25, 0.5, 0.25]
    for wrong in ("24,none", "24,,36", "24,near", "8,2000"):
        with (
            pytest.raises(RecipeError) as caught,
            open_beginning(base, None, [f"images.frame={wrong}"]),
        ):
            pass
        assert "images.frame" in f"{caught.value} {caught.value.got}"


def test_a_cutout_of_the_object_has_no_frames(base: Path) -> None:
    bundle = galaxyclass.load_bundle(base)
    changed = bundle.manifest.preprocessing.model_copy(update={"cutout": "object"})
    bundle = replace(bundle, manifest=replace(bundle.manifest, preprocessing=changed))
    model = Model([base], [bundle], InferenceOptions())
    with open_beginning(model, None) as beginning:
        assert beginning.frames == ()
        assert beginning.preprocessing == changed
    with (
        pytest.raises(RecipeError, match="has no frame"),
        open_beginning(model, None, ["images.frame=24"]),
    ):
        pass


@pytest.mark.slow
def test_is_exported_with_its_probe(finetuned: Finetuned, classes: Classes, tmp_path: Path) -> None:
    model = galaxyclass.load_model(finetuned.folder)
    exported = model.export(output=tmp_path / "kinds.onnx")
    assert exported.check.difference < 1e-4
    again = galaxyclass.load_model(tmp_path / "kinds.onnx")
    tables = [each.predict(str(classes.images)).table for each in (model, again)]
    first, second = (table["smooth"].to_numpy() for table in tables)
    assert np.allclose(first, second, atol=1e-4)
    assert repr(again).partition("frames")[2].startswith(" of 100 %, 71 %, 50 % of the image")
    # Its weights can be recovered, the probe's among them.
    shape = (2, *finetuned.bundle.manifest.preprocessing.shape)
    cutouts = torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    with torch.inference_mode():
        own, recovered = (
            load_weights(bundle).estimate(cutouts).values
            for bundle in (finetuned.bundle, galaxyclass.load_bundle(tmp_path / "kinds.onnx"))
        )
    torch.testing.assert_close(recovered, own, rtol=1e-6, atol=1e-6)


def test_the_probe_and_the_frames_stay_in_floats(finetuned: Finetuned, tmp_path: Path) -> None:
    """Of an export in 8 bits: a share that is rounded to 0 has no logarithm."""
    network = load_weights(finetuned.bundle)
    assert isinstance(network, ProbedNetwork)
    network.drop_auxiliary()
    graph = folded(trace(network, finetuned.bundle.manifest), tmp_path / "folded.onnx")
    kept = float_layers(graph)
    rounded = [node for node in graph.graph.node if node.name not in kept]
    assert {"Conv", "Relu"} <= {node.op_type for node in rounded}
    assert not {"MatMul", "Gemm", "Clip"}.intersection(node.op_type for node in rounded)
    assert input_values(graph) is not None  # frames are grey levels, too


def test_network_is_trained_where_it_is_asked_for(
    base: Path, classes: Classes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        network_training, "FEW_LABELS", NetworkSchedule(epochs=2, patience=2, rate=3e-4)
    )
    rounded = galaxyclass.load_bundle(base)
    rounded = replace(
        rounded, manifest=replace(rounded.manifest, quantisation=Quantisation(16, 0, 8, 0.1, 0.1))
    )
    beginning = Model([base], [rounded], InferenceOptions())
    finetuned = galaxyclass.finetune(
        beginning, classes.dataset, output=tmp_path / "run", network="always", cache=classes.cache
    )
    assert finetuned.chosen == "network"
    assert finetuned.bundle.manifest.quantisation is None  # its weights are new
    weights = [
        galaxyclass.load_bundle(each).weights.read_bytes() for each in (base, tmp_path / "run")
    ]
    assert weights[0] != weights[1]
    predictions = finetuned.model.predict(str(classes.images))
    assert len(predictions) == 60


def test_votes(base: Path, classes: Classes, tmp_path: Path) -> None:
    votes = classes.images.parent / "votes.csv"
    finetuned = galaxyclass.finetune(
        base, classes.images, votes, output=tmp_path / "v", network="never", cache=classes.cache
    )
    # An untrained network knows nothing of votes: its probe is the mean, nearly.
    assert finetuned.score.value < 1.05 * finetuned.rungs[0].score.value
    table = finetuned.model.predict(str(classes.images)).table
    first = sum(table[f"Class1.{number}"].to_numpy() for number in (1, 2, 3))
    assert np.allclose(first, 1, atol=1e-5)


def test_suspects_by_command(
    base: Path, classes: Classes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "suspects.csv"
    arguments = ["--images", classes.images, "--table", classes.table, "--cache", classes.cache]
    arguments += ["--target", "kind", "--output", output, "--count", 3]
    assert main(["suspects", str(base), *map(str, arguments)]) == 0
    printed = capsys.readouterr().out
    assert re.search("of 60 labels (is|are) probably wrong", printed)
    lines = output.read_text().splitlines()
    assert lines[0] == "GalaxyID,label,suggestion,score,probable,path"
    scores = [float(line.split(",")[3]) for line in lines[1:]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.skipif(importlib.util.find_spec("captum") is None, reason="needs captum")
def test_is_explained_by_its_own_answer(finetuned: Finetuned, classes: Classes) -> None:
    seen = finetuned.bundle.manifest.preprocessing
    shape = (1, seen.size, seen.size, seen.channels)
    cutout = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    sky = np.full_like(cutout[0], 20)
    for method in ("gradients", "cam"):
        maps = [
            GradientMaps(finetuned.bundle, method, ExplainedOutput(index))(cutout[0], sky)
            for index in (0, 1)
        ]
        # What speaks for one of two classes speaks against the other.
        assert np.allclose(maps[0], -maps[1], atol=1e-5)
        assert np.ptp(maps[0]) > 0
    random = RandomBackend(finetuned.bundle, 0)(cutout).values
    assert np.array_equal(random, RandomBackend(finetuned.bundle, 0)(cutout).values)
    assert random.shape == (1, 2)


def test_numbers_have_intervals_at_once(base: Path, classes: Classes, tmp_path: Path) -> None:
    votes = classes.images.parent / "votes.csv"
    dataset = Dataset(classes.images, votes, numbers="Class1.1")
    finetuned = galaxyclass.finetune(
        base, dataset, output=tmp_path / "n", network="never", cache=classes.cache
    )
    table = finetuned.model.predict(str(classes.images), include=["uncertainty"]).table
    low, value, high = (table[f"Class1.1{end}"].to_numpy() for end in ("_lower", "", "_upper"))
    assert ((low <= value) & (value <= high)).all()
    assert (low < high).any()


def test_a_training_that_brings_too_little_is_given_up_after_a_fold(
    base: Path,
    classes: Classes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    schedule = NetworkSchedule(epochs=2, patience=2, rate=1e-12, score_every=2)
    monkeypatch.setattr(network_training, "FEW_LABELS", schedule)
    monkeypatch.setattr(finetune_module, "FEWEST_FOR_NETWORK", 60)
    with caplog.at_level("INFO"):
        finetuned = galaxyclass.finetune(
            base, classes.dataset, output=tmp_path / "run", cache=classes.cache
        )
    assert finetuned.chosen == "probe"
    announced, given_up = (record.getMessage() for record in caplog.records[-2:])
    assert "takes less than a minute at most" in announced
    assert "`network='never'` leaves this out" in announced
    assert "does not pay: on 1 fold of 3" in given_up
