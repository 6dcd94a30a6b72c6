"""What processes left behind that were killed just after their shard was done."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from galaxyclass.survey.claims import claimed, clear_clocks
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.manifest import SurveyPlan, SurveyShard
from galaxyclass.survey.records import finished


def clear_leftovers(folder: SurveyFolder, plan: SurveyPlan, shards: Sequence[SurveyShard]) -> None:
    """Remove marks, chunks and failures of shards that are done, and of which no process is left.

    Parameters
    ----------
    folder : SurveyFolder
    plan : SurveyPlan
    shards : sequence of SurveyShard
        All of the survey.
    """
    if folder.running.is_dir():
        clear_clocks(folder.running)
    for number, paths in _numbered(folder).items():
        is_done = number < len(shards) and finished(folder, plan, shards[number]) is not None
        if not is_done:
            continue
        with claimed(folder.mark(number)) as claim:  # removes the mark
            if claim is not None:
                _remove(path for path in paths if path != folder.mark(number))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _numbered(folder: SurveyFolder) -> dict[int, list[Path]]:
    """All that is noted about shards, by their numbers."""
    found: dict[int, list[Path]] = {}
    for path in _entries(folder):
        digits = path.name[:7]
        if digits.isdecimal():
            found.setdefault(int(digits), []).append(path)
    return found


def _entries(folder: SurveyFolder) -> Iterator[Path]:
    for place in (folder.running, folder.work(0, "").parent, folder.failed(0).parent):
        if place.is_dir():
            yield from place.iterdir()
