"""Pictures in zip and tar, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import tempfile
import threading
import weakref
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any, TypeVar, cast

from galaxyclass.errors import ImageError
from galaxyclass.images.container import KEPT, Container, status_of
from galaxyclass.images.decoded import BYTES_PER_PIXEL, MAX_PIXELS
from galaxyclass.images.remote import is_address, open_address
from galaxyclass.short import counted
from galaxyclass.workers.process_lock import ProcessLock

#: A compressed archive becomes at most so many times its size, and so many bytes more.
MOST_EXPANSION, LEAST_EXPANDED = 100, 64 * 2**20


def open_zip(path: str) -> Container:
    """The pictures of a zip; behind an address only those that are asked for are fetched."""
    archive = zipfile.ZipFile(open_address(path) if is_address(path) else path)
    entries = _by_name((entry.filename, entry) for entry in archive.infolist())

    def read(name: str) -> bytes:
        entry = entries[name]
        _require_small(entry.file_size)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ImageError(
                "not an ordinary file in its archive",
                wanted="a file with all its bytes",
                got=f"a link to {archive.read(entry.filename).decode('utf-8', 'replace')[:200]}",
                hint="pack the files themselves (zip without -y)",
            )
        return archive.read(entry.filename)  # messages have the name

    return Container(_visible(list(entries)), read)


def open_tar(path: str) -> Container:
    """The pictures of a tar that is not compressed."""
    if is_address(path):  # its names stand all over it: it is fetched once, and whole
        return open_copied_tar(path)
    file = open(path, "rb")  # noqa: PTH123, SIM115 - as long as the container
    return _tar_of(file)


def _tar_of(file: IO[bytes]) -> Container:
    """A tar that is not compressed, whose pictures can be read in any order."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            files = (entry for entry in archive.getmembers() if not entry.isdir())
            entries = _by_name((entry.name, entry) for entry in files)
            _require_end(file, archive.offset, len(entries))
    except BaseException:
        file.close()
        raise

    def read(name: str) -> bytes:
        entry = entries[name]
        if entry.islnk():  # the same file under another name
            entry = entries.get(_plain(entry.linkname), entry)
        if not entry.isfile() or entry.issparse():
            raise ImageError(
                "not an ordinary file in its archive",
                wanted="a file with all its bytes",
                got=_kind_in_tar(entry),
                hint="pack the files themselves: tar -h",
            )
        _require_small(entry.size)
        return _read_at(file, entry.offset_data, entry.size)

    container = Container(_visible(list(entries)), read)
    weakref.finalize(container, file.close)
    return container


def _require_end(file: IO[bytes], end: int, count: int) -> None:
    """Refuse a tar with anything but zeros where Python has found no more files.

    Python stops without a word at the first bytes that describe no file, so that files behind a
    damage would be lost, as would those of a copy that was cut short between two files.

    Raises
    ------
    ImageError
    """
    file.seek(end)
    block = first = file.read(512)
    while block and not block.strip(b"\0"):
        block = file.read(1 << 20)
    if first and not block:
        return
    size = file.seek(0, os.SEEK_END)
    read = f"{counted(count, 'file')}, in the first {end:,} of {size:,} bytes"
    if not first:
        raise ImageError(
            "a tar that was cut short",
            wanted="blocks of zeros at its end",
            got=f"{read}, and nothing behind them",
            hint="fetch it again, or pack the files again",
        )
    raise ImageError(
        "a tar with bytes that are of no file",
        wanted="files until its end",
        got=read,
        hint="fetch it again if it is damaged; of tars that were joined by `cat`, name each",
    )


def _kind_in_tar(entry: tarfile.TarInfo) -> str:
    if entry.issym() or entry.islnk():
        return f"a link to {entry.linkname}"
    if entry.issparse():
        return "a sparse file"
    return "a named pipe" if entry.isfifo() else "a device"


_Entry = TypeVar("_Entry")


