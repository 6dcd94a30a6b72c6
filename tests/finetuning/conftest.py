"""A small untrained network, and simulated galaxies with classes that it can tell apart."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.images.packs.write import pack
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.networks.heads import resolve_head
from galaxyclass.networks.network import Network
from galaxyclass.networks.weights import write_weights
from galaxyclass.recipes.read import load_recipe
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.read import load_tree
from tests.support.sky import Sky
from tests.support.threads import one_thread  # noqa: F401


@dataclass(frozen=True)
class Classes:
    """Simulated galaxies, smooth or not, and a folder for packs."""

    images: Path
    table: Path
    cache: Path

    @property
    def dataset(self) -> Dataset:
        return Dataset(self.images, self.table, target_column="kind")


@pytest.fixture(scope="session")
def base(small_sky: Sky, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of an untrained network of votes, whose batch normalisation knows galaxies."""
    recipe = load_recipe("fast", ["images.size=16", "images.frame=none"])
    tree = load_tree("galaxy_zoo_2")
    count = len(tree.answers)
    task = VoteTask(tree, tree.layout("challenge"), (True,) * count, (0.5,) * count)
    model = recipe.model.model_copy(update={"head": resolve_head(recipe.model.head, task)})
    manifest = Manifest(recipe.name, recipe.images, model, task, "GalaxyID", True, "", "0")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Network(model, recipe.images, task)
    paths = sorted(small_sky.images.iterdir())
    packed = pack(paths, recipe.images, cache=small_sky.cache)
    with torch.no_grad():
        for _ in range(50):
            network(network.read(torch.from_numpy(np.array(packed.images))))
    folder = tmp_path_factory.mktemp("base") / "bundle"
    save_bundle(folder, manifest, {"weights": lambda path: write_weights(network, path)})
    return folder


@pytest.fixture(scope="session")
def classes(small_sky: Sky, tmp_path_factory: pytest.TempPathFactory) -> Classes:
    with small_sky.table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    fractions = sorted(float(row["Class1.1"]) for row in rows)
    table = tmp_path_factory.mktemp("classes") / "kinds.csv"
    lines = ["GalaxyID,kind"] + [
        f"{row['GalaxyID']},{'smooth' if float(row['Class1.1']) > fractions[30] else 'other'}"
        for row in rows
    ]
    table.write_text("\n".join(lines) + "\n")
    return Classes(small_sky.images, table, small_sky.cache)
