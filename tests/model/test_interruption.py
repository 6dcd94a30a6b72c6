"""Kills, Ctrl-C, full disks, two processes at once: what is kept, and that nothing differs."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from numpy.typing import NDArray

from galaxyclass.errors import OutputError, PredictionInterruptedError
from galaxyclass.io.journal import journal_of
from galaxyclass.model.chunks import chunks_folder
from galaxyclass.model.csv_writer import CsvWriter
from galaxyclass.model.load import load_model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.predict import predict
from tests.support import fake
from tests.support.waiting import wait_until

BATCHES_OF_8 = InferenceOptions(batch_size=8)

pytestmark = pytest.mark.usefixtures("small_parts")

_SCRIPT = textwrap.dedent("""
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    from tests.support import fake
    from galaxyclass.model import job
    from galaxyclass.model.load import load_model
    from galaxyclass.model.options import InferenceOptions
    from galaxyclass.model.predict import predict
    job.CHUNK_IMAGES = 16
    run, sky, output, seconds, lanes = sys.argv[2:]
    backend = fake.TreeBackend(float(seconds))
    if int(lanes):
        backend = fake.LaneBackend(backend)
    try:
        lanes = int(lanes) or 1
        options = InferenceOptions(batch_size=8, workers=lanes)
        predict(load_model(run, backend=backend), Path(sky), output=output, options=options)
    except Exception as error:
        print(error)
        sys.exit(3)
