"""``galaxyclass compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.command import Command
from galaxyclass.cli.shown import echo
from galaxyclass.cli.trials import show_trials

if TYPE_CHECKING:
    from galaxyclass.arguments import Device
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.study.compare.compare import Comparison

EPILOG = """\b
Examples:
  galaxyclass compare fast two-layer-cnn --images sky/images --table sky/votes.csv --output study
  galaxyclass compare fast --images sky/images --table sky/votes.csv --output rates \\
      --vary optimizer.name=adam,adamw --vary optimizer.lr=0.01,0.001 --set training.epochs=10

The output folder gets compare.csv (a row per trial, updated after each), compare.png (learning
curves), runs/ (a run per trial, for evaluate and predict) and logs/. A trial that fails or runs out
of memory is a row too. After Ctrl-C or a kill the same command goes on."""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("recipes", metavar="RECIPE…", nargs=-1, required=True)
@click.option(
    "--vary",
    "variations",
    multiple=True,
    metavar="SECTION.KEY=VALUE,VALUE,…",
    help="A setting and its values; repeatable: every combination is a trial.",
)
@options.dataset(options.skip_invalid, options.classes)
@options.output("the comparison: a new folder, or that of the same comparison to go on with")
@options.settings
@options.mirror_pairs
@options.seed
@options.device
@options.workers
@options.cache
@click.option(
    "--retry-failed", is_flag=True, help="When going on, repeat trials that failed before."
)
def command(
    *,
    recipes: tuple[str, ...],
    variations: tuple[str, ...],
    dataset: Dataset,
    output: Path,
    settings: tuple[str, ...],
    mirror_pairs: list[str],
    seed: int,
    device: Device,
    workers: int | None,
    cache: Path | None,
    retry_failed: bool,
) -> None:
    """Train each RECIPE with every combination of varied settings, and tabulate the scores.

    All trials have the same split. Each is a training in its own process, whose peak memory is
    measured; a failed trial does not stop the others.
    """
    from galaxyclass.cli.bars import bars
    from galaxyclass.cli.notes import show_notes
    from galaxyclass.errors import StoppedError
    from galaxyclass.study.compare.compare import compare, read_comparison
    from galaxyclass.study.compare.trials import parse_variations

    show_notes()
    try:
        with bars() as progress:
            comparison = compare(
                recipes,
                dataset,
                output=output,
                vary=parse_variations(variations),
                settings=[*settings, *mirror_pairs],
                seed=seed,
                device=device,
                workers=workers,
                cache=cache,
                retry_failed=retry_failed,
                progress=progress,
            )
    except StoppedError:
        _show(read_comparison(output))
        raise
    _show(comparison)


def _show(comparison: Comparison) -> None:
    if show_trials(comparison.results):
        echo(
            f"in {comparison.folder}: the table is compare.csv, the learning curves are "
            "compare.png, the folder runs has the runs"
        )
