"""Atomic writing: neither a kill nor a full disk leaves half a file or half a folder.

A file or folder that is being written is called ``.NAME.tmp``, beside the name that it will have. A
kill leaves it behind, and the next process that writes the same output takes the name over. A lock
tells such a leftover from a file that another process is still writing.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from galaxyclass.errors import GalaxyclassError, OutputError
from galaxyclass.io.lock import bears_name, close_locked, open_locked

#: Seconds to wait for another process that is writing the same file.
LOCK_SECONDS = 10.0
#: Where the content of a folder is built that cannot be replaced as a whole.
_INSIDE = ".unfinished.tmp"

_ANOTHER_PLACE = "choose another place"

#: Error number of the system -> what is wrong with the output, and what to do.
_WRITE_ERRORS: dict[int, tuple[str, str]] = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT),
        (
            "no room left on the disk",
            f"free some space, or {_ANOTHER_PLACE}",
        ),
    ),
    errno.EFBIG: (
        "the file would be larger than this process, or this disk, may write",
        f"raise the limit (ulimit -f), or {_ANOTHER_PLACE}",
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        ("no permission to write here", _ANOTHER_PLACE),
    ),
    **dict.fromkeys(
        (errno.ENOTDIR, errno.EEXIST),
        ("a file stands where a folder is needed", _ANOTHER_PLACE),
    ),
    errno.ENOTEMPTY: ("there is something here already", "choose another name, or remove it"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter one"),
    errno.ELOOP: ("a link that leads to itself", "remove it, or choose another name"),
    errno.ENXIO: ("a socket, not a file", "choose another name"),
    errno.EAGAIN: (
        "another process is writing it",
        "wait for it to end, or choose another name",
    ),
}
#: Those that nothing but writing meets.
_ONLY_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; on leaving, sync it to disk and rename it.

    After an error inside, ``path`` is unchanged and the temporary file is gone. Parent folders are
    made.

    Raises
    ------
    OutputError
        The disk is full, ``path`` cannot be written, or another process is writing it.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with writing(target) as temporary:
    ...     _ = temporary.write_text("whole or not at all")
    >>> target.read_text()
    'whole or not at all'
    """
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(path) as temporary:
            yield temporary
            sync(temporary)
            temporary.replace(path)
            sync_folder(path.parent)


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """An empty temporary file beside ``path`` that no other process can write meanwhile.

    It is removed on leaving, unless it was renamed.

    Raises
    ------
    BlockingIOError
        Another process is writing it.
    """
    temporary = temporary_name(path)
    if os.name == "nt":  # pragma: no cover - Windows renames no file that is open
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)
        return
    descriptor = open_locked(temporary, patience=LOCK_SECONDS)
    try:
        os.ftruncate(descriptor, 0)
        yield temporary
    finally:
        if bears_name(descriptor, temporary):
            with suppress(OSError):
                temporary.unlink()
        close_locked(descriptor)


@contextmanager
def writing_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes ``folder``; after an error it is removed.

    Parent folders are made.

    Raises
    ------
    OutputError
        ``folder`` is not empty, or another process is making it; or as for `writing`.
    """
    with translated(folder):
        require_new(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        inside = _must_stay(folder)
        with temporary_folder(folder / _INSIDE if inside else temporary_name(folder)) as temporary:
            yield temporary
            if inside:
                for entry in sorted(temporary.iterdir()):
                    entry.replace(folder / entry.name)
            else:
                _remove_empty(folder)
                temporary.replace(folder)
            sync_folder(folder.parent)


@contextmanager
def temporary_folder(temporary: Path) -> Iterator[Path]:
    """An empty folder that no other process can use meanwhile; leftovers of a kill are cleared.

    It is removed on leaving, unless it was renamed.

    Raises
    ------
    BlockingIOError
        Another process uses it.
    """
    none = -1  # Windows opens no folders
    descriptor = none if os.name == "nt" else open_locked(temporary, folder=True, patience=1.0)
    try:
        temporary.mkdir(exist_ok=True)
        _clear(temporary)
        yield temporary
    finally:
        if descriptor == none or bears_name(descriptor, temporary):
            shutil.rmtree(temporary, ignore_errors=True)
        if descriptor != none:
            close_locked(descriptor)


def discard_folder(folder: Path) -> None:
    """Remove a folder; a kill leaves either the whole folder or a temporary one, never half."""
    temporary = temporary_name(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    folder.replace(temporary)
    shutil.rmtree(temporary)


def discard_unfinished(folder: Path) -> None:
    """Remove what a killed process left of a folder that it was making; not what is being made."""
    temporary = temporary_name(folder)
    if temporary.is_dir():
        with suppress(BlockingIOError), temporary_folder(temporary):
            pass


def require_new(folder: Path) -> None:
    """Refuse an output folder that is a file or is not empty.

    Raises
    ------
    OutputError
        ``folder`` is a file, or has files in it.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: a file, not a folder", hint="choose another `output`")
    if folder.is_dir() and not _holds_nothing(folder):
        raise OutputError(
            f"{folder}: there is something here already",
            wanted="a new folder, or an empty one",
            hint="choose another `output`, or remove it",
        )


