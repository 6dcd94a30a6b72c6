"""How far a survey is, in lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from galaxyclass.cli.shown import echo
from galaxyclass.short import counted
from galaxyclass.version import __version__

if TYPE_CHECKING:
    from galaxyclass.survey.status import RunningShard, SurveyStatus
    from galaxyclass.survey.survey import Survey

#: Shards of a kind that are shown.
_SHOWN = 5


def duration(seconds: float) -> str:
    """A time in the two units that matter.

    Examples
    --------
    >>> duration(5), duration(100), duration(7300), duration(1e6)
    ('5 s', '1 min 40 s', '2 h 1 min', '11 d 13 h')
    """
    whole = round(seconds)
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    for (unit, size), (smaller, part) in pairwise(units):
        if whole >= size:
            smaller_units = whole % size // part
            return f"{whole // size} {unit}" + (
                f" {smaller_units} {smaller}" if smaller_units else ""
            )
    return f"{whole} s"


def show_status(survey: Survey, status: SurveyStatus) -> None:
    """Print how far a survey is."""
    share = 100 * status.images_done / status.images
    echo(f"{status.folder}: {counted(status.images, 'image')}, model {survey.plan.name}")
    echo(
        f"done     {status.done:,} of {counted(status.shards, 'shard')}, "
        f"{counted(status.images_done, 'image')} "
        f"({share:.1f} %)"
        + (f", {status.unreadable:,} could not be read" if status.unreadable else "")
    )
    echo(f"running  {counted(len(status.running), 'shard')}")
    _show_marks(status.running)
    if status.lost:
        echo(f"killed   {counted(len(status.lost), 'shard')}, which the next run takes over")
        _show_marks(status.lost)
    if status.failed:
        echo(f"failed   {counted(len(status.failed), 'shard')}, which the next run tries again")
        for failure in status.failed[:_SHOWN]:
            error = failure.error.splitlines()[0]
            echo(f"  {failure.shard:>9,}  {counted(failure.attempts, 'attempt')}: {error}")
    if status.unfit:
        numbers = ", ".join(f"{number:,}" for number in status.unfit[:_SHOWN])
        echo(
            f"unfit    {counted(len(status.unfit), 'shard')} with a result that does not fit the "
            f"plan ({numbers}): predicted again by the next run"
        )
    if survey.plan.version != __version__:
        echo(
            f"version  planned with galaxyclass {survey.plan.version}, which alone may run it; "
            f"this is {__version__}"
        )
    if status.done < status.shards:
        rate = status.images_per_second
        words = [] if status.running else ["nothing is running"]
        words += [f"{rate:,.0f} images/s in the last 15 minutes"] if rate else []
        echo(f"rate     {', '.join(words)}")
        if status.seconds_left is not None:
            by = "" if rate else ", by the plan's measurement"
            echo(f"left     {duration(status.seconds_left)} of work{by}")
    for number, slow in enumerate(status.slowest):
        echo(
            f"{'slowest' if number == 0 else '':<8} shard {slow.shard:,}: "
            f"{slow.milliseconds_per_image:.1f} ms an image, {duration(slow.seconds)}, "
            f"{slow.host}, {slow.source}"
        )


def _show_marks(marks: Sequence[RunningShard]) -> None:
    for shard, mark in marks[:_SHOWN]:
        echo(
            f"  {shard:>9,}  {counted(mark.images, 'image')}, {mark.host}, process {mark.pid}, "
            f"since {duration(mark.seconds)}"
        )
