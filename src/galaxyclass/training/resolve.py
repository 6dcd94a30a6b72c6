"""Head and loss follow the table where a recipe leaves them open or has others."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from galaxyclass.augment import mirror_swap
from galaxyclass.bundles import Outputs, VoteOutputs
from galaxyclass.errors import RecipeError
from galaxyclass.losses import Task, resolve_loss
from galaxyclass.models import ONE_SIZE, resolve_head
from galaxyclass.recipes import INVARIANT, Recipe

log = logging.getLogger(__name__)


def resolve(recipe: Recipe, outputs: Outputs, settings: Sequence[str]) -> Recipe:
    """The recipe with its head and loss as the table needs them; says where they differ.

    Raises
    ------
    RecipeError
        The user asked for a head, a loss or mirror pairs that do not suit the table.
    """
    task: Task = "votes" if isinstance(outputs, VoteOutputs) else "classes"
    head = resolve_head(recipe.model.head, outputs)
    loss = resolve_loss(recipe.training.loss, task)
    asked_for = {setting.partition("=")[0].strip() for setting in settings}
    for key, stated, taken in (
        ("model.head", recipe.model.head, head),
        ("training.loss", recipe.training.loss, loss),
    ):
        if stated in ("auto", taken):
            continue
        if key in asked_for:
            raise RecipeError(
                f"--set {key}={stated} does not suit a table of {task}",
                wanted=f"{key}={taken}",
                todo=f"leave --set {key} out, or use another table",
            )
        log.warning("the table has %s: %s is %s, not the recipe's %s", task, key, taken, stated)
    if recipe.training.growing and recipe.model.encoder in ONE_SIZE:
        raise RecipeError(
            f"training.growing: the encoder {recipe.model.encoder} takes cutouts of one size only",
            todo="--set training.growing=[], or another encoder",
        )
    pairs = recipe.augmentation.mirror_pairs
    if pairs:
        if isinstance(outputs, VoteOutputs):
            raise RecipeError(
                f"augmentation.mirror_pairs={list(pairs)}: the table has votes, not classes",
                todo="leave the pairs out",
            )
        mirror_swap(outputs.classes, pairs)
        if recipe.model.encoder in INVARIANT:
            raise RecipeError(
                f"augmentation.mirror_pairs={list(pairs)}: to the encoder {recipe.model.encoder} a "
                "galaxy and its mirror image are the same",
                todo="--set model.encoder=residual, or another encoder",
            )
    return recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"head": head}),
            "training": recipe.training.model_copy(update={"loss": loss}),
        }
    )