def temporary_name(path: Path) -> Path:
    """The name of ``path`` while it is being written."""
    return path.with_name(f".{path.name}.tmp")


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8, whole or not at all (see `writing`)."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def translated(path: Path, argument: str | None = None) -> Iterator[None]:
    """Turn the operating system's errors of writing to ``path`` into an `OutputError`.

    Parameters
    ----------
    path : Path
    argument : str, optional
        The argument that names another place, for the hint.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOENT and _is_gone(path.parent):
            raise OutputError(
                f"{path}: its folder has been removed", hint="choose another place"
            ) from error
        number = _number(error)
        if number not in _WRITE_ERRORS:
            raise
        raise _output_error(number, path, argument) from error


def error_of_system(error: OSError) -> GalaxyclassError:
    """What the operating system refused, where no part of the package knows more about it."""
    name = None if error.filename is None else os.fsdecode(error.filename)
    number = _number(error)
    if number in _ONLY_OF_WRITING:
        return _output_error(number, name)
    return GalaxyclassError(
        f"{error.strerror or error}" if name is None else f"{name}: {error.strerror or error}",
        hint="raise the limit (ulimit -n)" if error.errno == errno.EMFILE else None,
    )


def _number(error: OSError) -> int | None:
    """The number of an error; numpy has none where a disk is full, but how much it wrote."""
    if error.errno is None and re.search(r"requested and \d+ written", str(error)):
        return errno.ENOSPC
    return error.errno


def _output_error(
    number: int | None, path: str | Path | None, argument: str | None = None
) -> OutputError:
    what, hint = _WRITE_ERRORS[number or 0]
    if argument is not None:
        hint = hint.replace(_ANOTHER_PLACE, f"{_ANOTHER_PLACE} with `{argument}`")
    return OutputError(what if path is None else f"{path}: {what}", hint=hint)


def _is_gone(folder: Path) -> bool:
    """Whether a folder was removed: the current one can still be looked at then."""
    try:
        return folder.stat().st_nlink == 0
    except FileNotFoundError:
        return True


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


def _must_stay(folder: Path) -> bool:
    """Whether an empty folder cannot be replaced: the current one, a mount, a link's target."""
    return folder.is_dir() and (
        folder.name in ("", "..")
        or folder.is_symlink()
        or folder.is_mount()
        or not os.access(folder.parent, os.W_OK)
    )


def _holds_nothing(folder: Path) -> bool:
    """Whether a folder and its sub-folders hold no files, leftovers of a kill aside."""
    entries = (entry for entry in folder.iterdir() if entry.name != _INSIDE)
    return all(
        entry.is_dir() and not entry.is_symlink() and _holds_nothing(entry) for entry in entries
    )


def _remove_empty(folder: Path) -> None:
    """Remove a folder's empty sub-folders; on POSIX, renaming replaces the empty folder itself."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        _remove_empty(entry)
        if entry.is_dir():
            entry.rmdir()
    if os.name == "nt":  # pragma: no cover
        folder.rmdir()


def _clear(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
