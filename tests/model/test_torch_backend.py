"""The backend that runs a bundle's own weights."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import simplejpeg
import torch
from numpy.typing import NDArray
from torch import OutOfMemoryError

from galaxyclass.data.catalog.derive import FIVE
from galaxyclass.errors import (
    BundleError,
    DeviceError,
    MissingExtraError,
    PredictionInterruptedError,
)
from galaxyclass.model.backends.backend import natural_batch_size
from galaxyclass.model.backends.open_backend import open_backend
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.model.load import load_model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.predict import predict
from galaxyclass.networks.network import Network, NetworkOutput
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.classes.task import ClassTask
from tests.support import fake
from tests.support.sums import broken_sums


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Any]:
    """Save a run of that name, trained in that precision, and give its network too."""
    from galaxyclass.networks.network import build_network
    from galaxyclass.networks.weights import write_weights

    def make(
        name: str = "run", precision: Any = "fp32", auxiliary: tuple[ClassTask, ...] = ()
    ) -> tuple[Path, Network]:
        manifest = replace(
            load_bundle(fake.save_run(tmp_path / "plain")).manifest,
            preprocessing=Preprocessing(cutout="centre", frame=32, size=64),
            model=NetworkSettings(encoder="residual", head="tree"),
            precision=precision,
            auxiliary=auxiliary,
        )
        torch.manual_seed(0)
        network = build_network(manifest).eval()
        assert isinstance(network, Network)
        with torch.no_grad():  # as its first layers, so that galaxies differ
            network.last.weight.mul_(20)
        save_bundle(
            tmp_path / name, manifest, {"weights": lambda path: write_weights(network, path)}
        )
        return tmp_path / name, network

    return make


@pytest.fixture
def run(make_run: Callable[..., Any]) -> tuple[Path, Network]:
    return make_run()


@pytest.fixture
def has_bfloat16(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Say whether the machine has it; torch computes in it either way."""

    def say(answer: bool) -> None:
        monkeypatch.setattr("galaxyclass.networks.precision.has_bfloat16", lambda device: answer)

    return say


@pytest.fixture
def sky(tmp_path: Path) -> Path:
    paths = fake.save_images(tmp_path / "sky", 90)
    paths[7].write_text("not an image")
    return tmp_path / "sky"


def test_gives_what_the_network_gives(run: tuple[Path, Network]) -> None:
    folder, network = run
    cutouts = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3)).astype(np.uint8)
    said = open_backend(load_bundle(folder), "cpu")(cutouts)
    assert said.values.dtype == said.features.dtype == np.float32
    with torch.no_grad():
        expected = network.estimate(torch.from_numpy(cutouts))
    # channels lie in another order
    np.testing.assert_allclose(said.values, expected.values.numpy(), atol=1e-6)
    np.testing.assert_allclose(said.features, expected.features.numpy(), atol=1e-5)
    assert said.features.shape[1] == network.last.in_features
    assert said.auxiliary == ()
    assert not broken_sums(fake.TREE, said.values, 1e-6).any()


