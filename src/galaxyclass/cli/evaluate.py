"""``galaxyclass evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.hints import in_options
from galaxyclass.cli.predict import precision, show_warnings, views

if TYPE_CHECKING:
    from galaxyclass.arguments import ChosenPrecision, Device, Part
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.evaluation.evaluation import Evaluation

EPILOG = """\b
Examples:
  galaxyclass evaluate runs/first --images sky/images --table sky/votes.csv --output scores
  galaxyclass evaluate pretrained --part all --images sky/images --table sky/votes.csv --output p
  galaxyclass evaluate runs/a runs/b --views 8 --images sky/images --table sky/votes.csv --output ab

The folder gets predictions.csv, scores.csv (every question and answer, or every class) and
metrics.json. Galaxies that the run was trained on are left out, unless --part says otherwise;
they are known by their id, and by their image under another id."""

#: What the galaxies of a part are, in words.
PART_WORDS = {
    "new": "that the run never had",
    "validation": "of its validation part (where the recipe keeps the best epoch, they chose it, "
    "and their score is a little too good)",
    "test": "of its test part",
    "train": "that it was trained on (which says nothing of others)",
    "unknown": "of which the run does not say whether it was trained on them",
}

votes = click.option(
    "--votes",
    type=click.FloatRange(min=2),
    default=40,
    show_default=True,
    help="Volunteers of a galaxy: so many votes have a noise that no model can undercut (floor).",
)


@click.command(epilog=EPILOG)
@click.argument("runs", metavar="RUN…", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.dataset(options.skip_invalid)
@options.output("the scores: a folder")
@click.option(
    "--part",
    type=click.Choice(["unseen", "train", "validation", "test", "all"]),
    default="unseen",
    show_default=True,
    help="Which galaxies to score; unseen: all that the run was not trained on.",
)
@views
@options.device
@precision
@options.batch_size
@options.workers
@options.seed
@votes
@options.overwrite
@options.as_json
def command(
    *,
    runs: tuple[Path, ...],
    dataset: Dataset,
    output: Path,
    part: Part,
    views: int | None,
    device: Device,
    precision: ChosenPrecision,
    batch_size: int | None,
    workers: int | None,
    seed: int,
    votes: float,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Score RUN, the folder of a training, on galaxies that it was not trained on.

    Of several RUNs the mean of their predictions is scored, on galaxies that none was trained on.

    Its score stands beside that of the simplest predictor: the mean votes of the training galaxies,
    or their largest class, for every galaxy; and the noise floor, which is the score of a model
    that knew what volunteers think and not which of them were asked. Intervals hold 95 % of
    the scores of galaxies drawn again (bootstrap).
    """
    from galaxyclass.evaluation.evaluate import evaluate

    with bars() as progress:
        evaluation = evaluate(
            runs,
            dataset,
            output=output,
            part=part,
            views=views,
            device=device,
            precision=precision,
            batch_size=batch_size,
            workers=workers,
            overwrite=overwrite,
            seed=seed,
            votes=votes,
            progress=progress,
        )
    if as_json:
        click.echo((output / "metrics.json").read_text(encoding="utf-8"), nl=False)
    else:
        _show(evaluation, output)


def _show(evaluation: Evaluation, output: Path) -> None:
    from galaxyclass.cli.tables import console, rich_table

    show_warnings(evaluation.prediction)
    for note in (*evaluation.prediction.notes, *evaluation.notes):
        click.echo(in_options(note))
    for name, count in evaluation.galaxies_by_part.items():
        click.echo(f"{count:,} galaxies {PART_WORDS[name]}")
    printed = evaluation.task.print_report(evaluation.report)
    console().print(rich_table(printed.table))
    for line in printed.lines:
        click.echo(line)
    click.echo(f"the scores are in {output}")
    click.echo(printed.summary)
