"""How far a survey is, from its files alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from galaxyclass.errors import SurveyError
from galaxyclass.short import counted, short_path, summary
from galaxyclass.survey.claims import Mark, read_mark, time_of
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.manifest import SurveyPlan, SurveyShard
from galaxyclass.survey.records import (
    ShardFailure,
    ShardRecord,
    read_failure,
    read_record,
    result_digest,
)

#: The rate is that of the last so many seconds.
_WINDOW = 900.0
#: Shards that are shown as the slowest.
_SLOWEST = 5


class RunningShard(NamedTuple):
    """A shard that is being predicted, or whose process was killed."""

    shard: int
    mark: Mark


class SlowShard(NamedTuple):
    """A shard that took long for each picture."""

    shard: int
    seconds: float
    milliseconds_per_image: float
    host: str
    source: str


@dataclass(frozen=True)
class SurveyStatus:
    """How far a survey is.

    Attributes
    ----------
    folder : str
    shards, images : int
        In all.
    done, images_done, unreadable : int
        Shards that are done, their pictures, and those that could not be read.
    running : tuple of RunningShard
        Being predicted now.
    lost : tuple of RunningShard
        Whose processes are gone: the next run takes them over.
    failed : tuple of ShardFailure
        Given up; the next run tries them again.
    unfit : tuple of int
        With a result that does not fit the plan: changed by hand, or of another plan.
    images_per_second : float or None
        In the last quarter of an hour; None where nothing was done.
    seconds_left : float or None
        At that rate, or else that of the plan's measurement.
    slowest : tuple of SlowShard
    """

    folder: str
    shards: int
    images: int
    done: int
    images_done: int
    unreadable: int
    running: tuple[RunningShard, ...]
    lost: tuple[RunningShard, ...]
    failed: tuple[ShardFailure, ...]
    unfit: tuple[int, ...]
    images_per_second: float | None
    seconds_left: float | None
    slowest: tuple[SlowShard, ...]

    def __repr__(self) -> str:
        return summary(
            f"SurveyStatus: {self.done:,} of {counted(self.shards, 'shard')} done, "
            f"{len(self.running):,} running, {len(self.failed):,} given up, "
            f"{short_path(self.folder)}"
        )


@dataclass(frozen=True)
class _Done:
    shard: SurveyShard
    record: ShardRecord
    ended: float


def survey_status(
    folder: SurveyFolder, plan: SurveyPlan, shards: Sequence[SurveyShard]
) -> SurveyStatus:
    """How far a survey is, from its files alone, on any machine that sees them."""
    now = time_of(folder.running if folder.running.is_dir() else folder.path)
    done, unfit = _results(folder, plan, shards)
    numbers = {each.shard.number for each in done}
    marks = list(_marks(folder, now, numbers))
    running = [each for each in marks if each.mark.is_alive]
    images_done = sum(each.shard.images for each in done)
    at_work = sum(each.mark.images for each in running)
    rate = _rate(done, running, now)
    left = plan.images - images_done - at_work
    planned = plan.cost.images_per_second if plan.cost else None
    usable = rate or planned
    return SurveyStatus(
        folder=str(folder.path),
        shards=plan.shards,
        images=plan.images,
        done=len(done),
        images_done=images_done,
        unreadable=sum(each.record.failed for each in done),
        running=tuple(running),
        lost=tuple(each for each in marks if not each.mark.is_alive),
        failed=tuple(_failures(folder, numbers)),
        unfit=tuple(unfit),
        images_per_second=rate,
        seconds_left=None if usable is None else left / usable,
        slowest=tuple(_slowest(done)),
    )


def _results(
    folder: SurveyFolder, plan: SurveyPlan, shards: Sequence[SurveyShard]
) -> tuple[list[_Done], list[int]]:
    done, unfit = [], []
    for shard in shards:
        path = folder.record(shard.number)
        try:
            record = read_record(path)
            if record is None:
                continue
            size = folder.predictions(shard.number).stat().st_size
            if record.failed:
                folder.failures(shard.number).stat()
            ended = path.stat().st_mtime
        except (OSError, SurveyError):
            unfit.append(shard.number)
            continue
        if record.digest != result_digest(plan, shard) or record.bytes != size:
            unfit.append(shard.number)
            continue
        done.append(_Done(shard, record, ended))
    return done, unfit


def _marks(folder: SurveyFolder, now: float, done: set[int]) -> Iterable[RunningShard]:
    try:
        names = sorted(name for name in os.listdir(folder.running) if name[:1].isdigit())  # noqa: PTH208
    except OSError:
        return
    for name in names:
        number = int(name.split(".")[0])
        mark = read_mark(folder.running / name, now)
        if mark is not None and number not in done:
            yield RunningShard(number, mark)


def _failures(folder: SurveyFolder, done: set[int]) -> Iterable[ShardFailure]:
    for path in sorted(folder.failed(0).parent.glob("[0-9]*.json")):
        failure = read_failure(path)
        if failure is not None and failure.shard not in done:
            yield failure


def _rate(done: Sequence[_Done], running: Sequence[RunningShard], now: float) -> float | None:
    """Images per second in the last while, those of running shards included."""
    begin = now - _WINDOW
    images, earliest = 0.0, now
    for each in done:
        if each.ended > begin and each.record.fresh:
            started = each.ended - each.record.seconds
            share = min(1.0, (each.ended - begin) / max(each.record.seconds, 1e-9))
            images += each.record.fresh * share
            earliest = min(earliest, max(started, begin))
    for _, mark in running:
        images += mark.images * min(1.0, _WINDOW / max(mark.seconds, 1e-9))
        earliest = min(earliest, now - min(mark.seconds, _WINDOW))
    latest = now if running else max((each.ended for each in done), default=now)
    return images / (latest - earliest) if images and latest > earliest else None


def _slowest(done: Sequence[_Done]) -> list[SlowShard]:
    slow = [
        SlowShard(
            each.shard.number,
            each.record.seconds,
            1000 * each.record.seconds / each.record.fresh,
            each.record.host,
            each.shard.source,
        )
        for each in done
        if each.record.fresh
    ]
    return sorted(slow, key=lambda each: -each.milliseconds_per_image)[:_SLOWEST]