def test_views_ensembles_and_columns_besides_are_what_the_networks_give(
    make_run: Callable[..., Any], tmp_path: Path
) -> None:
    """From images to a table, by two networks in lanes, one of them trained without mirrors."""
    from galaxyclass.images.fast_cutout import read_cutout
    from galaxyclass.model.views import make_views
    from galaxyclass.networks.weights import write_weights

    five = fake.class_outputs(*sorted(FIVE["galaxy_zoo_2"]))
    runs = [make_run(name, auxiliary=(five,)) for name in "ab"]
    with torch.no_grad():
        runs[1][1].last.weight.neg_()
    manifest = replace(load_bundle(runs[1][0]).manifest, mirrors=False)
    save_bundle(runs[1][0], manifest, {"weights": lambda path: write_weights(runs[1][1], path)})
    paths = fake.save_images(tmp_path / "sky", 40)
    rng = np.random.default_rng(2)
    for path in paths:
        blocks = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
        path.write_bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(blocks), quality=90))
    folders = [folder for folder, _ in runs]
    include = ["embedding", "five_classes"]
    output = tmp_path / "p.parquet"
    predict(
        folders,
        paths,
        output=output,
        options=InferenceOptions(device="cpu", views=6, workers=2),
        include=include,
    )
    table = pq.read_table(output)
    cutouts = np.stack([read_cutout(path, manifest.preprocessing) for path in paths])
    said = [
        [network.estimate(torch.from_numpy(view)) for view in make_views(cutouts, 6, mirrors=False)]
        for _, network in runs
    ]

    def column(names: list[str] | tuple[str, ...]) -> NDArray[Any]:
        return np.stack([table[name].to_numpy() for name in names], axis=1)

    def mean(estimates: list[NetworkOutput], part: Callable[..., Any]) -> NDArray[Any]:
        return np.mean([part(one).detach().numpy() for one in estimates], axis=0)

    both = [one for estimates in said for one in estimates]
    assert np.std([one.values.detach().numpy() for one in said[0]], axis=0).max() > 0.01
    values = column(fake.TREE.layout("challenge").columns)
    np.testing.assert_allclose(values, mean(both, lambda one: one.values), atol=1e-5)
    classes = column(sorted(FIVE["galaxy_zoo_2"]))
    np.testing.assert_allclose(classes, mean(both, lambda one: one.auxiliary[0]), atol=1e-5)
    embedding = column([f"embedding_{place}" for place in range(2 * 256)])
    for place, estimates in enumerate(said):
        mine = embedding[:, 256 * place : 256 * (place + 1)]
        np.testing.assert_allclose(mine, mean(estimates, lambda one: one.features), atol=1e-4)


def test_from_images_to_a_table(run: tuple[Path, Network], tmp_path: Path) -> None:
    fake.save_images(tmp_path / "sky", 5)
    summary = predict(
        run[0], tmp_path / "sky", output=tmp_path / "p.csv", options=InferenceOptions(device="cpu")
    )
    assert summary.predicted == 5
    assert not [one for one in summary.warnings if "tree" in one]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_not_there(run: tuple[Path, Network]) -> None:
    with pytest.raises(DeviceError, match=r"'cuda' is not there(?s:.*)`device='auto'`"):
        open_backend(load_bundle(run[0]), "cuda")


def test_weights_of_another_network(tmp_path: Path) -> None:
    bundle = load_bundle(fake.save_run(tmp_path / "run"))
    with pytest.raises(BundleError):
        open_backend(bundle, "cpu")


def test_without_torch_the_message_has_the_line_to_type(
    run: tuple[Path, Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    bundle = load_bundle(run[0])
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r'pip install "galaxyclass\[train\]"'):
        open_backend(bundle, "cpu")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("no"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    ],
)
def test_out_of_memory_says_which_option_to_lower(
    run: tuple[Path, Network],
    monkeypatch: pytest.MonkeyPatch,
    error: OutOfMemoryError | RuntimeError,
) -> None:
    backend: Any = open_backend(load_bundle(run[0]), "cpu")

    def full(images: torch.Tensor) -> None:
        raise error

    monkeypatch.setattr(backend, "network", type("Full", (), {"estimate": staticmethod(full)}))
    with pytest.raises(DeviceError, match=r"128 galaxies at once(?s:.*)`batch_size=64`"):
        backend(np.zeros((128, 64, 64, 3), np.uint8))


def test_another_error_of_the_network_stays_what_it_is(run: tuple[Path, Network]) -> None:
    with pytest.raises(RuntimeError, match="size of tensor"):
        open_backend(load_bundle(run[0]), "cpu")(np.zeros((2, 64, 64, 5), np.uint8))


