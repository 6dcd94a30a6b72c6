"""``galaxyclass recipes``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.command import Command
from galaxyclass.cli.shown import echo

if TYPE_CHECKING:
    from galaxyclass.recipes.recipe import Recipe

EPILOG = """\b
Examples:
  galaxyclass recipes
  galaxyclass recipes fast
  galaxyclass recipes fast --set model.head=tree --set images.size=160
  galaxyclass recipes fast --toml

Start with `fast`. `galaxyclass train` takes the name of a recipe, or a TOML file of your own."""

#: What a file for a recipe of one's own begins with.
_OWN_RECIPE = """\
# A recipe to change; the file's name becomes its name. To train it:
#   galaxyclass train own.toml --images DIR --table votes.csv --output runs/own
# `galaxyclass recipes {name}` says what each setting is. A setting that is not here is none.

"""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("name", required=False)
@options.settings
@click.option(
    "--toml", "as_toml", is_flag=True, help="Show NAME as a TOML file, for a recipe of your own."
)
def command(name: str | None, settings: tuple[str, ...], as_toml: bool) -> None:
    """List the recipes, or show NAME in full.

    A recipe holds all settings of a training. In full means each setting with its value and
    meaning, and the network's layers with their shapes and parameter counts (these need the extra
    `train`).
    """
    from galaxyclass.recipes.read import RECIPES, load_recipe, recipe_text, recipe_toml

    if name is None and as_toml:
        raise click.UsageError("--toml needs NAME")
    if name is None:
        for shipped in RECIPES:
            echo(f"{shipped:<15} {load_recipe(shipped).about.title}")
        echo("\n`galaxyclass recipes NAME` shows one in full.")
        return
    recipe = load_recipe(name, settings)
    if as_toml:
        _, _, sections = recipe_toml(recipe).partition("\n\n")  # the name comes first
        echo(_OWN_RECIPE.format(name=name) + sections, nl=False)
        return
    echo("\n".join(_header(recipe_text(name))))
    _print_settings(recipe)
    _print_layers(recipe)


def _header(text: str) -> list[str]:
    """The comment at the top of a recipe."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return lines


def _print_settings(recipe: Recipe) -> None:
    from pydantic import BaseModel

    for section in type(recipe).model_fields:
        values = getattr(recipe, section)
        if not isinstance(values, BaseModel) or section == "about":
            continue
        echo(f"\n[{section}]")
        for key, field in type(values).model_fields.items():
            value = getattr(values, key)
            echo(
                click.wrap_text(
                    field.description or "",
                    width=100,
                    initial_indent=f"  {key:<17} {_shown(value):<14} ",
                    subsequent_indent=" " * 35,
                )
            )


def _shown(value: object) -> str:
    """A value in TOML, or `none`, which TOML lacks but `--set` takes."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value) if isinstance(value, tuple) else value)


def _print_layers(recipe: Recipe) -> None:
    from galaxyclass.errors import MissingExtraError
    from galaxyclass.extras import require_installed

    try:
        require_installed("torch", "timm", "safetensors")
    except MissingExtraError as error:
        echo(f"\nThe layers need torch: {error.hint}")
        return
    from galaxyclass.networks.describe import describe_network
    from galaxyclass.networks.heads import resolve_head
    from galaxyclass.networks.network import Network
    from galaxyclass.tasks.votes.task import VoteTask
    from galaxyclass.trees.read import load_tree

    tree = load_tree("galaxy_zoo_2")
    no_votes = (0.0,) * len(tree.answers)
    task = VoteTask(tree, tree.layouts[0], (True,) * len(tree.answers), no_votes)
    head = resolve_head(recipe.model.head, task)
    network = Network(
        recipe.model.model_copy(update={"head": head}), recipe.images, task, fresh=False
    )
    described = describe_network(network, recipe.images.channels)
    cutout = " x ".join(str(number) for number in recipe.images.shape)
    echo(
        f"\nThe network, for a cutout of {cutout} and the {len(tree.answers)} answers of "
        f"{tree.title}:\n"
    )
    echo(f"  {'layer':<28} {'kind':<20} {'output':<18} {'parameters':>12}")
    for layer in described.layers:
        count = layer.trainable + layer.statistics
        shape = " x ".join(str(number) for number in layer.shape)
        echo(f"  {layer.name:<28} {layer.kind:<20} {shape:<18} {count or '':>12}")
    echo(
        f"\n  {described.trainable:,} trainable parameters, {described.statistics:,} batch-norm "
        f"statistics, {described.total:,} in all; head {head}"
    )
