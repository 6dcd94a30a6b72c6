"""``galaxyclass tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.command import Command
from galaxyclass.cli.notes import echo_notes, show_notes
from galaxyclass.cli.shown import echo
from galaxyclass.cli.trials import show_trials

if TYPE_CHECKING:
    from galaxyclass.arguments import Device
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.study.tune.tune import Tuned

EPILOG = """\b
Examples:
  galaxyclass tune fast --images sky/images --table sky/votes.csv --output search \\
      --vary optimizer.lr=log:1e-4..1e-2 --vary 'training.batch_size=32|64' --trials 40
  galaxyclass tune fast --images sky/images --table sky/votes.csv --output hour \\
      --vary optimizer.lr=log:1e-4..1e-2 --vary model.dropout=0..0.5 --minutes 60 --parallel 2

The output folder gets tune.csv (a row per trial, updated after each), best.toml (the best as a
recipe for `train`), tune.png (learning curves), settings.png (scores by setting), runs/ and logs/.
A trial that fails is a row too. After Ctrl-C or a kill the same command goes on; its number of
trials may be raised."""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("recipe")
@click.option(
    "--vary",
    "variations",
    multiple=True,
    metavar="SECTION.KEY=RANGE",
    help="A setting and what it may be; repeatable. log:1e-4..1e-2: numbers whose logarithms are "
    "evenly spread; 0..0.5: numbers; 8..64: whole numbers; '32|64': one of these.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=40,
    show_default=True,
    help="Trials in all, those of earlier calls included.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop after so many minutes; the same command goes on.",
)
@click.option(
    "--parallel",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Trials that are trained at once.",
)
@click.option(
    "--no-pruning",
    is_flag=True,
    help="Train every trial to its end; otherwise those that are worse than the median of the "
    "others at the same epoch are stopped early.",
)
@options.dataset(options.skip_invalid, options.classes)
@options.output("the search: a new folder, or that of the same search to go on with")
@options.settings
@options.mirror_pairs
@options.seed
@options.device
@options.workers
@options.cache
def command(
    *,
    recipe: str,
    variations: tuple[str, ...],
    trials: int,
    minutes: float | None,
    parallel: int,
    no_pruning: bool,
    dataset: Dataset,
    output: Path,
    settings: tuple[str, ...],
    mirror_pairs: list[str],
    seed: int,
    device: Device,
    workers: int | None,
    cache: Path | None,
) -> None:
    """Search for the settings of RECIPE that score best on the validation galaxies.

    Each trial is a training in its own process, on the same split. Its settings are chosen by what
    earlier trials scored (optuna).
    """
    from galaxyclass.cli.bars import bars
    from galaxyclass.errors import StoppedError
    from galaxyclass.study.tune.space import parse_assignments
    from galaxyclass.study.tune.tune import read_search, tune

    show_notes()
    try:
        with bars() as progress:
            tuned = tune(
                recipe,
                dataset,
                output=output,
                space=parse_assignments(variations),
                trials=trials,
                minutes=minutes,
                parallel=parallel,
                pruning=not no_pruning,
                settings=[*settings, *mirror_pairs],
                seed=seed,
                device=device,
                workers=workers,
                cache=cache,
                progress=progress,
            )
    except StoppedError:
        _show(read_search(output))
        raise
    _show(tuned)


def _show(tuned: Tuned) -> None:
    echo_notes(tuned.notes)
    if show_trials(tuned.results):
        echo(
            f"in {tuned.folder}: the table is tune.csv, the figures are tune.png and settings.png, "
            "the folder runs has the runs"
        )
    if tuned.best_recipe is not None:
        echo(f"the best as a recipe: galaxyclass train {tuned.best_recipe} …")
