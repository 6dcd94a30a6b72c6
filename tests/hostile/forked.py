"""Worker processes by forks of the command: libraries that it has imported are not imported again.

A process that imports torch takes seconds, and a study starts one for each of its trainings.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

from galaxyclass.workers import start

#: File descriptors that a process may have, at most.
_DESCRIPTORS = 4096
_PAUSE = 0.005


class ForkedProcess:
    """Stands for the process that `galaxyclass.workers.start.start_process` starts.

    Parameters
    ----------
    module, environment, errors
        As `start_process` takes them.
    """

    def __init__(
        self, module: str, environment: Mapping[str, str], errors: IO[bytes] | None = None
    ) -> None:
        tasks, answers = os.pipe(), os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(tasks[0], 0)
            os.dup2(answers[1], 1)
            if errors is not None:
                os.dup2(errors.fileno(), 2)
            _be(module, environment)
        os.close(tasks[0])
        os.close(answers[1])
        self.stdin, self.stdout = os.fdopen(tasks[1], "wb"), os.fdopen(answers[0], "rb")

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        with self._lock:
            if self.returncode is None:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, once it has ended."""
        begun = time.monotonic()
        while (status := self.poll()) is None:
            if timeout is not None and time.monotonic() > begun + timeout:
                raise subprocess.TimeoutExpired("a fork", timeout)
            time.sleep(_PAUSE)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def _be(module: str, environment: Mapping[str, str]) -> NoReturn:
    """Be the process, as if it had been started anew."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.closerange(3, _DESCRIPTORS)  # locks and pipes of the command are not this one's
        os.environ.update(environment)
        sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
        sys.stderr = os.fdopen(2, "w", buffering=1)
        importlib.import_module(module).main()
        status = 0
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError):  # nobody reads the answers any more
            sys.stdout.flush()
        os._exit(status)


def fork_workers() -> None:
    """Let this process fork its workers, from now on."""
    started = start.start_process
    for name, module in list(sys.modules.items()):
        if name.startswith("galaxyclass.") and vars(module).get("start_process") is started:
            vars(module)["start_process"] = ForkedProcess


def adopt_orphans() -> None:
    """Let processes whose parent was killed become children of this one (Linux)."""
    set_child_subreaper = 36  # sys/prctl.h
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def left_processes(patience: float) -> list[str]:
    """Wait for the children of this process, and end those that do not end by themselves.

    Parameters
    ----------
    patience : float
        Seconds that they have.

    Returns
    -------
    list of str
        What is wrong: the ends of the command lines of those that had to be killed.
    """
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return []
        time.sleep(_PAUSE)
    left = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    names = [Path("/proc", process, "cmdline").read_bytes().split(b"\0") for process in left]
    for process in map(int, left):
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    return [f"a process is left: {b' '.join(words[-3:]).decode()}" for words in names]
