"""``galaxyclass simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command
from galaxyclass.cli.shown import echo
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.simulation.contest import SimulatedContest
    from galaxyclass.simulation.folders import SimulatedFolder

EPILOG = """\b
Examples:
  galaxyclass simulate --count 500 --output sky
  galaxyclass simulate --kind hundred --count 2000 --output hundred

The first one writes sky/images/<GalaxyID>.jpg, sky/votes.csv and sky/truth.csv; the second one
hundred/train/, val/ and test/, a table of images and classes for each, classes.csv and
truth.csv."""

#: Kind -> default number of galaxies, and side of the images.
_DEFAULTS = {"galaxies": (500, 424), "hundred": (20_000, 64)}


@click.command(cls=Command, epilog=EPILOG)
@click.option(
    "--kind",
    type=click.Choice(list(_DEFAULTS)),
    default="galaxies",
    show_default=True,
    help="galaxies: images and votes like those of the Galaxy Challenge; hundred: small images of "
    "100 classes, in the layout of a contest.",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    help="Number of galaxies; by default 500, or 20,000 of the 100 classes (train, val and test as "
    "13 : 2 : 5).",
)
@options.output("the galaxies: a folder, new or empty")
@click.option(
    "--size",
    type=click.IntRange(16, 4096),
    help="Side of the images, pixels; by default 424, or 64 for the 100 classes. All sizes have "
    "the same field of view.",
)
@options.seed
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that draw galaxies; all cores by default.",
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

    It holds images like those of the Galaxy Challenge, a table of 37 vote fractions, and the true
    morphology of each galaxy; or galaxies of 100 classes. Nothing is downloaded; the same seed
    gives the same galaxies.
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
            sky = simulate(
                count, output=output, size=size, seed=seed, workers=workers, progress=progress
            )
    if kind == "hundred":
        _show_contest(contest)
    else:
        _show(sky)


def _show_contest(contest: SimulatedContest) -> None:
    for part, number in contest.counts.items():
        echo(f"{counted(number, 'galaxy')} in {contest.folder / part}, their classes in {part}.csv")
    echo(
        f"the meaning of the classes in {contest.folder / 'classes.csv'}, "
        f"the truth in {contest.truth}"
    )
    inputs = f"--images {contest.folder} --table {contest.folder}"
    echo("\nNext:")
    echo(f"  galaxyclass validate {inputs}")
    echo(f"  galaxyclass train fast {inputs} --output runs/hundred")


def _show(sky: SimulatedFolder) -> None:
    echo(f"{counted(sky.count, 'galaxy')} in {sky.images}")
    echo(f"their votes in {sky.table}, the truth in {sky.truth}")
    echo("\nNext:")
    echo(f"  galaxyclass validate --images {sky.images} --table {sky.table}")
    echo(f"  galaxyclass train fast --images {sky.images} --table {sky.table} --output runs/first")
