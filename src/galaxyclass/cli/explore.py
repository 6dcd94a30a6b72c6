"""``galaxyclass explore``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from galaxyclass.data.dataset.dataset import Dataset

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command
from galaxyclass.cli.notes import echo_notes, show_notes
from galaxyclass.cli.shown import echo
from galaxyclass.cli.tables import show_unused, unused_json
from galaxyclass.io.result_files import plain_json

EPILOG = """\b
Examples:
  galaxyclass explore --images sky/images --table sky/votes.csv --output exploration
  galaxyclass explore --images sky/images --table sky/votes.csv --output exploration-object \\
      --recipe fast --set images.cutout=object

The output folder gets index.html (a self-contained page), each figure as PNG and SVG, and the
numbers as CSV. Only images that are shown are read."""


@click.command(cls=Command, epilog=EPILOG)
@options.dataset(options.classes)
@options.output("the page, figures and numbers: a folder")
@click.option(
    "--recipe",
    default="fast",
    show_default=True,
    help="The recipe whose cutouts are shown beside the images.",
)
@options.settings
@options.seed
@options.overwrite
@options.quote_formulas_option
@options.as_json
def command(
    *,
    dataset: Dataset,
    output: Path,
    recipe: str,
    settings: tuple[str, ...],
    seed: int,
    overwrite: bool,
    quote_formulas: bool,
    as_json: bool,
) -> None:
    """Show a table of votes, classes or numbers in figures.

    For votes: the galaxy with the highest fraction of each answer, as image and as cutout; the mean
    fraction of each answer; the number of galaxies with a fraction of 0.5 or more; the correlations
    between answers, for all and within each question. For classes: the number of galaxies of each,
    and examples. For numbers: their distributions, and galaxies along each scale.
    """
    from galaxyclass.exploration.explore import explore

    show_notes()
    with bars() as progress:
        exploration = explore(
            dataset,
            output=output,
            recipe=recipe,
            settings=settings,
            seed=seed,
            overwrite=overwrite,
            quote_formulas=quote_formulas,
            progress=progress,
        )
    if as_json:
        data = {
            "page": str(exploration.page),
            "notes": list(exploration.notes),
            "unused": unused_json(exploration.unused),
        }
        echo(plain_json(data))
        return
    echo_notes(exploration.notes)
    show_unused(exploration.unused)
    echo(f"open {exploration.page} in a browser")
