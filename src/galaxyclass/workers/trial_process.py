"""The process of a trial: start it, read its progress, and end it in good order."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from galaxyclass.workers.start import Message, close_pipes, send, start_process

#: Seconds that a trial has to end after SIGTERM; a training step is far shorter.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status (negative: the signal that killed it), and its memory.

    ``memory`` is its peak memory in bytes, as last reported; None where it reported none.
    """

    status: int
    memory: int | None


def work(
    module: str,
    job: Message,
    log: Path,
    listen: Callable[[Message], None],
    *,
    stop: threading.Event | None = None,
) -> Ended:
    """Run a job in a process, and wait for its end.

    Parameters
    ----------
    module : str
        Its ``main`` reads the job and reports progress.
    job : mapping
    log : Path
        The standard error of the process is appended to this file.
    listen : callable
        Called with each progress message.
    stop : threading.Event, optional
        Ends the process in good order once it is set, from whichever thread.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C; the process was stopped, and has ended.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = start_process(module, {"PYTHONUNBUFFERED": "1"}, errors)
    assert process.stdout is not None, "started with pipes"
    memory: int | None = None
    if stop is not None:
        threading.Thread(target=_end_when, args=(stop, process), daemon=True).start()
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


def _end_when(stop: threading.Event, process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end once ``stop`` is set."""
    while process.poll() is None:
        if stop.wait(0.2):
            process.terminate()
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process and wait for its end; a second Ctrl-C, or too long a wait, kills it."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except BaseException:
        process.kill()
        process.wait()
