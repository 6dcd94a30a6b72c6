"""The changes of the file system that a command makes, in all its processes."""

from __future__ import annotations

import mmap
import os
import signal
import sys
from pathlib import Path
from typing import Any


class Changes:
    """Counts the changes below a folder, and kills a command before one of them.

    It counts those of this process and of its forks. Who is about to make the one change is killed,
    and with it the process that made this object.

    Parameters
    ----------
    folder : Path
    kill_at : int
        The number of the change, from 1; 0 for none.
    """

    def __init__(self, folder: Path, kill_at: int) -> None:
        self.folder, self.kill_at = folder, kill_at
        self.watching = True
        self._command = os.getpid()
        self._seen = mmap.mmap(-1, 8)  # shared with the forks
        sys.addaudithook(self._hear)

    @property
    def seen(self) -> int:
        """How many there were."""
        return int.from_bytes(self._seen[:], "little")

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.watching:
            return
        if event == "open":
            path, _, flags = arguments
            changing = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            self._see(path, -1) if changing else None
        elif event in ("os.mkdir", "os.rmdir", "os.remove", "os.rename"):
            # Their last argument is the descriptor of the folder that the path is in.
            self._see(arguments[0], arguments[-2] if event == "os.rename" else arguments[-1])

    def _see(self, path: Any, folder: int) -> None:
        if isinstance(path, int):
            return
        whole = Path(os.fsdecode(path))
        if folder >= 0:
            whole = Path(f"/proc/self/fd/{folder}").readlink() / whole
        if not whole.absolute().is_relative_to(self.folder):
            return
        number = self.seen + 1
        self._seen[:] = number.to_bytes(8, "little")
        if number == self.kill_at:
            os.kill(self._command, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
