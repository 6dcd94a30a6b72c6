"""Progress bars of the command line, drawn with rich on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

from galaxyclass.cli.plain_console import PlainConsole
from galaxyclass.cli.shown import visible
from galaxyclass.progress import Progress


class _Rate(ProgressColumn):
    """Units per second since the stage began."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        unit = task.fields.get("unit", "images")
        return Text(pace(speed, f" {unit}") if speed else "", style="cyan")


def pace(rate: float, unit: str = "") -> str:
    """How fast units are done; of slow ones, how long one takes.

    Examples
    --------
    >>> pace(1234.5), pace(2.5, " tiles"), pace(0.04, " epochs")
    ('1,234/s', '2.5 tiles/s', '25 s each')
    """
    if rate < 1:
        return f"{1 / rate:,.0f} s each"
    return f"{rate:,.0f}{unit}/s" if rate >= 10 else f"{rate:.2g}{unit}/s"


@contextmanager
def bars() -> Iterator[Progress]:
    """Show a bar for each stage; in a file or pipe, a line every 30 seconds and when it ends."""
    console = PlainConsole(stderr=True)
    if not console.is_terminal:
        yield _lines(console)
        return
    progress = RichProgress(
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
    )
    tasks: dict[str, TaskID] = {}

    def show(
        stage: str, done: int, total: int | None, *, unit: str = "images", note: str = ""
    ) -> None:
        if stage not in tasks:
            tasks[stage] = progress.add_task(stage, total=total, unit=unit, note=visible(note))
        progress.update(tasks[stage], completed=done, total=total, unit=unit, note=visible(note))

    with progress:
        yield show


#: Seconds between two lines of a stage that is not complete.
_LINE_SECONDS = 30.0


def _lines(console: Console) -> Progress:
    """Without a terminal: a line every 30 seconds, and when a stage is complete."""
    finished: set[str] = set()
    begun: dict[str, tuple[float, int]] = {}
    shown: dict[str, float] = {}
    last: dict[str, int] = {}

    def show(
        stage: str, done: int, total: int | None, *, unit: str = "images", note: str = ""
    ) -> None:
        now = time.monotonic()
        if stage not in begun or done < last[stage]:  # the next model's, or the next table's
            begun[stage], shown[stage] = (now, done), now
            finished.discard(stage)
        last[stage] = done
        if total is not None and done >= total:
            if stage not in finished:
                finished.add(stage)
                parts = [f"{stage}: {_amount(done, unit)}", *filter(None, [note])]
                console.print(", ".join(parts), highlight=False)
        elif now - shown[stage] >= _LINE_SECONDS:
            shown[stage] = now
            start, before = begun[stage]
            rate = (done - before) / (now - start)
            parts = [
                f"{stage}: {done:,}" + ("" if total is None else f" of {total:,}") + f" {unit}"
            ]
            if rate > 0:
                parts.append(pace(rate))
                if total is not None:
                    left = timedelta(seconds=round((total - done) / rate))
                    parts.append(f"{left} left")
            console.print(
                ", ".join([*parts, *filter(None, [note])]), highlight=False, soft_wrap=True
            )

    return show


def _amount(done: int, unit: str) -> str:
    """A number and its unit, which is given for several: ``1 tile``, ``2 tiles``."""
    endings = {"ies": "y", "sses": "ss", "s": ""}
    singular = next(
        (unit.removesuffix(end) + new for end, new in endings.items() if unit.endswith(end)), unit
    )
    return f"{done:,} {singular if done == 1 else unit}"
