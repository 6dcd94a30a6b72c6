"""Files that come from others, read within bounds.

Only ordinary files are opened: a pipe, or a link to a device, would be read for ever. A description
(JSON, TOML) has a size that no honest one reaches, and is not nested without end.
"""

from __future__ import annotations

import io
import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

#: Bytes of a description (recipe, tree, manifest, calibration, card), at most.
MOST_DESCRIPTION_BYTES = 256 * 2**20

#: A pipe is opened without waiting for somebody to write into it.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class UnreadableFileError(OSError):
    """A file that is not opened, or not read whole, because of what it is."""


def kind_of_file(mode: int) -> str | None:
    """What a file is that is not an ordinary one, by its mode; None of an ordinary one.

    Examples
    --------
    >>> kind_of_file(stat.S_IFIFO | 0o644), kind_of_file(stat.S_IFREG | 0o644)
    ('a named pipe', None)
    """
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no ordinary file")


def open_regular(path: str | Path) -> io.BufferedReader | io.BytesIO:
    """Open an ordinary file to read it.

    Raises
    ------
    UnreadableFileError
        A pipe, a device, a socket or a folder.
    OSError
        It cannot be opened.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        status = os.fstat(descriptor)
        kind = kind_of_file(status.st_mode)
        if kind is not None:
            raise UnreadableFileError(f"{kind}, not a file")
        if status.st_size:
            return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    # Those of the kernel (/proc) say that they are empty, and some of them wait for what comes.
    return io.BytesIO()


def require_ordinary(path: str | Path) -> None:
    """Refuse what another library would open and read for ever.

    Raises
    ------
    UnreadableFileError
        A pipe, a device, a socket, a folder, or empty.
    OSError
        There is no such file.
    """
    status = os.stat(path)  # noqa: PTH116 - follows links, as opening does
    kind = kind_of_file(status.st_mode)
    if kind is not None:
        raise UnreadableFileError(f"{kind}, not a file")
    if not status.st_size:  # as those of the kernel say, which may wait for what comes
        raise UnreadableFileError("an empty file")


def read_bounded(path: str | Path, most: int = MOST_DESCRIPTION_BYTES) -> bytes:
    """The bytes of an ordinary file of at most so many.

    Raises
    ------
    UnreadableFileError
        Not an ordinary file, or a larger one.
    OSError
        It cannot be read.

    Examples
    --------
    >>> read_bounded("/dev/null")
    Traceback (most recent call last):
    galaxyclass.io.reading.UnreadableFileError: a device, not a file
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise UnreadableFileError(f"larger than {most:,} bytes")
    return data


def read_description(path: str | Path) -> str:
    """The text of a description, without the mark that editors on Windows put before it (BOM).

    Raises
    ------
    OSError
        As for `read_bounded`.
    UnicodeDecodeError
        Not UTF-8.
    """
    return read_bounded(path).decode("utf-8-sig").replace("\r\n", "\n")


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises
    ------
    ValueError
        Not JSON, not UTF-8, a number of too many digits, or nested too deep.

    Examples
    --------
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ValueError: nested too deep
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def parse_toml(text: str) -> dict[str, Any]:
    """The content of a TOML text.

    Raises
    ------
    ValueError
        Not TOML, a number of too many digits, or nested too deep.

    Examples
    --------
    >>> parse_toml("a = " + "[" * 100_000)
    Traceback (most recent call last):
    ValueError: nested too deep
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
