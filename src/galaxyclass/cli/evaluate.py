"""``galaxyclass evaluate``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.hints import in_options
from galaxyclass.cli.predict import precision, show_warnings, views

if TYPE_CHECKING:
    from rich.table import Table

    from galaxyclass.arguments import ChosenPrecision, Device, Part
    from galaxyclass.evaluation.evaluate import Evaluation
    from galaxyclass.tasks.outputs import ClassOutputs, VoteOutputs
    from galaxyclass.tasks.scores.bootstrap import Score
    from galaxyclass.tasks.scores.classes import ClassScores
    from galaxyclass.tasks.scores.noise import NoiseFloor
    from galaxyclass.tasks.scores.votes import VoteScores

EPILOG = """\b
Examples:
  galaxyclass evaluate runs/first --images sky/images --table sky/votes.csv --output scores
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
@options.images_folder
@options.table
@options.output("the scores: a folder")
@click.option(
    "--part",
    type=click.Choice(["unseen", "train", "validation", "test", "all"]),
    default="unseen",
    show_default=True,
    help="Which galaxies to score; unseen: all that the run was not trained on.",
)
@options.id_column
@options.target_column
@options.skip_invalid
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
    images: Path,
    table: Path | None,
    output: Path,
    part: Part,
    id_column: str | None,
    target_column: str | None,
    skip_invalid: bool,
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
    or their largest class, for every galaxy; and the floor of the noise, which is the score of a
    model that knew what volunteers think and not which of them were asked. Intervals hold 95 % of
    the scores of galaxies drawn again (bootstrap).
    """
    from galaxyclass.evaluation.evaluate import evaluate

    with bars() as progress:
        evaluation = evaluate(
            runs,
            images,
            table,
            output=output,
            part=part,
            id_column=id_column,
            target_column=target_column,
            skip_invalid=skip_invalid,
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
    from galaxyclass.cli.tables import console
    from galaxyclass.tasks.outputs import VoteOutputs
    from galaxyclass.tasks.scores.votes import VoteScores

    show_warnings(evaluation.prediction)
    for note in (*evaluation.prediction.notes, *evaluation.notes):
        click.echo(in_options(note))
    for name, count in evaluation.galaxies_by_part.items():
        click.echo(f"{count:,} galaxies {PART_WORDS[name]}")
    scores, reference, outputs = evaluation.scores, evaluation.reference, evaluation.outputs
    if isinstance(scores, VoteScores) and isinstance(reference, VoteScores):
        assert isinstance(outputs, VoteOutputs)
        console().print(_vote_table(outputs, scores, reference, evaluation.noise["all"]))
        for extent, mine, theirs in evaluation.extents:
            click.echo(
                f"{extent.name}: RMSE {mine} (mean vector {theirs.value:.4f}, "
                f"floor {evaluation.noise[extent.key].value:.4f})"
            )
        floor = evaluation.noise["all"]
        click.echo(f"floor of the noise {floor}; it assumes:")
        for assumption in floor.assumptions:
            click.echo(f"  {assumption}")
        click.echo(f"the scores are in {output}")
        click.echo(
            f"RMSE {scores.overall.value:.4f} (mean vector {reference.overall.value:.4f}, "
            f"floor {floor.value:.4f})"
        )
        return
    assert not isinstance(scores, VoteScores)
    assert not isinstance(reference, VoteScores)
    assert not isinstance(outputs, VoteOutputs)
    console().print(_class_table(outputs, scores))
    click.echo(f"balanced accuracy {scores.balanced_accuracy}")
    click.echo(f"the scores are in {output}")
    click.echo(
        f"accuracy {scores.accuracy.value:.4f} (largest class {reference.accuracy.value:.4f})"
    )


def _new_table(*names: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(names):
        table.add_column(name, justify="left" if place == 0 else "right", no_wrap=True)
    return table


def _vote_table(
    outputs: VoteOutputs, scores: VoteScores, reference: VoteScores, noise: NoiseFloor
) -> Table:
    table = _new_table("question", "RMSE", "interval", "mean vector", "floor", "entries")
    for question, where, mine, theirs, floor in zip(
        outputs.tree.questions,
        outputs.tree.slices,
        scores.questions,
        reference.questions,
        noise.questions,
        strict=True,
    ):
        entries = sum(scores.answer_entries[where])
        name = f"{question.code} {question.key.replace('_', ' ')}"
        table.add_row(name, *_cells(mine), _cell(theirs.value), _cell(floor), f"{entries:,}")
    table.add_section()
    mine, theirs = scores.overall, reference.overall
    ends = (_cell(theirs.value), _cell(noise.value), f"{scores.entries:,}")
    table.add_row("all", *_cells(mine), *ends)
    return table


def _class_table(outputs: ClassOutputs, scores: ClassScores) -> Table:
    table = _new_table("class", "galaxies", "recall", "precision", "mostly taken for")
    for place, name in enumerate(outputs.classes):
        counts = scores.confusion[place].copy()
        total, counts[place] = int(counts.sum()), 0
        worst = int(counts.argmax())
        other = f"{outputs.classes[worst]} ({counts[worst]:,})" if counts[worst] else ""
        recall, precision = _cell(scores.recall[place]), _cell(scores.precision[place])
        table.add_row(name, f"{total:,}", recall, precision, other)
    table.add_section()
    table.add_row("accuracy", f"{scores.galaxies:,}", *_cells(scores.accuracy), "")
    return table


def _cells(estimate: Score) -> tuple[str, str]:
    if math.isnan(estimate.value):
        return "", ""
    return f"{estimate.value:.4f}", f"{estimate.low:.4f} to {estimate.high:.4f}"


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
