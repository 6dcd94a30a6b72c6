"""The trials of a comparison or of a search, as a table with what is to be said of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from galaxyclass.cli.hints import in_options
from galaxyclass.cli.plain_console import PlainConsole
from galaxyclass.cli.shown import echo
from galaxyclass.short import counted, first_few

if TYPE_CHECKING:
    from rich.table import Table

    from galaxyclass.study.compare.results import TrialResult
    from galaxyclass.tasks.metric import Metric

#: What to do about a notice stands behind these words.
_REMEDY = " What to try: "
#: Trials whose own words about a notice are printed.
_SHOWN = 3


def show_trials(results: Sequence[TrialResult]) -> bool:
    """Print the trials that have ended, the best first; whether there are any."""
    from galaxyclass.study.compare.results import best_first
    from galaxyclass.tasks.kinds import metric_named
    from galaxyclass.tasks.metric import RMSE

    ended = [result for result in results if result.state != "unfinished"]
    if not ended:
        return False
    finished = [result for result in ended if result.state == "finished"]
    keys_of_scores = [result.score for result in finished if result.score is not None]
    metric = metric_named(keys_of_scores[0]) if keys_of_scores else RMSE
    console = PlainConsole()
    # In a file or a pipe the table need not be cut to a width.
    (console if console.is_terminal else PlainConsole(width=200)).print(_table(ended, metric))
    for line in explanations(ended):
        echo(line)
    for result in best_first(finished)[:1]:
        echo(
            f"best: {result.trial.name}: {metric.label} {_cell(result.value, '.4f')} "
            f"[{_cell(result.low, '.4f')}, {_cell(result.high, '.4f')}] "
            f"({metric.simplest} {_cell(result.reference, '.4f')})"
        )
    echo(f"{counted(len(results), 'trial')}: {_states(results)}")
    return True


def _table(ended: Sequence[TrialResult], metric: Metric) -> Table:
    """A row for each trial, the best first."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from galaxyclass.study.compare.results import best_first

    figures = (
        metric.label,
        "interval",
        metric.simplest,
        "kept epoch",
        "minutes",
        "images/s",
        "MiB",
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("recipe", overflow="fold")
    for title in titles_of(list(ended[0].trial.varied)):
        table.add_column(title, overflow="fold")
    for title in figures:
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
    return table


def _states(results: Sequence[TrialResult]) -> str:
    """How many trials are in which state: ``3 finished, 0 failed``."""
    states = ("finished", "pruned", "failed", "unfinished")
    words = {"pruned": "stopped early", "unfinished": "to go"}
    counts = {state: sum(result.state == state for result in results) for state in states}
    return ", ".join(
        f"{count} {words.get(state, state)}"
        for state, count in counts.items()
        if count or state in ("finished", "failed")
    )


def titles_of(keys: Sequence[str]) -> list[str]:
    """A short title for each varied setting: its last word, where no other has it.

    Examples
    --------
    >>> titles_of(["optimizer.name", "schedule.name", "optimizer.lr", "training.epochs"])
    ['optimizer.name', 'schedule.name', 'lr', 'epochs']
    """
    last = [key.split(".")[-1] for key in keys]
    return [key if last.count(word) > 1 else word for key, word in zip(keys, last, strict=True)]


def _figures(result: TrialResult) -> list[str]:
    interval = ""
    if result.low is not None:
        interval = f"{result.low:.4f} to {_cell(result.high, '.4f')}"
    epochs = _cell(result.epochs, "")
    if result.kept_epoch is not None:
        epochs = f"{result.kept_epoch} of {epochs}"
    elif epochs:
        epochs = f"– of {epochs}"
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
    if result.state == "pruned":
        kinds.insert(0, "stopped early")
    if result.failure is not None:
        kinds.insert(0, "failed: " + in_options(result.failure.splitlines()[0]))
    return ", ".join(kinds)


def explanations(ended: Sequence[TrialResult]) -> list[str]:
    """Lines on each kind of notice and of failure: each trial's own figures, and one remedy."""
    messages: dict[str, list[tuple[str, str]]] = {}
    for result in ended:
        problems = list(result.notices)
        if result.failure is not None:
            problems.append((result.failure.splitlines()[0], f"failed: {result.failure}"))
        for kind, message in problems:
            messages.setdefault(kind, []).append((result.trial.name, message))
    lines = []
    for of_a_kind in messages.values():
        grouped: dict[str, list[str]] = {}
        remedies = dict.fromkeys(
            remedy for _, message in of_a_kind if (remedy := message.partition(_REMEDY)[2])
        )
        for name, message in of_a_kind:
            grouped.setdefault(message.partition(_REMEDY)[0], []).append(name)
        for text, names in list(grouped.items())[:_SHOWN]:
            lines.append(f"{first_few(names, 3)}:")
            lines.append("  " + in_options(text).replace("\n", "\n  "))
        if len(grouped) > _SHOWN:
            unlisted = sum(len(names) for names in list(grouped.values())[_SHOWN:])
            heading = re.split(r"[:.]", next(iter(grouped)))[0]
            lines.append(f"  {heading}: {counted(unlisted, 'more trial')}")
        lines += [f"  {_REMEDY.strip()} {in_options(remedy)}" for remedy in remedies]
    return lines


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
