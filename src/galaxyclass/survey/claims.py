"""A shard is predicted by one process at a time, on whatever file system the survey lies.

The process holds the lock of the shard's mark and writes a sign of life into it. Some file systems
of clusters have no locks, or none between machines: a mark therefore counts too while its sign of
life is fresh and, on this machine, its process is there. Times are compared as the file system
gives them, so that clocks of machines may differ. Where all this fails (a machine that slept), two
processes predict the same shard, each in a folder of its own, and the results are the same.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from galaxyclass.io.atomic import translated
from galaxyclass.io.lock import bears_name, close_locked, open_locked
from galaxyclass.io.reading import parse_json, read_bounded

#: Seconds between two signs of life, and after which a process of another machine counts as dead.
BEAT_SECONDS, SILENT_SECONDS = 5.0, 60.0


#: Seconds after which a file of `time_of` is a leftover.
_CLOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Mark:
    """What the mark of a running shard says.

    Attributes
    ----------
    host : str
    pid : int
    images : int
        Pictures that are done.
    seconds : float
        Since the process began with the shard.
    age : float
        Seconds since the last sign of life, by the clock of the file system; or until it, where
        that clock was set back since.
    """

    host: str
    pid: int
    images: int
    seconds: float
    age: float = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether its process runs, as far as this machine can tell."""
        if self.host == host_name():
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                return False
            except OSError:
                pass
        return self.age < SILENT_SECONDS


def host_name() -> str:
    """The name of this machine, as part of a file's name."""
    return socket.gethostname().replace("/", "_") or "unnamed"


def time_of(folder: Path) -> float:
    """The time, by the clock that dates the files of a folder; this machine's where it cannot."""
    clock = folder / f".clock.{host_name()}.{os.getpid()}.{threading.get_ident()}"
    try:
        clock.touch()
        now = clock.stat().st_mtime
        clock.unlink()
    except OSError:
        return time.time()
    return now


def clear_clocks(folder: Path) -> None:
    """Remove files of `time_of` that killed processes left: they are there for a moment only."""
    now = time_of(folder)
    for clock in folder.glob(".clock.*"):
        with suppress(OSError):
            if now - clock.stat().st_mtime > _CLOCK_SECONDS or not _runs_here(clock):
                clock.unlink()


def _runs_here(clock: Path) -> bool:
    """Whether the process of a file of `time_of` may run: unknown of other machines."""
    host, pid, _ = clock.name.removeprefix(".clock.").rsplit(".", 2)
    return Mark(host, int(pid), 0, 0.0).is_alive


def read_mark(path: Path, now: float) -> Mark | None:
    """The mark of a running shard; None where there is none, or it is being written."""
    try:
        data = parse_json(read_bounded(path))
        return Mark(**data, age=abs(now - path.stat().st_mtime))
    except (OSError, ValueError, TypeError):
        return None


class Claim:
    """A shard that this process holds. ``images`` is what its sign of life says to be done."""

    def __init__(self, descriptor: int) -> None:
        self.images = 0
        self._descriptor = descriptor
        self._begun = time.monotonic()

    def beat(self) -> None:
        """Give a sign of life."""
        mark = asdict(Mark(host_name(), os.getpid(), self.images, time.monotonic() - self._begun))
        del mark["age"]
        content = json.dumps(mark).encode()
        with suppress(OSError):
            os.pwrite(self._descriptor, content.ljust(200), 0)


@contextmanager
def claimed(mark: Path) -> Iterator[Claim | None]:
    """Hold a shard; None where another process does.

    Parameters
    ----------
    mark : Path
        `SurveyFolder.mark`.

    Raises
    ------
    OutputError
        No room, no permission, a disk that can only be read.
    """
    with translated(mark):
        mark.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = open_locked(mark)
        except BlockingIOError:
            descriptor = -1
    if descriptor < 0:
        yield None
        return
    ended = threading.Event()
    beating: threading.Thread | None = None
    try:
        found = read_mark(mark, time_of(mark.parent))
        this_process = (host_name(), os.getpid())
        if found is not None and found.is_alive and (found.host, found.pid) != this_process:
            close_locked(descriptor)
            descriptor = -1
            yield None
            return
        claim = Claim(descriptor)
        claim.beat()

        def beat() -> None:
            while not ended.wait(BEAT_SECONDS):
                claim.beat()

        beating = threading.Thread(target=beat, daemon=True, name="sign-of-life")
        beating.start()
        yield claim
    finally:
        ended.set()
        if beating is not None:
            beating.join()
        if descriptor >= 0:
            if bears_name(descriptor, mark):
                with suppress(OSError):
                    mark.unlink()
            close_locked(descriptor)
