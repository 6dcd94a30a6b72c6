"""Several runs as one model: it says their mean, wherever a run can be named."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from galaxyclass.cli.main import main
from galaxyclass.data.leakage import read_used_galaxies
from galaxyclass.errors import BundleError, OutputError, RunError
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.recovered import recover_weights
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.model.export.export import export
from galaxyclass.model.load import load_model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.predict import predict
from galaxyclass.networks.weights import load_weights
from galaxyclass.training.combine import combine
from galaxyclass.training.train import train
from tests.support.sky import TINY, Sky, changed

#: Few layers: an ensemble of three is soon exported.
SETTINGS = changed(TINY, "model.width=1", "model.encoder=two_layer_cnn", "training.epochs=1")


@pytest.fixture(scope="module")
def runs(sky: Sky, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two trainings of one recipe, of other seeds, on other galaxies."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        train(
            "fast",
            sky.images,
            sky.table,
            output=folder / str(seed),
            settings=SETTINGS,
            seed=seed,
            cache=sky.cache,
        )
    return [folder / "0", folder / "1"]


def predicted(runs: list[Path] | Path, sky: Sky, output: Path) -> np.ndarray:
    predict(runs, sky.images, output=output, options=InferenceOptions(workers=1))
    with output.open(newline="") as file:
        return np.array([row[1:] for row in list(csv.reader(file))[1:]], dtype=float)


def test_it_predicts_the_mean(runs: list[Path], sky: Sky, tmp_path: Path) -> None:
    made = combine(runs, output=tmp_path / "both")
    assert made.split
    assert made.bundle.manifest.members == 2
    several: list[list[Path] | Path] = [runs[0], runs[1], runs, made.folder]
    one, other, both, mean = (
        predicted(run, sky, tmp_path / f"{name}.csv") for name, run in enumerate(several)
    )
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_allclose(mean, both, atol=2e-6)
    np.testing.assert_allclose(mean, (one + other) / 2, atol=2e-6)


def test_what_any_of_them_was_trained_on_it_was_trained_on(
    runs: list[Path], tmp_path: Path
) -> None:
    seen = [
        read_used_galaxies(run) for run in (*runs, combine(runs, output=tmp_path / "both").folder)
    ]
    first, second, both = (one.digests["train"] for one in seen if one is not None)
    assert first != second
    assert both == first | second


@pytest.mark.slow
def test_it_can_be_exported_and_combined_again(runs: list[Path], sky: Sky, tmp_path: Path) -> None:
    both = combine(runs, output=tmp_path / "both").folder
    three = combine([both, runs[0]], output=tmp_path / "three")
    assert three.bundle.manifest.members == 3
    exported = export(three.folder, output=tmp_path / "three.onnx")
    assert exported.check.difference < 1e-4
    names = recover_weights(exported.output)
    assert {name.split(".")[1] for name in names} == {"0", "1", "2"}
    want = predicted([*runs, runs[0]], sky, tmp_path / "want.csv")
    np.testing.assert_allclose(predicted(three.folder, sky, tmp_path / "p.csv"), want, atol=2e-6)


def test_its_first_encoder_can_be_finetuned(runs: list[Path], sky: Sky, tmp_path: Path) -> None:
    both = combine(runs, output=tmp_path / "both").folder
    settings = changed(SETTINGS, "optimizer.lr=1e-12", "optimizer.kernel_lr=1e-12")
    trained = train(
        "fast",
        sky.images,
        sky.table,
        output=tmp_path / "auxiliary",
        settings=[*settings, f"model.weights={both}", "training.ema=0"],
        cache=sky.cache,
    )
    mine, first = (
        load_weights(load_bundle(run)).networks[0].encoder.state_dict()
        for run in (trained.folder, runs[0])
    )
    name = "body.0.weight"
    np.testing.assert_allclose(mine[name].numpy(), first[name].numpy(), atol=1e-6)


def test_what_is_not_alike_is_not_combined(runs: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    manifest = load_bundle(runs[1]).manifest
    larger = manifest.preprocessing.model_copy(update={"size": 33})
    save_bundle(
        other,
        replace(manifest, preprocessing=larger),
        {"weights": lambda path: path.write_bytes(b"of no matter")},
    )
    with pytest.raises(BundleError, match="they are not alike"):
        combine([runs[0], other], output=tmp_path / "both")
    assert not (tmp_path / "both").exists()
    with pytest.raises(RunError, match="nothing to combine"):
        combine(runs[:1], output=tmp_path / "both")
    with pytest.raises(RunError, match="the same network twice"):
        combine([runs[0], runs[0]], output=tmp_path / "both")
    model = load_model(runs[0])
    with pytest.raises(RunError, match="the same network twice"):
        combine([model, model], output=tmp_path / "both")
    with pytest.raises(OutputError, match="here already"):
        combine(runs, output=other)


def test_a_bundle_that_does_not_say_what_it_saw(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    for file in (runs[1] / "bundle").iterdir():
        (alone / file.name).write_bytes(file.read_bytes())
    code = main(["combine", str(runs[0]), str(alone), "--output", str(tmp_path / "both")])
    said = capsys.readouterr().out
    assert code == 0
    assert "2 networks as one model" in said
    assert "are not known either" in said
    assert not (tmp_path / "both" / "split.csv").exists()