def _by_name(entries: Iterable[tuple[str, _Entry]]) -> dict[str, _Entry]:
    """The files of an archive by name; of two of one name, one would be lost.

    Raises
    ------
    ImageError
    """
    found: dict[str, _Entry] = {}
    for name, entry in entries:
        plain = _plain(name)
        if plain in found and not plain.endswith("/"):
            raise ImageError(
                "two files of the archive have one name",
                wanted="names that are all different",
                got=plain,
                hint="pack the files again",
            )
        found[plain] = entry
    return found


if hasattr(os, "pread"):

    def _read_at(file: IO[bytes], offset: int, size: int) -> bytes:
        """Bytes of a file that threads, and forked processes, may share."""
        return os.pread(file.fileno(), size, offset)

else:  # pragma: no cover - Windows, which does not fork
    _TURN = threading.Lock()

    def _read_at(file: IO[bytes], offset: int, size: int) -> bytes:
        with _TURN:
            file.seek(offset)
            return file.read(size)


def open_copied_tar(path: str) -> Container:
    """A compressed or remote tar, copied once for all threads into a temporary file."""
    status = status_of(path)
    key = (path, status.st_size, status.st_mtime_ns)
    with _UNPACKING:
        if key not in _unpacked:
            if len(_unpacked) >= KEPT:
                _unpacked.pop(next(iter(_unpacked)))
            plain = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the container
            try:
                with _decompressed(path) as stream:
                    _copy(stream, plain, MOST_EXPANSION * status.st_size + LEAST_EXPANDED)
            except BaseException:
                plain.close()
                raise
            plain.flush()
            plain.seek(0)
            _unpacked[key] = _tar_of(plain)
        return _unpacked[key]


def _copy(stream: IO[bytes], plain: IO[bytes], most: int) -> None:
    """Copy a stream, which may be far longer than the file that it comes from."""
    copied = 0
    while block := stream.read(1 << 20):
        copied += len(block)
        if copied > most:
            raise ImageError(
                "the archive becomes too large when it is uncompressed",
                wanted=f"at most {most:,} bytes: {MOST_EXPANSION} times those of its file and "
                f"{LEAST_EXPANDED:,} more",
                hint="uncompress it yourself, and name the .tar",
            )
        plain.write(block)


def _decompressed(path: str) -> IO[bytes]:
    source: Any = open_address(path) if is_address(path) else path
    if path.lower().endswith(".tar"):
        return cast(IO[bytes], source)
    for ending, opener in _DECOMPRESSORS.items():
        if path.lower().endswith(ending):
            return cast(IO[bytes], opener(source))
    return cast(IO[bytes], gzip.open(source))


_DECOMPRESSORS: dict[str, Callable[[str], Any]] = {".bz2": bz2.open, ".xz": lzma.open}
_UNPACKING = ProcessLock()
_unpacked: dict[Any, Container] = {}


def _require_small(size: int) -> None:
    """Refuse a file in an archive that is larger than any picture: a few bytes may hold much.

    Raises
    ------
    ImageError
    """
    if size > BYTES_PER_PIXEL * MAX_PIXELS:
        raise ImageError(
            "the file is too large for an image of one galaxy",
            wanted=f"at most {BYTES_PER_PIXEL * MAX_PIXELS:,} bytes",
            got=f"{size:,} bytes",
            hint="cut the galaxies out of it first",
        )


def _plain(name: str) -> str:
    """The name of a file in an archive, without the ``./`` that ``tar cf sky.tar ./sky`` writes.

    Examples
    --------
    >>> _plain("./sky/1.jpg")
    'sky/1.jpg'
    """
    return name.removeprefix("./")


def _visible(names: Sequence[str]) -> list[str]:
    """The files of an archive, without folders and hidden ones."""
    return sorted(
        name
        for name in names
        if not name.endswith("/")
        and not any(
            part.startswith((".", "__MACOSX")) and part not in (".", "..")
            for part in name.split("/")
        )
    )
