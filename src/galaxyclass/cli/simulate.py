"""``galaxyclass simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars

if TYPE_CHECKING:
    from galaxyclass.simulation.contest import SimulatedContest
    from galaxyclass.simulation.folders import SimulatedFolder

EPILOG = """\b
Examples:
  galaxyclass simulate --count 500 --output sky
writes sky/images/<GalaxyID>.jpg, sky/votes.csv and sky/truth.csv;
  galaxyclass simulate --kind hundred --output hundred
writes hundred/train/, val/ and test/, a table of image and class for each, classes.csv and
truth.csv."""

#: Kind -> how many galaxies, and the side of their pictures, unless told otherwise.
_DEFAULTS = {"galaxies": (500, 424), "hundred": (20_000, 64)}


@click.command(epilog=EPILOG)
@click.option(
    "--kind",
    type=click.Choice(list(_DEFAULTS)),
    default="galaxies",
    show_default=True,
    help="galaxies: as in the Galaxy Challenge, with votes; hundred: small pictures of a hundred "
    "classes, in the layout of a contest.",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    help="How many galaxies; 500, or 20,000 of the hundred classes (13 : 2 : 5).",
)
@options.output("the folder; it must be new or empty")
@click.option(
    "--size",
    type=click.IntRange(16, 4096),
    help="Side of the pictures, pixels; 424, or 64 of the hundred classes. All sizes show the same "
    "frame.",
)
@options.seed
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that draw galaxies; all cores unless told otherwise.",
)
def command(
    *,
    kind: str,
    count: int | None,
    output: Path,
    size: int | None,
    seed: int,
    workers: int | None,
) -> None:
    """Make a folder of simulated galaxies with volunteers' votes.

    Pictures like those of the Galaxy Challenge, its table of 37 vote fractions, and the true
    morphology of each galaxy; or galaxies of a hundred classes. Nothing is downloaded; the same
    seed gives the same galaxies.
    """
    from galaxyclass.simulation.contest import simulate_hundred
    from galaxyclass.simulation.folders import simulate

    count, size = count or _DEFAULTS[kind][0], size or _DEFAULTS[kind][1]
    with bars() as progress:
        if kind == "hundred":
            contest = simulate_hundred(
                output=output, count=count, size=size, seed=seed, workers=workers, progress=progress
            )
        else:
            made = simulate(
                count, output=output, size=size, seed=seed, workers=workers, progress=progress
            )
    if kind == "hundred":
        _show_contest(contest)
    else:
        _show(made)


def _show_contest(made: SimulatedContest) -> None:
    for part, number in made.counts.items():
        click.echo(f"{number:,} galaxies in {made.folder / part}, their classes in {part}.csv")
    click.echo(f"what the classes are in {made.folder / 'classes.csv'}, the truth in {made.truth}")
    both = f"--images {made.folder} --table {made.folder}"
    click.echo("\nNext:")
    click.echo(f"  galaxyclass validate {both}")
    click.echo(f"  galaxyclass train fast {both} --output runs/hundred")


def _show(made: SimulatedFolder) -> None:
    click.echo(f"{made.count:,} galaxies in {made.images}")
    click.echo(f"their votes in {made.table}, the truth in {made.truth}")
    click.echo("\nNext:")
    click.echo(f"  galaxyclass validate --images {made.images} --table {made.table}")
    click.echo(
        f"  galaxyclass train fast --images {made.images} --table {made.table} --output runs/first"
    )
