"""What becomes of a shard whose process somebody else stopped."""

from __future__ import annotations

from pathlib import Path

from galaxyclass.survey.answers import Follow, ShardAnswer
from galaxyclass.survey.drive import Driver, SurveyRun
from galaxyclass.survey.events import EventLog
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.manifest import SurveyShard
from galaxyclass.workers.signals import StopRequest


class StoppedWorker:
    """Stopped from outside as often as is said, as by a system that is short of memory."""

    def __init__(self, times: int) -> None:
        self.times = times

    def ask(self, shard: int, follow: Follow) -> ShardAnswer:
        follow(1)
        self.times -= 1
        return ShardAnswer(shard, "stopped" if self.times >= 0 else "done", images=3)

    def stop(self) -> None:
        pass

    def end(self) -> None:
        pass


def drive(folder: Path, times: int) -> SurveyRun:
    shard = SurveyShard(0, 3, "images", "digest")
    worker = StoppedWorker(times)
    return Driver(SurveyFolder(folder), [shard], [worker], 2, StopRequest(), EventLog(None)).run()


def test_a_shard_is_tried_again_and_then_given_up(tmp_path: Path) -> None:
    assert (drive(tmp_path, 2).done, drive(tmp_path, 2).failed) == (1, ())
    given_up = drive(tmp_path, 9)
    assert given_up.done == 0
    assert "stopped from outside" in given_up.failed[0].error
