"""``galaxyclass select``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command
from galaxyclass.cli.shown import echo
from galaxyclass.io.result_files import plain_json
from galaxyclass.short import counted

EPILOG = """\b
Examples:
  galaxyclass predict --images sky/images --output sky.parquet --include embedding
  galaxyclass select sky.parquet --output to_label.csv
  galaxyclass select sky.parquet --labelled mine.csv --by unlike --output to_label.csv
  galaxyclass select sky.parquet --by likely --answer 8.1 --where '2.1 < 0.5' --output rings.csv

\b
--by says what makes a galaxy worth a label:
  uncertain  its prediction is least decided: the largest entropy of the answers to all
             questions, each weighted by who is asked, or of the classes; of numbers the
             widest intervals (predict --include uncertainty)
  likely     the highest predicted fraction of --answer: to find many of a rare kind
  strange    the highest out-of-distribution score (predict --include strangeness)
  unlike     its nearest labelled galaxy is farthest (predict --include embedding, as
             for --spread)
  random     drawn at random: for an unbiased test set

OUTPUT has a row for each galaxy, in the order in which they should be labelled: its id, the reason,
and all other columns of the predictions."""


@click.command(cls=Command, epilog=EPILOG)
@options.predictions
@options.output("the galaxies: a name that ends in .csv, .parquet, .fits, .vot or .ecsv")
@click.option(
    "--by",
    type=click.Choice(["uncertain", "likely", "strange", "unlike", "random"]),
    default="uncertain",
    show_default=True,
    help="What makes a galaxy worth a label; see below.",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="How many galaxies are chosen at most.",
)
@click.option(
    "--answer",
    metavar="COLUMN",
    help="For --by likely: a column of the predictions, or the code of an answer such as 8.1.",
)
@click.option(
    "--labelled",
    type=click.Path(path_type=Path),
    help="A table of the galaxies that have a label: they are not chosen.",
)
@options.where("Choose")
@click.option(
    "--spread",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Take this many times --count galaxies, the best, and of these choose the least alike. 1 "
    "takes the best, however alike, which needed the fewest labels.",
)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="The model that made the predictions; by default the one that they name.",
)
@options.seed
@options.overwrite
@options.quote_formulas_option
@options.as_json
def command(
    *, output: Path, overwrite: bool, quote_formulas: bool, as_json: bool, **arguments: Any
) -> None:
    """Choose which galaxies to label next."""
    from galaxyclass.model.writers import require_output
    from galaxyclass.selection.select import select

    require_output(output, overwrite=overwrite, quote_formulas=quote_formulas)
    with bars() as progress:
        selection = select(progress=progress, **arguments)
    selection.write(output, overwrite=overwrite, quote_formulas=quote_formulas)
    if as_json:
        names = selection.table.column_names[:2]
        echo(plain_json(selection.table.select(names).to_pylist()))
        return
    echo(f"{len(selection):,} of {counted(selection.candidates, 'galaxy')} in {output}")