def _new_threads_get() -> int:
    answer = []
    thread = threading.Thread(target=lambda: answer.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return answer[0]


@pytest.mark.parametrize("own", [1, 3])
def test_lanes_leave_everybody_elses_threads_alone(
    run: tuple[Path, Network], sky: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: int
) -> None:
    folder, _ = run
    inside: set[tuple[int, int]] = set()
    backend: Any = open_backend(load_bundle(folder), "cpu")
    estimate_batch = backend.network.estimate

    def note(images: torch.Tensor) -> NetworkOutput:
        inside.add((threading.get_ident(), torch.get_num_threads()))
        return estimate_batch(images)

    monkeypatch.setattr(backend.network, "estimate", note)
    before = torch.get_num_threads(), _new_threads_get()
    torch.set_num_threads(own)
    try:
        predict(
            load_model(folder, backend=backend),
            sky,
            output=tmp_path / "p.csv",
            options=InferenceOptions(batch_size=5, workers=3),
        )
        assert (torch.get_num_threads(), _new_threads_get()) == (own, own)
        assert {threads for _, threads in inside} == {1}
        assert threading.get_ident() not in {thread for thread, _ in inside}
    finally:
        torch.set_num_threads(before[0])


def test_the_number_of_lanes_changes_no_byte(
    run: tuple[Path, Network], sky: Path, tmp_path: Path
) -> None:
    for workers in (1, 2, 5):
        predict(
            run[0],
            sky,
            output=tmp_path / f"{workers}.csv",
            options=InferenceOptions(device="cpu", workers=workers),
        )
    whole = (tmp_path / "1.csv").read_bytes()
    assert whole.count(b"\n") == 90
    assert (tmp_path / "2.csv").read_bytes() == whole
    assert (tmp_path / "5.csv").read_bytes() == whole


def test_the_batch_size_changes_only_roundings(
    run: tuple[Path, Network], sky: Path, tmp_path: Path
) -> None:
    tables = []
    for size in (None, 7, 64):
        output = tmp_path / f"{size}.csv"
        predict(run[0], sky, output=output, options=InferenceOptions(device="cpu", batch_size=size))
        tables.append(np.genfromtxt(output, delimiter=",", skip_header=1))
    assert tables[0].shape == (89, 38)
    assert tables[0][:, 1:].std(axis=0).max() > 0.01
    for other in tables[1:]:
        np.testing.assert_allclose(other, tables[0], atol=1e-6)


@pytest.mark.usefixtures("small_parts")
def test_stopped_in_a_lane_and_gone_on_with_gives_the_same_bytes(
    run: tuple[Path, Network], sky: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with parts that do not end where batches of another size would."""
    folder, _ = run
    predict(
        folder,
        sky,
        output=tmp_path / "whole.csv",
        options=InferenceOptions(device="cpu", batch_size=7),
    )
    backend: Any = open_backend(load_bundle(folder), "cpu")
    calls: list[int] = []
    estimate_batch = backend.network.estimate

    def stopped(images: torch.Tensor) -> NetworkOutput | None:
        calls.append(len(images))
        if len(calls) == 7:
            raise KeyboardInterrupt
        return estimate_batch(images)

    monkeypatch.setattr(backend.network, "estimate", stopped)
    with pytest.raises(PredictionInterruptedError, match="of 90 images are done"):
        predict(
            load_model(folder, backend=backend),
            sky,
            output=tmp_path / "p.csv",
            options=InferenceOptions(batch_size=7, workers=2),
        )
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith("ordered-pool")
    ]
    summary = predict(
        folder,
        sky,
        output=tmp_path / "p.csv",
        options=InferenceOptions(device="cpu", batch_size=7, workers=3),
    )
    assert summary.resumed >= 21
    assert (tmp_path / "p.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_outputs_of_a_wrong_shape_are_told_in_the_callers_thread(
    run: tuple[Path, Network], sky: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxyclass.networks.network import NetworkOutput

    backend: Any = open_backend(load_bundle(run[0]), "cpu")

    def five(images: torch.Tensor) -> NetworkOutput:
        return NetworkOutput(torch.zeros(len(images), 5), (), torch.zeros(len(images), 3))

    monkeypatch.setattr(backend.network, "estimate", five)
    with pytest.raises(BundleError, match=r"\(32, 5\)|\(31, 5\)"):
        predict(load_model(run[0], backend=backend), sky, output=tmp_path / "p.csv")


def test_bfloat16_where_it_was_trained_in_it_and_the_machine_has_it(
    make_run: Callable[..., Any], sky: Path, tmp_path: Path, has_bfloat16: Callable[..., Any]
) -> None:
    has_bfloat16(True)
    folder, _ = make_run("trained", precision="bf16")
    tables = {}
    for precision in ("auto", "bf16", "fp32"):
        output = tmp_path / f"{precision}.csv"
        summary = predict(
            folder, sky, output=output, options=InferenceOptions(device="cpu", precision=precision)
        )
        tables[precision] = np.genfromtxt(output, delimiter=",", skip_header=1)[:, 1:]
        said = "Computed in bfloat16; `precision='fp32'` takes 32-bit floats." in summary.notes
        assert said == (precision != "fp32")
    np.testing.assert_array_equal(tables["auto"], tables["bf16"])
    difference = np.abs(tables["auto"] - tables["fp32"])
    assert 1e-6 < difference.max() < 0.02
    assert not broken_sums(fake.TREE, tables["auto"], 1e-5).any()


def test_bfloat16_is_part_of_what_a_prediction_depends_on(
    make_run: Callable[..., Any],
    sky: Path,
    tmp_path: Path,
    has_bfloat16: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("galaxyclass.model.job.CHUNK_SECONDS", 0.0)
    has_bfloat16(True)
    folder, _ = make_run("trained", precision="bf16")
    backend: Any = open_backend(load_bundle(folder), "cpu")
    calls: list[int] = []
    estimate_batch = backend.network.estimate

    def stopped(images: torch.Tensor) -> NetworkOutput | None:
        calls.append(len(images))
        if len(calls) > 5:
            raise KeyboardInterrupt
        return estimate_batch(images)

    monkeypatch.setattr(backend.network, "estimate", stopped)
    with pytest.raises(PredictionInterruptedError):
        predict(
            load_model(folder, backend=backend),
            sky,
            output=tmp_path / "p.csv",
            options=InferenceOptions(batch_size=10, workers=1),
        )
    has_bfloat16(False)
    summary = predict(
        folder,
        sky,
        output=tmp_path / "p.csv",
        options=InferenceOptions(device="cpu", batch_size=10),
    )
    assert summary.resumed == 0
    assert "Chunks of another job" in " ".join(summary.notes)


@pytest.mark.parametrize(
    ("wanted", "trained", "native", "precision", "note"),
    [
        ("auto", "fp32", True, "fp32", ""),
        ("auto", "bf16", True, "bf16", "Computed in bfloat16"),
        ("auto", "bf16", False, "fp32", ""),
        ("fp32", "bf16", True, "fp32", ""),
        ("bf16", "fp32", True, "bf16", "Computed in bfloat16"),
        ("bf16", "fp32", False, "fp32", "this machine does not have bfloat16"),
    ],
)
def test_which_precision(
    make_run: Callable[..., Any],
    has_bfloat16: Callable[..., Any],
    wanted: Any,
    trained: str,
    native: bool,
    precision: str,
    note: str,
) -> None:
    has_bfloat16(native)
    folder, _ = make_run("other", precision=trained)
    backend: Any = open_backend(load_bundle(folder), "cpu", wanted)
    assert backend.precision == precision
    assert note in backend.note
    assert bool(note) == bool(backend.note)


@pytest.mark.parametrize(("side", "images"), [(8, 128), (64, 32), (128, 8), (150, 5), (512, 4)])
def test_the_natural_batch_in_a_lane_follows_from_the_cutout_alone(
    run: tuple[Path, Network], side: int, images: int
) -> None:
    settings = Preprocessing(size=side)
    assert natural_batch_size(open_backend(load_bundle(run[0]), "cpu"), settings) == images
    assert natural_batch_size(fake.TreeBackend(), settings) == 128
