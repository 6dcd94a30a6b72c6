"""The backend that runs a bundle's own weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from galaxyclass.bundles import load_bundle, save_bundle
from galaxyclass.errors import BundleError, DeviceError, MissingExtraError
from galaxyclass.prediction import open_backend, predict
from galaxyclass.recipes import Model, Preprocessing
from galaxyclass.trees import broken_sums

torch = pytest.importorskip("torch")


@pytest.fixture
def run(fake, tmp_path):
    from galaxyclass.models import build_network, write_weights

    manifest = replace(
        load_bundle(fake.save_run(tmp_path / "plain")).manifest,
        preprocessing=Preprocessing(cutout="centre", frame=32, size=64),
        model=Model(encoder="residual", head="tree"),
    )
    torch.manual_seed(0)
    network = build_network(manifest).eval()
    save_bundle(tmp_path / "run", manifest, lambda path: write_weights(network, path))
    return tmp_path / "run", network


def test_gives_what_the_network_gives(fake, run):
    folder, network = run
    cutouts = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3)).astype(np.uint8)
    values = open_backend(load_bundle(folder), "cpu")(cutouts)
    assert values.dtype == np.float32
    with torch.no_grad():
        expected = network.predict(torch.from_numpy(cutouts)).numpy()
    np.testing.assert_array_equal(values, expected)
    assert not broken_sums(fake.TREE, values, 1e-6).any()


def test_from_images_to_a_table(fake, run, tmp_path):
    fake.save_images(tmp_path / "sky", 5)
    summary = predict(run[0], tmp_path / "sky", tmp_path / "p.csv", device="cpu")
    assert summary.predicted == 5
    assert not [one for one in summary.warnings if "tree" in one]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_not_there(run):
    with pytest.raises(DeviceError, match=r"'cuda' is not there(?s:.*)--device auto"):
        open_backend(load_bundle(run[0]), "cuda")


def test_weights_of_another_network(fake, tmp_path):
    bundle = load_bundle(fake.save_run(tmp_path / "run"))
    with pytest.raises(BundleError):
        open_backend(bundle, "cpu")


def test_without_torch_the_message_has_the_line_to_type(run, monkeypatch):
    import sys

    bundle = load_bundle(run[0])
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r'pip install "galaxyclass\[train\]"'):
        open_backend(bundle, "cpu")


def test_out_of_memory_says_which_option_to_lower(run, monkeypatch):
    backend = open_backend(load_bundle(run[0]), "cpu")

    def full(images):
        raise torch.OutOfMemoryError("no")

    monkeypatch.setattr(backend, "_network", type("Full", (), {"predict": staticmethod(full)}))
    with pytest.raises(DeviceError, match=r"128 galaxies at once(?s:.*)--batch-size 64"):
        backend(np.zeros((128, 64, 64, 3), np.uint8))
