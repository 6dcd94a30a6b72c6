"""``galaxyclass baseline``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command
from galaxyclass.cli.notes import echo_notes, show_notes
from galaxyclass.cli.shown import echo
from galaxyclass.cli.tables import console, rich_table
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.evaluation.baselines.scores import Baselines

EPILOG = """\b
Examples:
  galaxyclass baseline --images sky/images --table sky/votes.csv --output baselines
  galaxyclass baseline --images sky/images --table sky/votes.csv --output baselines20 \\
      --recipe fast --set split.test=0.2 --seed 1

Baselines are fitted on the training part and scored on the validation and test parts. The recipe
defines the shares of the parts: a training with the same recipe, --set split.…, seed, images and
table is scored on the same galaxies. The output folder gets scores.csv, metrics.json and
split.csv."""


@click.command(cls=Command, epilog=EPILOG)
@options.dataset(options.classes, options.skip_invalid)
@options.output("the scores: a folder")
@click.option(
    "--recipe",
    default="fast",
    show_default=True,
    help="The recipe whose [split] defines the held-out galaxies.",
)
@options.settings
@options.seed
@options.workers
@options.cache
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
    workers: int | None,
    cache: Path | None,
    overwrite: bool,
    quote_formulas: bool,
    as_json: bool,
) -> None:
    """Score predictors without a network: means, and regressions on the colours of the images.

    For vote fractions: all zeros, the mean vector (the mean votes of the training galaxies), linear
    regression on the colour of the central pixel and on the mean colour, and the Galaxy Challenge's
    central-pixel benchmark. For classes: the largest class, logistic regression on the same
    colours, and the most frequent class among galaxies of similar colour. Intervals are 95 %
    bootstrap intervals over galaxies.
    """
    from galaxyclass.evaluation.baselines.baseline import baseline

    show_notes()
    with bars() as progress:
        baselines = baseline(
            dataset,
            output=output,
            recipe=recipe,
            settings=settings,
            seed=seed,
            workers=workers,
            cache=cache,
            overwrite=overwrite,
            quote_formulas=quote_formulas,
            progress=progress,
        )
    if as_json:
        echo((output / "metrics.json").read_text(encoding="utf-8"), nl=False)
    else:
        _show(baselines)


def _show(baselines: Baselines) -> None:
    echo_notes(baselines.notes)
    for part, count in baselines.galaxies.items():
        if part == "train":
            continue
        scores = [entry for entry in baselines.scores if entry.part == part]
        echo(
            f"\n{part}: {counted(count, 'galaxy')}; "
            f"fitted on {counted(baselines.galaxies['train'], 'other')}"
        )
        for table in baselines.task.compare(
            [(entry.name, entry.scores, entry.subsets) for entry in scores]
        ):
            console().print(rich_table(table, wrap=True))
        metric = baselines.task.metric
        best = min(scores, key=lambda entry: metric.error(entry.overall.value))
        figure = f"{metric.label} {best.overall.value:.4f}"
        has_floor = part in baselines.noise_floors
        floor = f"; the noise floor is {baselines.noise_floors[part]:.4f}" if has_floor else ""
        echo(f"{part}: a network has to beat {figure} ({best.name}){floor}")
    echo(f"the scores are in {baselines.folder}")
