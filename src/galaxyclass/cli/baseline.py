"""``galaxyclass baseline``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.hints import in_options
from galaxyclass.cli.tables import console, rich_table

if TYPE_CHECKING:
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.evaluation.baselines.scores import Baselines

EPILOG = """\b
Examples:
  galaxyclass baseline --images images/ --table votes.csv --output baselines
  galaxyclass baseline --images images/ --table votes.csv --output baselines \\
      --recipe fast --set split.test=0.2 --seed 1

Baselines are fitted on the training part and scored on the others. The recipe gives the shares of
the parts: a training with the same recipe, --set split.…, seed, images and table is scored on the
same galaxies. The folder gets scores.csv, metrics.json and split.csv."""


@click.command(epilog=EPILOG)
@options.dataset(options.classes, options.skip_invalid)
@options.output("the scores: a folder")
@click.option(
    "--recipe",
    default="fast",
    show_default=True,
    help="Its [split] says how many galaxies are held out.",
)
@options.assignments
@options.seed
@options.workers
@options.cache
@options.overwrite
@options.as_json
def command(
    *,
    dataset: Dataset,
    output: Path,
    recipe: str,
    assignments: tuple[str, ...],
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
            dataset,
            output=output,
            recipe=recipe,
            settings=assignments,
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
    for note in done.notes:
        click.echo(in_options(note))
    for part, count in done.galaxies.items():
        if part == "train":
            continue
        scores = [one for one in done.scores if one.part == part]
        click.echo(f"\n{part}: {count:,} galaxies; {done.galaxies['train']:,} others were fitted")
        for table in done.task.compare([(one.name, one.scores, one.subsets) for one in scores]):
            console().print(rich_table(table, wrap=True))
        metric = done.task.metric
        best = min(scores, key=lambda one: metric.error(one.overall.value))
        figure = f"{metric.label} {best.overall.value:.4f}"
        known = part in done.noise_floors
        floor = f"; the noise floor is {done.noise_floors[part]:.4f}" if known else ""
        click.echo(f"{part}: what a network has to beat is {figure} ({best.name}){floor}")
    click.echo(f"the scores are in {done.folder}")
