"""Temporary folders, removed once they are not needed; after a kill, by the next process."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from galaxyclass.errors import OutputError
from galaxyclass.io.lock import close_locked, open_locked
from galaxyclass.short import first_line

#: The file in each folder whose lock its process holds.
_LOCK = ".lock"
_swept = threading.Event()


class TemporaryFolder:
    """A folder of its own in the system's folder for temporary files, which others cannot read.

    The first one that a process makes removes those that killed processes of this user and machine
    left.

    Attributes
    ----------
    path : Path
        It has a file ``.lock``, and nothing else at first.

    Raises
    ------
    OutputError
        There is no folder for temporary files, or no room in it.

    Examples
    --------
    >>> with TemporaryFolder() as folder:
    ...     (folder / "a.txt").write_text("a")
    ...     sorted(path.name for path in folder.iterdir())
    1
    ['.lock', 'a.txt']
    >>> folder.exists()
    False
    """

    def __init__(self) -> None:
        while True:
            self.path = _new_folder()
            try:
                descriptor = open_locked(self.path / _LOCK)
            except (BlockingIOError, FileNotFoundError):
                continue  # another process took it for one that was left, and removes it
            except BaseException:
                shutil.rmtree(self.path, ignore_errors=True)
                raise
            break
        self._end = weakref.finalize(self, _remove, self.path, descriptor, os.getpid())
        if not _swept.is_set():
            _swept.set()
            if self._lock_is_felt():
                _remove_left_folders()

    def remove(self) -> None:
        """Remove the folder and all that is in it."""
        self._end()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def _lock_is_felt(self) -> bool:
        """Whether locks work here: without them, a folder in use would be taken for one left."""
        try:
            close_locked(open_locked(self.path / _LOCK))
        except BlockingIOError:
            return True
        return False


def _new_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=_prefix()))
    except OSError as error:
        raise OutputError(
            "a temporary folder cannot be made",
            got=first_line(error),
            hint="set the environment variable TMPDIR to a folder that has room",
        ) from error


def _remove(path: Path, descriptor: int, owner: int) -> None:
    close_locked(descriptor)
    if os.getpid() == owner:  # a forked process has no part in it
        shutil.rmtree(path, ignore_errors=True)


def _remove_left_folders() -> None:
    """Remove the temporary folders of processes that were killed."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_prefix()):
                with suppress(OSError):
                    _remove_if_left(entry)


def _remove_if_left(entry: os.DirEntry[str]) -> None:
    if not entry.is_dir(follow_symlinks=False):
        return
    if os.name != "nt" and entry.stat(follow_symlinks=False).st_uid != os.getuid():
        return
    lock = Path(entry) / _LOCK
    if not lock.exists():  # it is being made or removed
        return
    close_locked(open_locked(lock))
    shutil.rmtree(entry.path, ignore_errors=True)


def _prefix() -> str:
    """How these folders are called; a file system that machines share may not share its locks."""
    return f"galaxyclass-{re.sub('[^A-Za-z0-9]', '', platform.node())[:40]}-"
