"""``galaxyclass explore``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from galaxyclass.data.dataset.dataset import Dataset

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.hints import in_options

EPILOG = """\b
Examples:
  galaxyclass explore --images images/ --table votes.csv --output exploration
  galaxyclass explore --images images/ --table votes.csv --output exploration \\
      --recipe fast --set images.cutout=object

The folder gets index.html, which shows everything and needs nothing else, each figure as PNG and
SVG, and the numbers as CSV. Only images that are shown are read."""


@click.command(epilog=EPILOG)
@options.dataset(options.classes)
@options.output("the page, figures and numbers: a folder")
@click.option(
    "--recipe",
    default="fast",
    show_default=True,
    help="Whose cutouts stand beside the images.",
)
@options.assignments
@options.seed
@options.overwrite
def command(
    *,
    dataset: Dataset,
    output: Path,
    recipe: str,
    assignments: tuple[str, ...],
    seed: int,
    overwrite: bool,
) -> None:
    """Show in pictures what a table of votes or classes holds.

    Of votes: the most certain galaxy for each answer, as drawn and as the model sees it; the mean
    fraction of each answer; the galaxies with a fraction of 0.5 or more; the correlations between
    all answers, and within each question. Of classes: how many galaxies each has, and some of them.
    """
    from galaxyclass.cli.notes import show_notes
    from galaxyclass.exploration.explore import explore

    show_notes()
    with bars() as progress:
        done = explore(
            dataset,
            output=output,
            recipe=recipe,
            settings=assignments,
            seed=seed,
            overwrite=overwrite,
            progress=progress,
        )
    for note in done.notes:
        click.echo(in_options(note))
    click.echo(f"open {done.page} in a browser")
