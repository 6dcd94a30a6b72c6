"""An encoder with weights from a file, as a model that has an embedding and no answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from galaxyclass.errors import RecipeError
from galaxyclass.extras import require_installed
from galaxyclass.io.temporary import TemporaryFolder
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.read import load_tree
from galaxyclass.version import __version__


@contextmanager
def bare_encoder(recipe: Recipe, options: InferenceOptions | None) -> Iterator[Model]:
    """The encoder and the cutouts of a recipe as a model, while the context lasts.

    Parameters
    ----------
    recipe : Recipe
        Its encoder has weights: `model.weights` or `model.pretrained`.
    options : InferenceOptions, optional

    Raises
    ------
    RecipeError
        The encoder would have random weights; or the recipe wants pixel statistics of a training.
    MissingExtraError
        torch or timm is not installed.
    """
    settings = recipe.model
    if settings.weights is None and not settings.pretrained:
        raise RecipeError(
            f"the encoder {settings.encoder} would have random weights",
            wanted="weights from a file, or those that timm publishes",
            got="neither `model.weights` nor `model.pretrained`",
            hint='`settings={"model.weights": "FILE"}`; or train it: `galaxyclass.train`',
        )
    if settings.normalisation == "per_feature":
        raise RecipeError(
            "model.normalisation=per_feature: pixel statistics come from a training",
            wanted="model.normalisation=unit or encoder",
            hint='`settings={"model.normalisation": "encoder"}`',
        )
    require_installed("torch", "timm", "safetensors")
    from galaxyclass.networks.network import Network
    from galaxyclass.networks.weights import write_weights

    tree = load_tree("galaxy_zoo_2")
    count = len(tree.answers)
    # Of none of these answers anything is known: there is only the embedding.
    task = VoteTask(tree, tree.layouts[0], (False,) * count, (float("nan"),) * count)
    beginning = settings.model_copy(update={"head": "tree"})
    network = Network(beginning, recipe.images, task)
    stored = beginning.model_copy(update={"weights": None, "pretrained": False})
    mirrors = recipe.augmentation.flip != "none"
    manifest = Manifest(
        recipe.name, recipe.images, stored, task, "id", False, "", __version__, mirrors=mirrors
    )
    with TemporaryFolder() as folder:
        bundle = folder / Path(settings.encoder).name
        save_bundle(bundle, manifest, {"weights": lambda path: write_weights(network, path)})
        yield Model([bundle], [load_bundle(bundle)], options or InferenceOptions())
