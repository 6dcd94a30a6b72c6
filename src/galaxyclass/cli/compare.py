"""``galaxyclass compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.hints import in_options

if TYPE_CHECKING:
    from galaxyclass.arguments import Device
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.study.compare.compare import Comparison
    from galaxyclass.study.compare.results import TrialResult

EPILOG = """\b
Examples:
  galaxyclass compare fast two-layer-cnn --images sky/images --table sky/votes.csv --output study
  galaxyclass compare fast --images sky/images --table sky/votes.csv --output rates \\
      --vary optimizer.name=adam,adamw --vary optimizer.lr=0.01,0.001 --set training.epochs=10

The output folder gets compare.csv (a row per trial, updated after each), compare.png (learning
curves), runs/ (a run per trial, for evaluate and predict) and logs/. A trial that fails or runs out
of memory is a row too. After Ctrl-C or a kill the same command goes on."""


@click.command(epilog=EPILOG)
@click.argument("recipes", nargs=-1, required=True)
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
    """Train each of RECIPES with every combination of varied settings, and tabulate the scores.

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
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from galaxyclass.study.compare.results import best_first
    from galaxyclass.tasks.kinds import metric_named
    from galaxyclass.tasks.metric import RMSE

    ended = [result for result in comparison.results if result.state != "unfinished"]
    if not ended:
        return
    finished = [result for result in ended if result.state == "finished"]
    keys_of_scores = [result.score for result in finished if result.score is not None]
    metric = metric_named(keys_of_scores[0]) if keys_of_scores else RMSE
    keys = list(ended[0].trial.varied)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("recipe", overflow="fold")
    for key in keys:
        table.add_column(key.split(".")[-1], overflow="fold")
    for title in (
        metric.label,
        "interval",
        metric.simplest,
        "epochs",
        "minutes",
        "images/s",
        "MiB",
    ):
        table.add_column(title, justify="right", no_wrap=True)
    on_gpu = any(result.peak_gpu_memory_mib is not None for result in ended)
    if on_gpu:
        table.add_column("GPU MiB", justify="right", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("notices", overflow="fold")
    for result in best_first(ended):
        cells = [result.trial.recipe, *result.trial.varied.values(), *_figures(result)]
        if on_gpu:
            cells.append(_cell(result.peak_gpu_memory_mib, ",.0f"))
        table.add_row(*cells, _cell(result.parameters, ","), _remarks(result))
    console = Console()
    # In a file or a pipe the table need not be cut to a width.
    (console if console.is_terminal else Console(width=200)).print(table)
    _explain(ended)
    for result in best_first(finished)[:1]:
        click.echo(
            f"best: {result.trial.name}: {metric.label} {_cell(result.value, '.4f')} "
            f"[{_cell(result.low, '.4f')}, {_cell(result.high, '.4f')}] "
            f"({metric.simplest} {_cell(result.reference, '.4f')})"
        )
    click.echo(
        f"trials: {len(finished)} finished, {len(ended) - len(finished)} failed, "
        f"{len(comparison.results) - len(ended)} to go; the table is {comparison.folder}/"
        "compare.csv, the curves are compare.png, the runs are in runs/"
    )


def _figures(result: TrialResult) -> list[str]:
    interval = ""
    if result.low is not None:
        interval = f"{result.low:.4f} to {_cell(result.high, '.4f')}"
    epochs = _cell(result.epochs, "")
    if result.kept_epoch is not None and result.kept_epoch != result.epochs:
        epochs = f"{result.kept_epoch} of {epochs}"
    return [
        _cell(result.value, ".4f"),
        interval,
        _cell(result.reference, ".4f"),
        epochs,
        _cell(result.minutes, ".1f"),
        _cell(result.images_per_second, ",.0f"),
        _cell(result.peak_memory_mib, ",.0f"),
    ]


def _remarks(result: TrialResult) -> str:
    kinds = [kind.replace("_", " ") for kind, _ in result.notices]
    if result.failure is not None:
        kinds.insert(0, "failed: " + in_options(result.failure.splitlines()[0]))
    return ", ".join(kinds)


def _explain(ended: Sequence[TrialResult]) -> None:
    """Print each kind of notice and each failure once: its trials, the first message, a remedy."""
    messages: dict[str, tuple[str, list[str]]] = {}
    for result in ended:
        problems = [(kind, message) for kind, message in result.notices]
        if result.failure is not None:
            problems.append((result.failure.splitlines()[0], f"failed: {result.failure}"))
        for kind, message in problems:
            messages.setdefault(kind, (message, []))[1].append(result.trial.name)
    for message, names in messages.values():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        click.echo(click.style(f"{', '.join(names[:3])}{more}:", bold=True))
        click.echo("  " + in_options(message).replace("\n", "\n  "))


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
