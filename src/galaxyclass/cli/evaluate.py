"""``galaxyclass evaluate``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command
from galaxyclass.cli.coverage import coverage_lines, width_unit
from galaxyclass.cli.notes import echo_notes, echo_warnings
from galaxyclass.cli.shown import echo
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.arguments import Part
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.evaluation.evaluation import Evaluation
    from galaxyclass.model.options import InferenceOptions

EPILOG = """\b
Examples:
  galaxyclass evaluate runs/first --images sky/images --table sky/votes.csv --output scores
  galaxyclass evaluate pretrained --part all --images sky/images --table sky/votes.csv --output p
  galaxyclass evaluate runs/first --images sky/images --table sky/votes.csv --output scores \\
      --report first.html
  galaxyclass evaluate runs/a runs/b --views 8 --images sky/images --table sky/votes.csv --output ab

The output folder gets predictions.csv, scores.csv (for every question and answer, or every class)
and metrics.json. Galaxies that the run was trained on are left out, unless --part includes them;
they are recognised by their id, or by their image under another id."""


@click.command(cls=Command, epilog=EPILOG)
@click.argument(
    "models", metavar="MODEL…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@options.dataset(options.skip_invalid)
@options.output("the scores: a folder")
@options.part
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="PAGE",
    help="Write a page with figures and pictures too (see `galaxyclass report`).",
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
    report: Path | None,
    inference: InferenceOptions,
    labelling: str | None,
    seed: int,
    votes: float,
    overwrite: bool,
    quote_formulas: bool,
    as_json: bool,
) -> None:
    """Score MODEL on galaxies that it was not trained on.

    MODEL is the folder of a training, a bundle, an exported network, or `pretrained` for the
    pretrained model. Several are scored as an ensemble, on galaxies that none of them was trained
    on.

    The score is compared with that of the simplest predictor, which predicts the mean votes of the
    training galaxies, or their largest class, for every galaxy; and with the noise floor: the score
    of a perfect model, since a galaxy's votes are a random sample of volunteers. Intervals are 95 %
    bootstrap intervals over galaxies.
    """
    from galaxyclass.evaluation.evaluate import evaluate
    from galaxyclass.model.load import open_model

    model = open_model(models, replace(inference, labelling=labelling))
    include: tuple[str, ...] = ()
    if report is not None:
        from galaxyclass.reports.report import prepare_report

        include = prepare_report(model, report, overwrite=overwrite)
    with bars() as progress:
        evaluation = evaluate(
            model,
            dataset,
            output=output,
            part=part,
            include=include,
            overwrite=overwrite,
            quote_formulas=quote_formulas,
            seed=seed,
            votes=votes,
            progress=progress,
        )
        if report is not None:
            from galaxyclass.reports.parts import ReportSettings
            from galaxyclass.reports.report import report_evaluation

            settings = ReportSettings(votes=votes, seed=seed)
            report_evaluation(
                model,
                evaluation,
                output=report,
                settings=settings,
                quote_formulas=quote_formulas,
                progress=progress,
            )
    if as_json:
        echo((output / "metrics.json").read_text(encoding="utf-8"), nl=False)
    else:
        _show(evaluation, output)
        if report is not None:
            echo(f"open {report} in a browser")


def _show(evaluation: Evaluation, output: Path) -> None:
    from galaxyclass.cli.tables import console, rich_table
    from galaxyclass.evaluation.evaluation import PART_WORDS

    echo_warnings(evaluation.prediction.warnings)
    echo_notes((*evaluation.prediction.notes, *evaluation.notes))
    for name, count in evaluation.galaxies_by_part.items():
        echo(f"{counted(count, 'galaxy')} {PART_WORDS[name]}")
    printed = evaluation.task.print_report(evaluation.report)
    console().print(rich_table(printed.table))
    for line in printed.lines:
        echo(line)
    if evaluation.coverage is not None:
        echo(
            f"share of the true {evaluation.task.interval_words} that lie within the model's "
            "intervals (made to hold 90% by default):"
        )
        for line in coverage_lines(evaluation.task, evaluation.coverage):
            echo(f"  {line}")
        echo(f"mean width {evaluation.coverage.width:.3f}{width_unit(evaluation.task)}")
    echo(f"the scores are in {output}")
    echo(printed.summary)
