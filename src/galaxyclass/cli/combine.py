"""``galaxyclass combine``."""

from __future__ import annotations

from pathlib import Path

import click

from galaxyclass.cli import options

EPILOG = """\b
Example:
  galaxyclass train best --seed 0 --images sky/images --table sky/votes.csv --output runs/a
  galaxyclass train best --seed 1 --images sky/images --table sky/votes.csv --output runs/b
  galaxyclass combine runs/a runs/b --output runs/both
  galaxyclass evaluate runs/both --images sky/images --table sky/votes.csv --output scores

The runs are of one recipe and differ in seed, galaxies, epochs or rates. Others can be averaged by
`galaxyclass predict RUN RUN …` all the same. Where the recipe states split.seed, as `best` does,
runs of all seeds hold out the same galaxies, and what the two say can be scored on them."""


@click.command(epilog=EPILOG)
@click.argument(
    "runs", metavar="RUN RUN…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@options.output("the model: a new folder, which can be named wherever a run can")
def command(*, runs: tuple[Path, ...], output: Path) -> None:
    """Make one model of several runs, which predicts their mean: to calibrate, export, pass on."""
    from galaxyclass.extras import require

    require("torch", "timm", "lightning", "safetensors", "matplotlib", "tensorboard")
    from galaxyclass.training.combine import combine

    made = combine(runs, output=output)
    click.echo(f"{made.folder}: {made.bundle.manifest.members} networks as one model")
    if not made.split:
        click.echo(
            "One of them does not say which galaxies it was trained on: of this model, nobody "
            "knows which it has seen."
        )
