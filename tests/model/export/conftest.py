"""Bundles of untrained networks, whose batch normalisation has seen something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from galaxyclass.model.bundle.load import Bundle, Role, load_bundle
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.bundle.save import BundleFileWriter, save_bundle
from galaxyclass.model.export.export import export
from galaxyclass.networks.heads import resolve_head
from galaxyclass.networks.network import Network
from galaxyclass.networks.weights import load_weights, write_weights
from galaxyclass.recipes.read import load_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.task import Task
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.read import load_tree
from tests.support.threads import one_thread  # noqa: F401

FIVE = ClassTask("class", ("round", "edge_on", "spiral"), (0.5, 0.25, 0.25))

#: A calibration, as far as an exported network is concerned: some JSON.
CALIBRATION = '{"quantiles": [0.1]}'


def votes() -> VoteTask:
    tree = load_tree("galaxy_zoo_2")
    count = len(tree.answers)
    return VoteTask(tree, tree.layout("challenge"), (True,) * count, (0.5,) * count)


def save_network(
    folder: Path, recipe: Recipe, task: Task, auxiliary: tuple[ClassTask, ...] = ()
) -> Bundle:
    """A bundle of a recipe's network with weights and statistics drawn at random."""
    model = recipe.model.model_copy(update={"head": resolve_head(recipe.model.head, task)})
    manifest = Manifest(
        recipe.name, recipe.images, model, task, "GalaxyID", True, "", "0", auxiliary=auxiliary
    )
    rng = np.random.default_rng(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Network(model, recipe.images, task, auxiliary)
    for name, value in network.state_dict().items():
        if name.endswith("running_mean"):
            value.copy_(torch.from_numpy(rng.normal(0, 0.3, value.shape)))
        elif name.endswith("running_var") or name == "spread":
            value.copy_(torch.from_numpy(rng.uniform(0.5, 2, value.shape)))
        elif name.endswith("num_batches_tracked"):
            value.fill_(123)
    with torch.no_grad():
        network.last.weight.mul_(8)  # fractions that differ from each other and between galaxies
    save_bundle(folder, manifest, {"weights": lambda path: write_weights(network, path)})
    return load_bundle(folder)


def one_network(bundle: Bundle) -> Network:
    """The network of a bundle that is no ensemble."""
    network = load_weights(bundle)
    assert isinstance(network, Network)
    return network


@pytest.fixture(scope="session")
def small() -> Recipe:
    return load_recipe("fast", ["images.size=16", "images.frame=none"])


@pytest.fixture(scope="session")
def bundle(small: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Votes, three classes beside them, and a calibration."""
    folder = tmp_path_factory.mktemp("run") / "bundle"
    saved = save_network(folder, small, votes(), (FIVE,))
    writer: dict[Role, BundleFileWriter] = {
        "calibration": lambda path: path.write_text(CALIBRATION)
    }
    save_bundle(folder, saved.manifest, writer)
    return load_bundle(folder)


@pytest.fixture(scope="session")
def exported(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as ONNX."""
    output = tmp_path_factory.mktemp("exported") / "model.onnx"
    export(bundle.folder, output=output)
    return output


@pytest.fixture(scope="session")
def halved(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as ONNX with weights of 16 bits."""
    output = tmp_path_factory.mktemp("exported") / "half.onnx"
    export(bundle.folder, output=output, bits=16)
    return output


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Votes by two convolutions, which are soon exported."""
    recipe = load_recipe("two-layer-cnn", ["images.size=16", "images.frame=none"])
    return save_network(tmp_path_factory.mktemp("plain") / "bundle", recipe, votes())


@pytest.fixture(scope="session")
def save() -> Callable[..., Bundle]:
    return save_network


@pytest.fixture(scope="session")
def vote_outputs() -> VoteTask:
    return votes()
