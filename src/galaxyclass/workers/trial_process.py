"""Starting the process of a trial, listening to it, and ending it in good order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

#: Seconds that a trial has to end after it was told to; a step of a training is far shorter.
_PATIENCE = 60.0
_START = (
    "import sys; sys.path.append(sys.argv[1]); from galaxyclass.study.compare.worker import main; "
    "main()"
)


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status (negative: the signal that killed it), its memory.

    ``memory`` is the most that it held, in bytes, when it last told of it.
    """

    status: int
    memory: int | None


def work(job: Mapping[str, Any], log: Path, listen: Callable[[Mapping[str, Any]], None]) -> Ended:
    """Have a process do a job, and wait for its end.

    Parameters
    ----------
    job : mapping
        As `worker.main` reads it.
    log : Path
        What the process writes to its standard error is added to this file.
    listen : callable
        Is given each message of progress.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C; the process was told to stop, and has.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        # -P: a file of the user's named like a module of Python's must not be imported. A session
        # of its own: Ctrl-C reaches us alone, and we tell it.
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    assert process.stdin is not None, "started with pipes"
    assert process.stdout is not None, "started with pipes"
    memory: int | None = None
    try:
        with suppress(BrokenPipeError):  # it died: its status will say so
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.flush()
        for line in process.stdout:
            with suppress(ValueError):  # a last line that a kill cut short
                message = json.loads(line)
                memory = message["memory"]
                listen(message)
        return Ended(process.wait(), memory)
    except BaseException:
        _end(process)
        raise
    finally:
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does; in threads other than the main one nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Tell a process to stop and wait for it; a second Ctrl-C, or too long a wait, kills it."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except BaseException:
        process.kill()
        process.wait()
