"""``galaxyclass report``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command
from galaxyclass.cli.notes import echo_notes
from galaxyclass.cli.shown import echo
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.arguments import Part
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.model.options import InferenceOptions
    from galaxyclass.reports.report import Report

EPILOG = """\b
Examples:
  galaxyclass report runs/first --images sky/images --table sky/votes.csv --output first.html
  galaxyclass report runs/a runs/b --images sky/images --table sky/votes.csv --output ab.html
  galaxyclass report pretrained --images my_galaxies/ --output what_is_in_it.html
  galaxyclass report runs/first --images sky/images --table sky/votes.csv --explain 8 \\
      --output first.html
  galaxyclass report runs/classes --images sky/images --table classes.csv --against petroMag_r \\
      --purity 0.95 --output classes.html

The page is one file that opens without a network. Its numbers are beside it, in a folder called
PAGE_numbers: report.json, a CSV file for each table, and the predictions."""


@click.command(cls=Command, epilog=EPILOG)
@click.argument(
    "models", metavar="MODEL…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@options.dataset(options.skip_invalid)
@options.output("the page: a file that ends in .html")
@options.part
@click.option(
    "--against",
    multiple=True,
    metavar="COLUMN",
    help="A column of numbers of the table to plot the score against; repeatable. Numbers of "
    "votes, magnitudes, radii and redshifts are found by their usual names.",
)
@click.option(
    "--purity",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.9,
    show_default=True,
    help="Classes: the wanted purity of a sample of one class, whose threshold is looked for.",
)
@click.option(
    "--explain",
    metavar="N",
    type=click.IntRange(min=0, max=200),
    default=0,
    help="Explain N galaxies, those with the largest errors and those that MODEL is surest of: "
    "maps of what the prediction rests on, each with a test (`galaxyclass explain`). Seconds a "
    "galaxy.",
)
@options.inference
@options.labelling
@options.seed
@options.votes
@options.overwrite
@options.quote_formulas_option
@options.as_json
def command(
    *,
    models: tuple[Path, ...],
    dataset: Dataset,
    output: Path,
    part: Part,
    against: tuple[str, ...],
    purity: float,
    explain: int,
    inference: InferenceOptions,
    labelling: str | None,
    seed: int,
    votes: float,
    overwrite: bool,
    quote_formulas: bool,
    as_json: bool,
) -> None:
    """Show on one page what MODEL is worth, or what is in a folder of images.

    MODEL is the folder of a training, a bundle, an exported network, or `pretrained`. Several are
    shown side by side, with paired intervals of their differences.

    With --table (or a folder for each class) the page shows the score by question or class, how
    far predictions can be believed, the best and the worst galaxies, which galaxies are hard, and
    what the model must not be used for. Without labels it shows what is in the folder: the
    predicted answers, a gallery of each, and images unlike those that the model knows.
    """
    from galaxyclass.reports.report import report

    with bars() as progress:
        result = report(
            models,
            dataset,
            output=output,
            part=part,
            votes=votes,
            against=against,
            purity=purity,
            explain=explain,
            options=replace(inference, labelling=labelling),
            seed=seed,
            overwrite=overwrite,
            quote_formulas=quote_formulas,
            progress=progress,
        )
    if as_json:
        echo((result.folder / "report.json").read_text(encoding="utf-8"), nl=False)
    else:
        show_report(result)


def show_report(result: Report) -> None:
    """Print where a page is, and what was left out."""
    echo_notes(result.notes)
    size = result.page.stat().st_size / 1e6
    echo(f"the numbers are in {result.folder}")
    echo(
        f"open {result.page} in a browser ({size:.1f} MB, "
        f"{counted(len(result.sections), 'section')})"
    )
