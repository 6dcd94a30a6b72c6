"""Locks on files and folders, which the system releases however a process ends."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from galaxyclass.errors import OutputError
from galaxyclass.io.reading import kind_of_file

#: Descriptor -> the process that locked it.
_owners: dict[int, int] = {}
#: Seconds between two attempts to take a lock, where the wait is limited.
_PAUSE = 0.05


def open_locked(path: Path, *, folder: bool = False, patience: float | None = 0.0) -> int:
    """Open a file or folder, or make it where it is missing, and hold its lock until it is closed.

    If another process renamed or removed the file before the lock was taken, it is closed, and the
    path is opened again.

    Parameters
    ----------
    path : Path
    folder : bool
        Whether a folder of that name is locked, or a file.
    patience : float or None
        Seconds to wait while another process holds the lock; None waits without limit.

    Returns
    -------
    int
        The descriptor; `close_locked` releases the lock.

    Raises
    ------
    BlockingIOError
        Another process held the lock all that time.
    OutputError
        A pipe or a device is there, which would be read and written without end.
    """
    while True:
        if folder:
            path.mkdir(exist_ok=True)
        flags = os.O_RDONLY if folder else os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            kind = None if folder else kind_of_file(os.fstat(descriptor).st_mode)
            if kind is not None:
                raise OutputError(f"{path}: {kind}, not a file", hint="choose another name")
            if not _acquire(descriptor, patience):
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path))
            if bears_name(descriptor, path):
                _owners[descriptor] = os.getpid()
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def close_locked(descriptor: int) -> None:
    """Close what `open_locked` opened, and release its lock."""
    release(descriptor)
    os.close(descriptor)


def release(descriptor: int) -> None:
    """Release a lock, just before the file is closed.

    Closing alone would leave it with processes that were forked meanwhile, which have the file open
    too. In such a process nothing is released: the lock is not its own.
    """
    if _owners.pop(descriptor, None) == os.getpid():
        _unlock(descriptor)


def bears_name(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that ``path`` names now."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))  # noqa: PTH116
    except FileNotFoundError:
        return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made and stays; wait while another process holds it."""
    descriptor = open_locked(path, patience=None)
    try:
        yield
    finally:
        close_locked(descriptor)


def _acquire(descriptor: int, patience: float | None) -> bool:
    end = None if patience is None else time.monotonic() + patience
    while not _try(descriptor, wait=end is None):
        if end is not None and time.monotonic() >= end:
            return False
        time.sleep(_PAUSE)
    return True


if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX

    def _try(descriptor: int, *, wait: bool) -> bool:
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(_descriptor: int) -> None:
        """Closing the file releases it: Windows does not fork."""

else:

    def _try(descriptor: int, *, wait: bool) -> bool:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            # Lustre and NFS are often mounted without locks, or without those of folders: two
            # processes at once are not noticed there.
            if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF):
                raise
        return True

    def _unlock(descriptor: int) -> None:
        import fcntl

        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_UN)
