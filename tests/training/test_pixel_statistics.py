"""Statistics of each pixel against scikit-learn's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from sklearn.preprocessing import StandardScaler

from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.images.packs.write import pack
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.networks.network import Network
from galaxyclass.networks.weights import load_weights
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.read import load_recipe
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.training.pixel_statistics import fit_statistics
from galaxyclass.training.train import train
from tests.support.sky import TINY, Sky, changed

OUTPUTS = ClassTask("class", ("a", "b"), (0.5, 0.5))


def test_as_scikit_learn_has_it() -> None:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (300, 8, 8, 3)).astype(np.uint8)
    images[:, 0, 0, 0] = 7  # a pixel that never changes
    galaxies = Galaxies(images, np.arange(300), np.zeros(300, np.float32))
    model = NetworkSettings(encoder="residual", head="softmax", normalisation="per_feature")
    network = Network(model, Preprocessing(size=8), OUTPUTS)
    mean, spread = fit_statistics(network, galaxies)
    scaler = StandardScaler().fit(images.reshape(300, -1) / 255)
    expected = scaler.mean_.reshape(8, 8, 3).transpose(2, 0, 1)
    np.testing.assert_allclose(mean[0], expected, atol=1e-6)
    expected = scaler.scale_.reshape(8, 8, 3).transpose(2, 0, 1)
    np.testing.assert_allclose(spread[0], expected, rtol=1e-5)


def test_statistics_travel_with_the_weights(sky: Sky, tmp_path: Path) -> None:
    settings = changed(TINY, "training.epochs=1", "model.normalisation=per_feature")
    trained = train(
        "fast",
        sky.images,
        sky.table,
        output=tmp_path / "run",
        settings=settings,
        cache=sky.cache,
        workers=1,
    )
    network = load_weights(load_bundle(trained.folder))
    assert network.mean.shape == (1, 3, 16, 16)
    packed = pack(
        sorted(str(path) for path in sky.images.iterdir()),
        load_recipe("fast", settings).images,
        cache=sky.cache,
        workers=1,
    )
    lines = (trained.folder / "split.csv").read_text().splitlines()[1:]
    ids = {line.split(",")[0] for line in lines if line.split(",")[1] == "train"}
    rows = [i for i, record in enumerate(packed.records) if Path(record.path).stem in ids]
    expected = packed.images[rows].mean(axis=0).transpose(2, 0, 1) / 255
    assert isinstance(network, Network)
    np.testing.assert_allclose(network.mean[0], expected, atol=1e-6)
    assert json.loads((trained.folder / "bundle" / "manifest.json").read_text())
