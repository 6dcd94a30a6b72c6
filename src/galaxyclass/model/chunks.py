"""The finished parts of a prediction, beside the output, from which a stopped job goes on.

``predictions.csv.parts/`` holds ``plan.json`` (whose job this is) and, for every finished part, its
rows and then a JSON file of its failures and statistics. The JSON is written last: where it stands,
the part is whole and on the disk. A part without it is written again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from galaxyclass.errors import OutputError
from galaxyclass.io.atomic import sync, sync_folder, translated, write_text, writing
from galaxyclass.model.checks import Statistics, parse_statistics
from galaxyclass.model.writers import SINKS, sink_of, write_failures

_PLAN = "plan.json"
_LOCK = "lock"
_OURS = re.compile(
    rf"{re.escape(_PLAN)}|{_LOCK}|(\d{{8}}|whole)({'|'.join(map(re.escape, SINKS))})"
    r"|\d{8}\.json|\..*\.tmp"
)


@dataclass(frozen=True)
class ChunkRecord:
    """What is known of a finished part besides its rows.

    ``images`` counts those that it is about; ``failures`` are (path, error) of the ones among them
    that could not be decoded.
    """

    images: int
    failures: tuple[tuple[str, str], ...]
    statistics: Statistics


class Chunks:
    """The folder of parts of one job, held by one process at a time (see `open_chunks`).

    Attributes
    ----------
    count : int
        How many parts are finished.
    images, failed : int
        How many images are in them, and how many of those could not be decoded.
    statistics : Statistics
        Of all predictions in them.
    """

    def __init__(self, output: Path, nothing: Statistics) -> None:
        self.output = output
        self.folder = chunks_folder(output)
        self.count, self.images, self.failed, self.statistics = 0, 0, 0, nothing
        self._sink = sink_of(output)

    def read(self) -> None:
        """Find the parts that are finished."""
        while self._record(self.count).is_file() and self._rows(self.count).is_file():
            self._count_in(self._read(self.count))

    def add(self, table: pa.Table, record: ChunkRecord) -> None:
        """Write the next part; when this returns it survives a kill and a power cut.

        Raises
        ------
        OutputError
            The disk is full; the parts before are kept.
        """
        with writing(self._rows(self.count)) as temporary:
            self._sink.write_part(temporary, table)
        write_text(self._record(self.count), json.dumps(asdict(record)))
        self._count_in(record)

    def _count_in(self, record: ChunkRecord) -> None:
        self.count += 1
        self.images += record.images
        self.failed += len(record.failures)
        self.statistics += record.statistics

    def _read(self, index: int) -> ChunkRecord:
        data: dict[str, Any] = json.loads(self._record(index).read_text("utf-8"))
        failures = tuple((path, error) for path, error in data["failures"])
        return ChunkRecord(data["images"], failures, parse_statistics(data["statistics"]))

    def _rows(self, index: int) -> Path:
        return self.folder / f"{index:08}{self.output.suffix.lower()}"

    def _record(self, index: int) -> Path:
        return self.folder / f"{index:08}.json"

    def finish(self, empty: pa.Table, failed: Path) -> Path | None:
        """Join the parts into the output and remove them.

        The list of failures is written first, the output last: where the output stands,
        everything does.

        Parameters
        ----------
        empty : pyarrow.Table
            The output's columns, without rows.
        failed : Path
            Where the images that could not be decoded are listed; removed where there are none.

        Returns
        -------
        Path or None
            ``failed``, where it was written.
        """
        # Inside the folder of parts, a file that a kill leaves half-written is found and removed.
        whole = self.folder / f"whole{self.output.suffix.lower()}"
        with translated(self.output):
            paths = (self._rows(index) for index in range(self.count))
            self._sink.join(whole, paths, empty)
            sync(whole)
            if self.failed:
                with writing(failed) as temporary:
                    write_failures(
                        temporary, (f for i in range(self.count) for f in self._read(i).failures)
                    )
            else:
                failed.unlink(missing_ok=True)
            whole.replace(self.output)
            sync_folder(self.output.parent)
            self.remove()
        return failed if self.failed else None

    def remove(self, *, keep_lock: bool = False) -> None:
        """Remove the folder, the plan last but for the lock."""
        last = [_PLAN, _LOCK]
        others = (entry for entry in self.folder.iterdir() if entry.name not in last)
        for entry in (*others, self.folder / _PLAN):
            entry.unlink(missing_ok=True)
        if not keep_lock:
            (self.folder / _LOCK).unlink(missing_ok=True)
            self.folder.rmdir()


def chunks_folder(output: Path) -> Path:
    """Where the parts of an output are kept until it is whole."""
    return output.with_name(output.name + ".parts")


@contextlib.contextmanager
def open_chunks(output: Path, key: str, nothing: Statistics) -> Iterator[tuple[Chunks, bool]]:
    """Open the folder of parts beside an output, made where it is missing.

    Parameters
    ----------
    output : Path
    key : str
        What the job's result depends on; parts of another key are removed.
    nothing : Statistics
        Those of no predictions.

    Yields
    ------
    parts : Chunks
        Those that an earlier run of the same job finished are in it.
    replaced : bool
        Whether parts of another job were removed.

    Raises
    ------
    OutputError
        The folder cannot be made; it holds something else; or another process is writing there.
    """
    folder = chunks_folder(output)
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
    strangers = sorted(e.name for e in folder.iterdir() if not _OURS.fullmatch(e.name))
    if strangers:
        raise OutputError(
            f"{folder}: not a folder of parts of a prediction",
            got=f"it holds {', '.join(strangers[:3])}",
            hint="move it away, or choose another `output`",
        )
    with _locked(folder, output):
        parts = Chunks(output, nothing)
        plan = _read_plan(folder / _PLAN)
        replaced = plan is not None and plan.get("key") != key
        if plan is None or replaced:
            parts.remove(keep_lock=True)
            write_text(folder / _PLAN, json.dumps({"key": key}))
        else:
            parts.read()
        for leftover in folder.glob(".*.tmp"):
            leftover.unlink()
        yield parts, replaced


def _read_plan(path: Path) -> dict[str, Any] | None:
    try:
        plan: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return plan


@contextlib.contextmanager
def _locked(folder: Path, output: Path) -> Iterator[None]:
    """Hold the folder for this process; the system lets go of it however the process ends."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover - Windows: two jobs on one output are not noticed
        yield
        return
    with translated(folder):
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"{output}: another process is writing these predictions",
                hint="wait for it, or choose another `output`",
            ) from error
        except OSError:
            pass  # a file system without locks (some network mounts): go on without
        yield
    finally:
        os.close(descriptor)
