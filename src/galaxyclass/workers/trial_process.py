"""Starting the process of a trial, listening to it, and ending it in good order."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from galaxyclass.workers.start import Message, close_pipes, send, start_process

#: Seconds that a trial has to end after it was told to; a step of a training is far shorter.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status (negative: the signal that killed it), its memory.

    ``memory`` is the most that it held, in bytes, when it last told of it.
    """

    status: int
    memory: int | None


def work(module: str, job: Message, log: Path, listen: Callable[[Message], None]) -> Ended:
    """Have a process do a job, and wait for its end.

    Parameters
    ----------
    module : str
        Its ``main`` reads the job and tells of its progress.
    job : mapping
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
        process = start_process(module, {"PYTHONUNBUFFERED": "1"}, errors)
    assert process.stdout is not None, "started with pipes"
    memory: int | None = None
    try:
        send(process, job)
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
        close_pipes(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Tell a process to stop and wait for it; a second Ctrl-C, or too long a wait, kills it."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except BaseException:
        process.kill()
        process.wait()
