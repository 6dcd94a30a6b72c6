"""Writing so that a kill, a full disk or a second reader never sees half a file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from galaxyclass.errors import OutputError


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; on leaving, sync it to disk and rename it.

    Whatever goes wrong inside, ``path`` holds what it held before and the temporary file is gone.
    Parent folders are made.

    Raises
    ------
    OutputError
        The disk is full, or the place cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with writing(target) as temporary:
    ...     _ = temporary.write_text("whole or not at all")
    >>> target.read_text()
    'whole or not at all'
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            sync(temporary)
            temporary.replace(path)
            sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):  # it may never have come to be
            temporary.unlink()
        raise


def require_free(output: Path, *, overwrite: bool) -> None:
    """Refuse a file that would be refused at the end, before any work is done.

    Raises
    ------
    OutputError
        It is a folder; or it exists and is not to be replaced.
    """
    if output.is_dir():
        raise OutputError(
            f"{output}: a folder", wanted="the name of a file", hint="name a file in it"
        )
    if output.exists() and not overwrite:
        raise OutputError(
            f"{output}: the output exists already",
            hint="pass `overwrite=True`, or choose another name",
        )


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8, whole or not at all (see `writing`)."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the operating system's errors of writing to ``path`` into an `OutputError`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(
                f"{path}: no room left on the disk",
                hint="free some space, or choose another place; what was written before is kept",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OutputError(
                f"{path}: no permission to write here", hint="choose another place"
            ) from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            raise OutputError(
                f"{path}: a file stands where a folder is needed", hint="choose another place"
            ) from error
        if error.errno == errno.ENAMETOOLONG:
            raise OutputError(
                f"{path}: the name is too long", hint="choose a shorter one"
            ) from error
        raise


def sync(path: Path) -> None:
    """Make sure that a file's content is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make sure that a folder's entries (a rename) are on the disk, where the system can."""
    if os.name == "nt":  # pragma: no cover - Windows cannot open folders
        return
    sync(path)
