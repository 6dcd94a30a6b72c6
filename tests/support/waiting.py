"""Waiting for another process, however busy the machine is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def wait_until(
    happened: Callable[[], bool],
    process: subprocess.Popen[Any] | None = None,
    *,
    seconds: float = 300,
) -> None:
    """Wait until something has happened; at once it is an error where the process has ended."""
    end = time.monotonic() + seconds
    while not happened():
        if process is not None and process.poll() is not None:
            assert happened(), f"the process ended too soon, with {process.returncode}"
            return
        assert time.monotonic() < end, f"nothing within {seconds:.0f} seconds"
        time.sleep(0.01)


def is_running(number: int) -> bool:
    """Whether a process is there and has not ended; as Linux tells it in /proc."""
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