""")


def _start(
    run: Path, sky: Path, output: Path, seconds: float = 0.05, lanes: int = 0
) -> subprocess.Popen[Any]:
    arguments = [Path(__file__).parents[2], run, sky, output, seconds, lanes]
    return subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


def _finished(output: Path) -> int:
    """How many chunks the journal has: whole lines after the first."""
    journal = journal_of(output)
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


def _wait_for_chunks(process: subprocess.Popen[str], output: Path, count: int) -> None:
    wait_until(lambda: _finished(output) >= count, process)


@pytest.fixture
def job(tmp_path: Path) -> tuple[Path, Path]:
    run = fake.save_run(tmp_path / "run")
    fake.save_images(tmp_path / "sky", 150)
    (tmp_path / "sky" / "0_bad.jpg").write_text("not an image")
    return run, tmp_path / "sky"


@pytest.mark.parametrize("lanes", [0, 3])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_kill_loses_at_most_one_part_and_changes_nothing(
    job: tuple[Path, Path], tmp_path: Path, suffix: str, lanes: int
) -> None:
    output, whole = tmp_path / f"killed.{suffix}", tmp_path / f"whole.{suffix}"
    process = _start(*job, output, seconds=0.1 if lanes else 0.05, lanes=lanes)
    _wait_for_chunks(process, output, 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not output.exists()
    finished = _finished(output)
    # what a kill in the middle of a write leaves behind
    (chunks_folder(output) / ".00000003.csv.tmp").write_text("half a par")
    backend = fake.TreeBackend()
    again = fake.LaneBackend(backend) if lanes else backend
    summary = predict(
        load_model(job[0], backend=again),
        *job[1:],
        output=output,
        options=InferenceOptions(batch_size=8, workers=1),
    )
    assert summary.resumed == 16 * finished >= 48
    assert backend.seen == 151 - 16 * finished
    assert f"had done {summary.resumed} images" in " ".join(summary.notes)
    predict(
        load_model(job[0], backend=fake.TreeBackend()), *job[1:], output=whole, options=BATCHES_OF_8
    )
    assert output.read_bytes() == whole.read_bytes()
    failed = f"{output.stem}_failed.csv"
    assert (tmp_path / failed).read_text() == (tmp_path / "whole_failed.csv").read_text()
    assert not chunks_folder(output).exists()


@pytest.mark.slow
def test_kills_at_any_moment(job: tuple[Path, Path], tmp_path: Path) -> None:
    """Killed again and again at random moments, joining and cleaning up included."""
    import random

    output, whole = tmp_path / "killed.csv", tmp_path / "whole.csv"
    predict(
        load_model(job[0], backend=fake.TreeBackend()), *job[1:], output=whole, options=BATCHES_OF_8
    )
    draw = random.Random(0)
    for _ in range(6):
        process = _start(*job, output, seconds=0.01)
        try:
            process.wait(timeout=0.6 + 0.5 * draw.random())
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        if output.exists():
            break
    if not output.exists():
        predict(
            load_model(job[0], backend=fake.TreeBackend()),
            *job[1:],
            output=output,
            options=BATCHES_OF_8,
        )
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("lanes", [0, 3])
def test_ctrl_c_says_how_to_go_on(job: tuple[Path, Path], tmp_path: Path, lanes: int) -> None:
    output = tmp_path / "p.csv"
    process = _start(*job, output, seconds=0.1 if lanes else 0.05, lanes=lanes)
    _wait_for_chunks(process, output, 2)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "of 151 images are done and kept in" in said
    assert "run the same again: it goes on from there" in said
    again = fake.LaneBackend(fake.TreeBackend()) if lanes else fake.TreeBackend()
    assert predict(load_model(job[0], backend=again), *job[1:], output=output).resumed >= 32


def test_ctrl_c_within_a_batch(job: tuple[Path, Path], tmp_path: Path) -> None:
    backend, calls = fake.TreeBackend(), []

    def stopped(cutouts: NDArray[Any]) -> ModelOutput:
        calls.append(len(cutouts))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return backend(cutouts)

    with pytest.raises(PredictionInterruptedError, match="stopped; 16 of 151"):
        predict(
            load_model(job[0], backend=stopped),
            *job[1:],
            output=tmp_path / "p.csv",
            options=BATCHES_OF_8,
        )


def test_a_full_disk_loses_nothing(
    job: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "p.csv"
    write_chunk, calls = CsvWriter.write_chunk, []

    def full(self: CsvWriter, path: Path, table: pa.Table) -> None:
        calls.append(path)
        if len(calls) == 4:
            path.write_text("some of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_chunk(self, path, table)

    monkeypatch.setattr(CsvWriter, "write_chunk", full)
    with pytest.raises(OutputError, match=r"no room(?s:.*)48 of 151 images are done and kept") as e:
        predict(
            load_model(job[0], backend=fake.TreeBackend()),
            *job[1:],
            output=output,
            options=BATCHES_OF_8,
        )
    assert "the same again goes on from there" in str(e.value)
    assert not output.exists()
    monkeypatch.undo()
    assert (
        predict(
            load_model(job[0], backend=fake.TreeBackend()),
            *job[1:],
            output=output,
            options=BATCHES_OF_8,
        ).resumed
        == 48
    )


def test_a_full_disk_while_joining_loses_nothing(
    job: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "p.csv"

    def full(self: CsvWriter, path: Path, parts: Iterator[Any], empty: pa.Table) -> None:
        path.write_text("some of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(CsvWriter, "join", full)
    with pytest.raises(OutputError, match="151 of 151 images are done"):
        predict(load_model(job[0], backend=fake.TreeBackend()), *job[1:], output=output)
    monkeypatch.undo()
    backend = fake.TreeBackend()
    assert predict(load_model(job[0], backend=backend), *job[1:], output=output).resumed == 151
    assert backend.seen == 0


def _stop_after(batches: int) -> Callable[..., Any]:
    backend, calls = fake.TreeBackend(), []

    def stopped(cutouts: NDArray[Any]) -> ModelOutput:
        calls.append(len(cutouts))
        if len(calls) > batches:
            raise KeyboardInterrupt
        return backend(cutouts)

    return stopped


def _stop(run: Path, sky: Path, output: Path) -> None:
    with pytest.raises(PredictionInterruptedError):
        predict(load_model(run, backend=_stop_after(6)), sky, output=output, options=BATCHES_OF_8)


@pytest.mark.parametrize("change", ["image", "list", "model"])
def test_another_job_starts_over(job: tuple[Path, Path], tmp_path: Path, change: str) -> None:
    run, sky = job
    output = tmp_path / "p.csv"
    _stop(run, sky, output)
    if change == "image":
        first = sorted(sky.iterdir())[0]
        os.utime(first, ns=(1, 1))
    elif change == "list":
        (sky / "0_bad.jpg").unlink()
    else:
        fake.save_run(run, fake.vote_outputs(unknown=("11",)))
    summary = predict(load_model(run, backend=fake.TreeBackend()), sky, output=output)
    assert summary.resumed == 0
    assert "Chunks of another job" in " ".join(summary.notes)


def test_a_smaller_batch_goes_on(job: tuple[Path, Path], tmp_path: Path) -> None:
    """Out of memory on a GPU: the finished parts stay good for a smaller batch."""
    _stop(*job, tmp_path / "p.csv")
    summary = predict(
        load_model(job[0], backend=fake.TreeBackend()),
        *job[1:],
        output=tmp_path / "p.csv",
        options=InferenceOptions(batch_size=3),
    )
    assert summary.resumed == 48


def test_a_slow_model_makes_a_part_every_few_seconds(
    job: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loss is bounded in time: here every batch takes longer than a part may."""
    monkeypatch.setattr("galaxyclass.model.job.CHUNK_IMAGES", 10**9)
    monkeypatch.setattr("galaxyclass.model.job.CHUNK_SECONDS", 0.01)
    backend, calls = fake.TreeBackend(seconds=0.02), []

    def killed(cutouts: NDArray[Any]) -> ModelOutput:
        calls.append(len(cutouts))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return backend(cutouts)

    with pytest.raises(PredictionInterruptedError, match="stopped; 30 of 151"):
        predict(
            load_model(job[0], backend=killed),
            *job[1:],
            output=tmp_path / "p.csv",
            options=InferenceOptions(batch_size=10),
        )


def test_two_processes_at_once(job: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "p.csv"
    process = _start(*job, output, seconds=0.2)
    _wait_for_chunks(process, output, 1)
    with pytest.raises(OutputError, match="another process is writing"):
        predict(load_model(job[0], backend=fake.TreeBackend()), *job[1:], output=output)
    process.kill()
    process.communicate()


def test_a_folder_of_something_else_is_not_touched(job: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "p.csv.chunks"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match=r"it holds thesis\.tex"):
        predict(load_model(job[0], backend=fake.TreeBackend()), *job[1:], output=tmp_path / "p.csv")
    assert (folder / "thesis.tex").read_text() == "years of work"


def test_no_permission(job: tuple[Path, Path], tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.access(locked, os.W_OK):
        pytest.skip("this user may write everywhere (root)")
    with pytest.raises(OutputError, match="no permission"):
        predict(load_model(job[0], backend=fake.TreeBackend()), *job[1:], output=locked / "p.csv")


def test_the_output_lies_below_a_file(job: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        predict(
            load_model(job[0], backend=fake.TreeBackend()),
            *job[1:],
            output=tmp_path / "file" / "p.csv",
        )
