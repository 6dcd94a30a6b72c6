"""``galaxyclass simulate``."""

from __future__ import annotations

from pathlib import Path

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars

EPILOG = """\b
Example:
  galaxyclass simulate --count 500 --output sky
writes sky/images/<GalaxyID>.jpg, sky/votes.csv and sky/truth.csv."""


@click.command(epilog=EPILOG)
@click.option(
    "--count", type=click.IntRange(min=1), default=500, show_default=True, help="How many galaxies."
)
@options.output("the folder; it must be new or empty")
@click.option(
    "--size",
    type=click.IntRange(16, 4096),
    default=424,
    show_default=True,
    help="Side of the pictures, pixels; all sizes show the same frame.",
)
@options.seed
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that draw galaxies; all cores unless told otherwise.",
)
def command(count: int, output: Path, size: int, seed: int, workers: int | None) -> None:
    """Make a folder of simulated galaxies with volunteers' votes.

    Pictures like those of the Galaxy Challenge, its table of 37 vote fractions, and the true
    morphology of each galaxy. Nothing is downloaded; the same seed gives the same galaxies.
    """
    from galaxyclass.simulation import simulate

    with bars() as progress:
        made = simulate(count, output, size=size, seed=seed, workers=workers, progress=progress)
    click.echo(f"{made.count:,} galaxies in {made.images}")
    click.echo(f"their votes in {made.table}, the truth in {made.truth}")
    click.echo("\nNext:")
    click.echo(f"  galaxyclass validate --images {made.images} --table {made.table}")
    click.echo(
        f"  galaxyclass train galaxyclass --images {made.images} --table {made.table} "
        "--output runs/first"
    )
