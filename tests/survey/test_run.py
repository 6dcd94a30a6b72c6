"""Shards are done once, whatever happens: stops, kills, faults of sources, two drivers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import galaxyclass
from galaxyclass import OutputError, Survey, SurveyError, open_survey
from galaxyclass.cli.main import AGAIN, main
from galaxyclass.model.bundle.load import file_digest
from galaxyclass.survey.answers import InThisProcess
from galaxyclass.survey.claims import Mark, claimed, host_name
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.shard import ShardRunner
from tests.support.waiting import wait_until

Planned = Callable[..., Survey]
ALL = [0, 1, 2]


def digests(survey: Survey) -> list[str]:
    files = SurveyFolder(survey.folder)
    return [file_digest(files.predictions(number)) for number in range(len(survey.shards))]


def leftovers(survey: Survey) -> list[str]:
    places = ("running", "work", "failed")
    return [str(path) for place in places for path in (survey.folder / place).glob("*")]


def test_a_survey_predicts_what_predict_does(
    planned: Planned, tars: Path, small_model: Path, tmp_path: Path
) -> None:
    survey = planned()
    result = survey.run_shards(ALL)
    assert (result.done, result.before, result.images, result.failed) == (3, 0, 60, ())
    survey.merge(output=tmp_path / "survey.csv")
    galaxyclass.predict(small_model, tars, output=tmp_path / "plain.csv")
    assert (tmp_path / "survey.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()
    assert leftovers(survey) == []
    again = survey.run_shards(ALL)
    assert (again.done, again.before, again.images) == (3, 3, 0)


def test_a_stop_keeps_finished_batches(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    # The last picture of a shard is then a batch of its own, in both.
    monkeypatch.setattr("galaxyclass.model.stream.natural_batch_size", lambda *_: 4)
    whole = planned(name="whole")
    whole.run_shards(ALL)
    survey = planned()
    run = ShardRunner.run

    def warned(self: ShardRunner, number: int, progress: Any) -> Any:
        def follow(stage: str, done: int, total: int | None, **words: Any) -> None:
            if done == 8:
                os.kill(os.getpid(), signal.SIGUSR1)
                time.sleep(1.5)  # until the driver has passed it on
            progress(stage, done, total, **words)

        return run(self, number, follow)

    with monkeypatch.context() as patch:
        patch.setattr(ShardRunner, "run", warned)
        with pytest.raises(galaxyclass.SurveyStoppedError, match="stopped by SIGUSR1") as caught:
            survey.run_shards([0])
    assert caught.value.again
    assert "8 of 25 images are done and kept in" in str(caught.value.got)
    answer = InThisProcess(ShardRunner.open(survey.folder)).ask(0, lambda _: None)
    record = json.loads(SurveyFolder(survey.folder).record(0).read_text())
    assert answer.state == "done"
    assert record["fresh"] == 25 - 8
    survey.run_shards(ALL)
    assert digests(survey) == digests(whole)


def test_pictures_that_fail_are_listed_and_stop_nothing(
    planned: Planned, pictures: list[Path], tmp_path: Path
) -> None:
    copies = shutil.copytree(pictures[0].parent, tmp_path / "copies")
    (copies / pictures[3].name).write_bytes(b"no picture")
    survey = planned(copies)
    (copies / pictures[30].name).unlink()
    result = survey.run_shards(ALL)
    assert (result.done, result.unreadable) == (3, 2)
    merged = survey.merge(output=tmp_path / "all.parquet")
    assert (merged.rows, merged.failed) == (58, 2)
    listed = merged.failed_file.read_text().splitlines()
    assert [Path(line.split(",")[0]).name for line in listed[1:]] == [
        pictures[3].name,
        pictures[30].name,
    ]


def test_a_source_that_is_gone_fails_its_shards_and_comes_back(
    planned: Planned, tars: Path, tmp_path: Path
) -> None:
    survey = planned()
    (tars / "00003.tar").rename(tmp_path / "away.tar")
    log = tmp_path / "log.jsonl"
    result = survey.run_shards(ALL, log=log)
    assert result.done == 1  # the last archive reaches into the last two shards
    assert [failure.attempts for failure in result.failed] == [3, 3]
    assert "00003.tar: gone since the survey was planned" in result.failed[0].error
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["event"] for event in events].count("failed") == 6
    assert [failure.shard for failure in survey.status().failed] == [1, 2]
    with pytest.raises(SurveyError, match="not done: 2 of 3 shards"):
        survey.merge(output=tmp_path / "all.csv")
    (tmp_path / "away.tar").rename(tars / "00003.tar")
    assert survey.run_shards(ALL).done == 3
    assert leftovers(survey) == []


def test_a_folder_that_vanishes_meanwhile_spoils_nothing(
    planned: Planned, pictures: list[Path], tmp_path: Path
) -> None:
    copies = shutil.copytree(pictures[0].parent, tmp_path / "copies")
    survey = planned(copies)
    copies.rename(tmp_path / "away")
    copies.mkdir()  # as where a disk was mounted
    assert survey.run_shards([0], retries=0).failed
    shutil.rmtree(copies)
    (tmp_path / "away").rename(copies)
    assert survey.run_shards(ALL).unreadable == 0


def test_lost_pictures_can_be_accepted(planned: Planned, tars: Path, tmp_path: Path) -> None:
    survey = planned()
    data = (tars / "00000.tar").read_bytes()
    (tars / "00000.tar").write_bytes(data[: len(data) // 2])
    failed = survey.run_shards(ALL, retries=0).failed
    assert "00000.tar: changed since the survey was planned" in failed[0].error
    assert survey.run_shards(ALL, accept_lost=True).unreadable == 16
    merged = survey.merge(output=tmp_path / "all.csv")
    assert merged.rows + merged.failed == 60


def test_another_model_is_refused(planned: Planned, small_model: Path, tmp_path: Path) -> None:
    model = shutil.copytree(small_model, tmp_path / "model")
    survey = planned(model=model)
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["id_column"] = "other"
    (model / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SurveyError, match="not the model that the survey was planned with"):
        survey.run(workers=1)
    plan = replace(survey.plan, version="0.0.1")
    (survey.folder / "survey.json").write_text(plan.to_json())
    with pytest.raises(SurveyError, match="planned with another version of galaxyclass"):
        open_survey(survey.folder).run_shards([0])


def test_results_that_were_changed_do_not_count(planned: Planned, tmp_path: Path) -> None:
    survey = planned()
    survey.run_shards(ALL)
    file = SurveyFolder(survey.folder).predictions(1)
    before = file.read_bytes()
    changed = bytearray(before)
    changed[1000] ^= 1
    file.write_bytes(changed)
    with pytest.raises(SurveyError, match="changed since shard 1 was done"):
        survey.merge(output=tmp_path / "all.csv")
    pq.write_table(pq.read_table(pa.BufferReader(before)).slice(1), file)
    assert survey.status().unfit == (1,)
    assert survey.run_shards(ALL).images == 25
    assert file.read_bytes() == before


def test_a_list_of_failures_that_was_changed_does_not_count(
    planned: Planned, pictures: list[Path], tmp_path: Path
) -> None:
    copies = shutil.copytree(pictures[0].parent, tmp_path / "copies")
    (copies / pictures[3].name).write_bytes(b"no picture")
    survey = planned(copies)
    survey.run_shards(ALL)
    listed = SurveyFolder(survey.folder).failures(0)
    listed.write_bytes(b"\xff\xfe, no text")
    with pytest.raises(SurveyError, match="not every object is accounted for"):
        survey.merge(output=tmp_path / "all.csv")
    listed.unlink()
    assert survey.status().unfit == (0,)
    assert survey.run_shards(ALL).before == 2
    assert survey.merge(output=tmp_path / "all.csv").failed == 1


def test_a_copy_of_a_survey_goes_on_without_the_first(planned: Planned, tmp_path: Path) -> None:
    whole = planned(name="whole")
    whole.run_shards(ALL)
    survey = planned()
    survey.run_shards([1])
    shutil.move(survey.folder, tmp_path / "elsewhere")
    copy = open_survey(tmp_path / "elsewhere")
    result = copy.run_shards(ALL)
    assert (result.done, result.before) == (3, 1)
    assert digests(copy) == digests(whole)
    (copy.folder / "sources.parquet").write_bytes(b"no parquet")
    SurveyFolder(copy.folder).record(2).unlink()
    with pytest.raises(SurveyError, match=r"sources.parquet: cannot be read"):
        copy.run_shards(ALL)


def test_a_full_disk_fails_one_shard_and_not_the_others(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = planned()
    publish = ShardRunner.publish

    def full(self: ShardRunner, shard: Any, *rest: Any) -> Any:
        if shard.number == 1:
            raise OutputError("no room left on the disk")
        return publish(self, shard, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(ShardRunner, "publish", full)
        result = survey.run_shards(ALL)
    assert (result.done, result.failed[0].shard, result.failed[0].attempts) == (2, 1, 3)
    assert survey.run_shards(ALL).done == 3
    assert leftovers(survey) == []


def test_a_stop_between_the_two_files_of_a_shard(
    planned: Planned, pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = shutil.copytree(pictures[0].parent, tmp_path / "copies")
    (copies / pictures[3].name).write_bytes(b"no picture")
    survey = planned(copies)
    output, move = SurveyFolder(survey.folder).predictions(0), Path.replace

    def stopped(self: Path, target: Path) -> Path:
        if target == output:
            raise OSError("stopped here")
        return move(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopped)
        assert "stopped here" in survey.run_shards([0], retries=0).failed[0].error
    result = survey.run_shards([0])
    assert (result.done, result.unreadable) == (1, 1)
    assert leftovers(survey) == []


def test_marks_of_other_machines_count_while_they_are_fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "running" / "0000000.json"
    mark.parent.mkdir()
    words = asdict(Mark("elsewhere", 1, 7, 3.0))
    del words["age"]
    mark.write_text(json.dumps(words))
    os.utime(mark, (time.time() - 30, time.time() - 30))
    with claimed(mark) as claim:
        assert claim is None
    # This machine's clock is a day late: only that of the file system counts.
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with claimed(mark) as claim:
        assert claim is None
    os.utime(mark, (1000, 1000))
    with claimed(mark) as claim:
        assert claim is not None
        assert json.loads(mark.read_text())["host"] == host_name()
        with claimed(mark) as second:
            assert second is None
    assert not mark.exists()
    # The clock of the file system was set back since: who gave this sign gives no other.
    mark.write_text(json.dumps(words))
    os.utime(mark, (2**32, 2**32))
    with claimed(mark) as claim:
        assert claim is not None


def test_chunks_of_another_machine_are_taken_up(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = planned()
    monkeypatch.setattr("galaxyclass.model.stream.natural_batch_size", lambda *_: 4)
    worker = InThisProcess(ShardRunner.open(survey.folder))
    assert worker.ask(0, lambda done: worker.stop() if done else None).state == "stopped"
    files = SurveyFolder(survey.folder)
    files.work(0, host_name()).rename(files.work(0, "elsewhere"))
    survey.run_shards([0])
    assert 0 < json.loads(files.record(0).read_text())["fresh"] < 25
    assert leftovers(survey) == []


def command(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "galaxyclass", "survey", "run", *words],
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_killed_workers_and_drivers_lose_nothing(
    planned: Planned, tmp_path: Path, pictures: list[Path]
) -> None:
    """Two drivers at once, one of which is killed with its worker; then a signal, then the rest."""
    survey = planned(shard_size=5)
    night = str(survey.folder)
    drivers = [command(night, "--workers", "1", "--cores", "1") for _ in range(2)]
    running = SurveyFolder(survey.folder).running

    def a_mark() -> dict[str, Any] | None:
        for path in running.glob("0*.json"):
            try:
                found: dict[str, Any] = json.loads(path.read_text())
            except (OSError, ValueError):
                continue
            return found
        return None

    wait_until(lambda: a_mark() is not None, seconds=60)
    if (mark := a_mark()) is not None:
        with suppress(ProcessLookupError):
            os.kill(mark["pid"], signal.SIGKILL)
    drivers[0].kill()
    errors = [driver.communicate(timeout=120)[1] for driver in drivers]
    assert drivers[1].returncode == 0, errors[1]
    merged = survey.merge(output=tmp_path / "all.csv")
    assert (merged.rows, merged.failed) == (60, 0)
    assert leftovers(survey) == []
    whole = planned(name="whole", shard_size=60)
    whole.run_shards([0])
    whole.merge(output=tmp_path / "whole.csv")
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_sigterm_ends_with_the_code_that_requeues(planned: Planned) -> None:
    survey = planned(shard_size=1)
    driver = command(str(survey.folder), "--workers", "1", "--cores", "1")
    files = SurveyFolder(survey.folder)
    wait_until(lambda: any(files.record(number).is_file() for number in range(60)), seconds=60)
    driver.send_signal(signal.SIGTERM)
    _, errors = driver.communicate(timeout=60)
    if driver.returncode == 0:
        pytest.skip("it was done before the signal came")
    assert driver.returncode == AGAIN == 75
    assert "stopped by SIGTERM" in errors
    assert "run the same again" in errors


def test_the_command_line(planned: Planned, capsys: pytest.CaptureFixture[str]) -> None:
    survey = planned()
    night = str(survey.folder)
    assert main(["survey", "run", night, "--part", "2/2"]) == 0
    assert main(["survey", "status", night]) == 0
    shown = capsys.readouterr().out
    assert "done     1 of 3 shards, 25 images (41.7 %)" in shown
    assert main(["survey", "run", night, "--shard", "7"]) == 1
    assert "no shard 7" in capsys.readouterr().err
    for wrong in (["--slurm", "--shard", "0"], ["--partition", "x"], ["--part", "3/2"]):
        assert main(["survey", "run", night, *wrong]) == 2
    assert main(["survey", "run", night, "--shard", "0", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["done"] == 2
    assert main(["survey", "merge", night, "--output", night + ".csv"]) == 0
    assert "60 galaxies in" in capsys.readouterr().out
