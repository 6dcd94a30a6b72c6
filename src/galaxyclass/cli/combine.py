"""``galaxyclass combine``."""

from __future__ import annotations

from pathlib import Path

import click

from galaxyclass.cli import options
from galaxyclass.cli.command import Command
from galaxyclass.cli.shown import echo
from galaxyclass.short import counted

EPILOG = """\b
Example:
  galaxyclass train best --seed 0 --images sky/images --table sky/votes.csv --output runs/a
  galaxyclass train best --seed 1 --images sky/images --table sky/votes.csv --output runs/b
  galaxyclass combine runs/a runs/b --output runs/both
  galaxyclass evaluate runs/both --images sky/images --table sky/votes.csv --output scores

The models have the same cutouts and the same network, and differ in seed, galaxies, epochs or
learning rate. Others can be averaged by `galaxyclass predict MODEL MODEL …`. If the recipe states
split.seed, as `best` does, runs of all seeds hold out the same galaxies, and the ensemble can be
scored on them."""


@click.command(cls=Command, epilog=EPILOG)
@click.argument(
    "models", metavar="MODEL MODEL…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@options.output("the model: a new folder, usable as a run")
def command(*, models: tuple[Path, ...], output: Path) -> None:
    """Make one model of several: an ensemble, which predicts their mean."""
    from galaxyclass.extras import TRAINING, require_installed

    require_installed(*TRAINING)
    from galaxyclass.training.combine import combine

    combined = combine(models, output=output)
    echo(f"{combined.folder}: {counted(combined.bundle.manifest.members, 'network')} as one model")
    if not combined.split:
        echo(
            "The galaxies that one of the models was trained on are not known, so those of this "
            "model are not known either."
        )
