"""``galaxyclass baseline``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.hints import in_options
from galaxyclass.cli.tables import console

if TYPE_CHECKING:
    from rich.table import Table

    from galaxyclass.evaluation.baselines.baseline import Baselines, BaselineScores
    from galaxyclass.tasks.scores.bootstrap import Score

EPILOG = """\b
Examples:
  galaxyclass baseline --images images/ --table votes.csv --output baselines
  galaxyclass baseline --images images/ --table votes.csv --output baselines \\
      --recipe fast --set split.test=0.2 --seed 1

Baselines are fitted on the training part and scored on the others. The recipe gives the shares of
the parts: a training with the same recipe, --set split.…, seed, images and table is scored on the
same galaxies. The folder gets scores.csv, metrics.json and split.csv."""


@click.command(epilog=EPILOG)
@options.images_folder
@options.table
@options.output("the scores: a folder")
@click.option(
    "--recipe",
    default="fast",
    show_default=True,
    help="Its [split] says how many galaxies are held out.",
)
@options.assignments
@options.id_column
@options.target_column
@options.classes
@options.skip_invalid
@options.seed
@options.workers
@options.cache
@options.overwrite
@options.as_json
def command(
    *,
    images: Path,
    table: Path | None,
    output: Path,
    recipe: str,
    assignments: tuple[str, ...],
    id_column: str | None,
    target_column: str | None,
    classes: str | None,
    skip_invalid: bool,
    seed: int,
    workers: int | None,
    cache: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Score what needs no network: means, and regressions on the colours of the images.

    Of vote fractions: all zeros, the mean vector, linear regression on the colour of the central
    pixel and on the mean colour, and the Galaxy Challenge's central-pixel benchmark. Of classes:
    the largest class, logistic regression on the same colours, and the most frequent class among
    galaxies of like colour. Intervals hold 95 % of the scores of galaxies drawn again (bootstrap).
    """
    from galaxyclass.cli.notes import show_notes
    from galaxyclass.evaluation.baselines.baseline import baseline

    show_notes()
    with bars() as progress:
        done = baseline(
            images,
            table,
            output=output,
            recipe=recipe,
            settings=assignments,
            id_column=id_column,
            target_column=target_column,
            classes=classes,
            skip_invalid=skip_invalid,
            seed=seed,
            workers=workers,
            cache=cache,
            overwrite=overwrite,
            progress=progress,
        )
    if as_json:
        click.echo((output / "metrics.json").read_text(encoding="utf-8"), nl=False)
    else:
        _show(done)


def _show(done: Baselines) -> None:
    from galaxyclass.tasks.scores.votes import VoteScores

    for note in done.notes:
        click.echo(in_options(note))
    for part, count in done.galaxies.items():
        if part == "train":
            continue
        scores = [one for one in done.scores if one.part == part]
        votes = isinstance(scores[0].scores, VoteScores)
        click.echo(f"\n{part}: {count:,} galaxies; {done.galaxies['train']:,} others were fitted")
        console().print(_overall(scores) if votes else _accuracies(scores))
        if votes:
            console().print(_questions(done, scores))
        best = (min if votes else max)(scores, key=lambda one: one.overall.value)
        figure = f"{'RMSE' if votes else 'accuracy'} {best.overall.value:.4f}"
        floor = f"; the floor of the noise is {done.noise_floors[part]:.4f}" if votes else ""
        click.echo(f"{part}: what a network has to beat is {figure} ({best.name}){floor}")
    click.echo(f"the scores are in {done.folder}")


def _new_table(first: str, *others: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", vertical="bottom")
    return table


def _overall(scores: list[BaselineScores]) -> Table:
    names = [extent.name for extent, _ in scores[0].extents]
    table = _new_table("RMSE [95 % interval]", "everything that is known", *names)
    for one in scores:
        table.add_row(one.name, _cell(one.overall), *(_cell(other) for _, other in one.extents))
    return table


def _questions(done: Baselines, scores: list[BaselineScores]) -> Table:
    from galaxyclass.tasks.outputs import VoteOutputs
    from galaxyclass.tasks.scores.votes import VoteScores

    assert isinstance(done.outputs, VoteOutputs)
    table = _new_table("RMSE by question", *(one.name for one in scores))
    for place, question in enumerate(done.outputs.tree.questions):
        values = [
            one.scores.questions[place].value
            for one in scores
            if isinstance(one.scores, VoteScores)
        ]
        cells = ["" if math.isnan(value) else f"{value:.4f}" for value in values]
        table.add_row(f"{question.code} {question.key.replace('_', ' ')}", *cells)
    return table


def _accuracies(scores: list[BaselineScores]) -> Table:
    from galaxyclass.tasks.scores.classes import ClassScores

    table = _new_table("[95 % interval]", "accuracy", "balanced accuracy")
    for one in scores:
        assert isinstance(one.scores, ClassScores)
        table.add_row(one.name, _cell(one.scores.accuracy), _cell(one.scores.balanced_accuracy))
    return table


def _cell(estimate: Score) -> str:
    if math.isnan(estimate.value):
        return ""
    # The backslash: rich takes brackets for its own marks.
    return f"{estimate.value:.4f} \\[{estimate.low:.4f}, {estimate.high:.4f}]"
