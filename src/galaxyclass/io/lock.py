"""One process at a time makes a pack: a lock that the system itself takes back after a kill."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made; wait while another process has it."""
    with path.open("w") as file:
        _lock(file)
        yield


if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX

    def _lock(file: IO[str]) -> None:
        import msvcrt

        while True:
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            except OSError:
                continue  # it gives up after ten seconds; we do not
            return

else:

    def _lock(file: IO[str]) -> None:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            # Lustre and NFS are often mounted without locks: two at once are not noticed there.
            if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
                raise
