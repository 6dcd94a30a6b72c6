"""``galaxyclass suspects``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import ManyValues
from galaxyclass.cli.notes import echo_notes
from galaxyclass.cli.shown import echo
from galaxyclass.cli.tables import show_unused
from galaxyclass.short import counted, verb

if TYPE_CHECKING:
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.model.options import InferenceOptions

EPILOG = """\b
Examples:
  galaxyclass suspects --images my/images --table my/labels.csv --output suspects.csv
  galaxyclass suspects runs/first --images my/images --table my/votes.csv --output suspects.csv

The table has all galaxies, the least believable label first: id, label, suggestion, score, whether
the label is probably wrong, and the image. Look at the first ones, and correct your table."""


@click.command(cls=ManyValues, epilog=EPILOG)
@click.argument("model", metavar="[MODEL]", default="pretrained", type=click.Path(path_type=Path))
@options.dataset(options.skip_invalid, options.classes)
@click.option("--output", type=click.Path(path_type=Path), help="A table to write.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many galaxies to print.",
)
@options.inference
@options.seed
@options.votes
@options.cache
@options.overwrite
@options.quote_formulas_option
def command(
    *,
    model: Path,
    dataset: Dataset,
    output: Path | None,
    count: int,
    inference: InferenceOptions,
    seed: int,
    votes: float,
    cache: Path | None,
    overwrite: bool,
    quote_formulas: bool,
) -> None:
    """Find labels that are probably wrong.

    Each galaxy is predicted from the labels of the others, by a linear probe on what MODEL says
    of it (as by `galaxyclass finetune`); by default MODEL is the pretrained model. Classes are
    compared with their predictions by confident learning; the score is the logarithm of how many
    times more probable the suggested class is. Votes and numbers have scores in standard
    deviations of their noise.
    """
    from galaxyclass.finetuning.suspects import suspects

    if quote_formulas and output is None:
        raise click.UsageError("--quote-formulas needs --output")
    with bars() as progress:
        ranked = suspects(
            model,
            dataset,
            output=output,
            votes=votes,
            options=inference,
            seed=seed,
            cache=cache,
            overwrite=overwrite,
            quote_formulas=quote_formulas,
            progress=progress,
        )
    show_unused(ranked.unused)
    echo_notes(ranked.notes)
    rows = [suspect for suspect, _ in zip(ranked, range(count), strict=False)]
    cells = [("id", "label", "suggestion", "score", "probably wrong")]
    cells += [
        (row.id, row.label, row.suggestion, f"{row.score:.2f}", "yes" if row.probable else "no")
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        echo(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )
    echo(
        f"{ranked.probable:,} of {counted(len(ranked), 'label')} {verb(ranked.probable, 'is')} "
        "probably wrong" + ("" if output is None else f"; all are in {output}")
    )
