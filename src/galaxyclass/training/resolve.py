"""Resolving a recipe: head and loss follow the table; encoder and mirror pairs are checked."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch

from galaxyclass.errors import RecipeError
from galaxyclass.networks.augmentation.mirrors import mirror_swap
from galaxyclass.networks.encoders import ONE_SIZE, build_encoder
from galaxyclass.networks.heads import resolve_head
from galaxyclass.networks.losses.masked import resolve_loss
from galaxyclass.recipes.recipe import INVARIANT, Recipe
from galaxyclass.tasks.task import Task

log = logging.getLogger(__name__)


def require_encoder(recipe: Recipe) -> None:
    """Refuse an encoder that cannot be built, or weights that do not fit it.

    Builds the encoder and drops it; no random state changes.

    Raises
    ------
    RecipeError
        See `build_encoder`.
    """
    side = recipe.model.input_size or recipe.images.size
    with torch.random.fork_rng(devices=[]):
        build_encoder(recipe.model, recipe.images.channels, side, fresh=True)


def resolve(recipe: Recipe, task: Task, settings: Sequence[str]) -> Recipe:
    """The recipe with its head and loss as the table needs them; logs where they differ.

    Raises
    ------
    RecipeError
        The user asked for a head, a loss or mirror pairs that do not suit the table.
    """
    head = resolve_head(recipe.model.head, task)
    loss = resolve_loss(recipe.training.loss, task)
    asked_for = {setting.partition("=")[0].strip() for setting in settings}
    for key, stated, resolved in (
        ("model.head", recipe.model.head, head),
        ("training.loss", recipe.training.loss, loss),
    ):
        if stated in ("auto", resolved):
            continue
        if key in asked_for:
            raise RecipeError(
                f"`{key}={stated}` does not suit a table of {task.kind}",
                wanted=f"{key}={resolved}",
                hint=f"leave `{key}` out, or use another table",
            )
        log.warning(
            "the table has %s: %s is %s, not the recipe's %s", task.kind, key, resolved, stated
        )
    if recipe.training.progressive_resizing and recipe.model.encoder in ONE_SIZE:
        raise RecipeError(
            f"training.progressive_resizing: the encoder {recipe.model.encoder} takes cutouts of "
            "one size only",
            hint="try `training.progressive_resizing=[]`, or another encoder",
        )
    pairs = recipe.augmentation.mirror_pairs
    if pairs:
        if not task.class_names:
            raise RecipeError(
                f"augmentation.mirror_pairs={list(pairs)}: the table has {task.kind}, not classes",
                hint="leave the pairs out",
            )
        mirror_swap(task.class_names, pairs)
        if recipe.model.encoder in INVARIANT:
            raise RecipeError(
                f"augmentation.mirror_pairs={list(pairs)}: to the encoder {recipe.model.encoder} a "
                "galaxy and its mirror image are the same",
                hint="try `model.encoder=residual`, or another encoder",
            )
    return recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"head": head}),
            "training": recipe.training.model_copy(update={"loss": loss}),
        }
    )
