"""Pictures inside one file: zip, tar, parquet as the hubs write it, stacks in HDF5 (Galaxy10).

A picture inside a file has the path ``FILE/NAME``, and is read by it like any other image.
"""

from __future__ import annotations

import lzma
import os
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from galaxyclass.errors import CatalogError, ImageError
from galaxyclass.images.archives import open_copied_tar, open_tar, open_zip
from galaxyclass.images.container import KEPT, KEPT_SHARED, Container, recent_status
from galaxyclass.images.hdf5_stacks import holds_stack, open_stack
from galaxyclass.images.parquet_pictures import open_parquet, picture_column
from galaxyclass.images.remote import RemoteStatus, is_address
from galaxyclass.io.reading import require_ordinary
from galaxyclass.short import first_line
from galaxyclass.workers.process_lock import ProcessLock

#: Endings of files that may hold pictures.
CONTAINER_ENDINGS = (
    *(".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".h5", ".hdf5", ".parquet"),
)
#: Endings of such files that are read behind addresses.
REMOTE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
#: The ending of files of classes beside pictures.
LABEL_ENDING = ".cls"


def is_container(path: str | Path) -> bool:
    """Whether a file holds pictures, by its ending and, for tables, by its columns."""
    name = str(path).lower()
    if is_address(path):
        return name.endswith(REMOTE_ENDINGS)
    if not name.endswith(CONTAINER_ENDINGS) or not os.path.isfile(path):  # noqa: PTH113
        return False
    if name.endswith(".parquet"):
        return picture_column(path) is not None
    if name.endswith((".h5", ".hdf5")):
        return holds_stack(path)
    return True


def members(path: str | Path) -> list[str]:
    """The paths of the pictures in a file; of an archive, those of all its files.

    Raises
    ------
    CatalogError
        A damaged file, or a compressed one that becomes too large.
    MissingExtraError
        h5py is not installed.
    """
    try:
        names = _open(str(path)).names
    except ImageError as error:
        raise CatalogError(
            f"{path}: {error.what}", wanted=error.wanted, got=error.got, hint=error.hint
        ) from error
    except _DAMAGED as error:
        raise CatalogError(
            f"{path}: cannot be opened", got=first_line(error), hint="fetch it again"
        ) from error
    return [f"{path}/{name}" for name in names]


def container_of(path: str | Path) -> tuple[str, str] | None:
    """The file that a path leads into, and the name of the picture in it; None for other paths.

    Examples
    --------
    >>> container_of("sky/1.jpg") is None
    True
    """
    text = str(path)
    lower = text.lower()
    for ending in CONTAINER_ENDINGS:
        end = lower.find(f"{ending}/")
        while end >= 0:
            file = text[: end + len(ending)]
            if is_address(file) or os.path.isfile(file):  # noqa: PTH113
                return file, text[len(file) + 1 :]
            end = lower.find(f"{ending}/", end + 1)
    return None


def read_member(path: str | Path) -> tuple[bytes, os.stat_result | RemoteStatus] | None:
    """The bytes of a picture inside a file and the status of the file; None for other paths.

    Raises
    ------
    ImageError
        There is no such picture in the file, or it cannot be read.
    """
    member = container_of(path)
    if member is None:
        return None
    file, name = member
    try:
        container = _open(file)  # kept until it is read, whoever opens others meanwhile
        return container.read(name), recent_status(file)
    except KeyError as error:
        raise ImageError(f"{path}: no picture of this name in the file") from error
    except ImageError as error:
        raise ImageError(
            f"{path}: {error.what}", wanted=error.wanted, got=error.got, hint=error.hint
        ) from error
    except _DAMAGED as error:
        raise ImageError(f"{path}: cannot be read", got=first_line(error)) from error


def member_status(path: str | Path) -> os.stat_result | None:
    """The status of the file that a picture is in; None for other paths."""
    member = container_of(path)
    return None if member is None else os.stat(member[0])  # noqa: PTH116


#: What the libraries raise; RuntimeError of a zip that is encrypted, or compressed in another way.
_DAMAGED = (
    *(OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError),
    *(zipfile.BadZipFile, tarfile.TarError),
)
_of_thread = threading.local()
#: Tars, which threads and forked processes read at places of their own (`archives.open_tar`).
_shared: dict[Any, Container] = {}
_SHARING = ProcessLock()


def _open(path: str) -> Container:
    """A file, opened by each thread of each process for itself, and again where it changed."""
    if not is_address(path):
        require_ordinary(path)
    status = recent_status(path)
    if path.lower().endswith(".tar") and not is_address(path):
        return _open_shared(path, (path, status.st_size, status.st_mtime_ns))
    # A forked process opens it again: the place in a file is the same for both.
    key = (path, status.st_size, status.st_mtime_ns, os.getpid())
    opened: dict[Any, Container] = _of_thread.__dict__.setdefault("opened", {})
    if key not in opened:
        if len(opened) >= KEPT:
            opened.pop(next(iter(opened)))
        lower = path.lower()
        opened[key] = next(_OPENERS[end] for end in _OPENERS if lower.endswith(end))(path)
    return opened[key]


def _open_shared(path: str, key: Any) -> Container:
    """A tar, opened once for all threads: its names stand all over it, and Python finds them.

    Opened by each thread for itself, one of 10,000 pictures took a core for 0.2 s a thread, while
    the others waited for Python's lock.
    """
    with _SHARING:
        if key not in _shared:
            if len(_shared) >= KEPT_SHARED:
                _shared.pop(next(iter(_shared)))
            _shared[key] = open_tar(path)
        return _shared[key]


def label_members(path: str | Path) -> dict[str, str]:
    """The classes beside the pictures of an archive, as WebDataset keeps them: id -> class.

    A picture ``000.jpg`` has its class in ``000.cls``. Empty of an archive without such files.

    Raises
    ------
    CatalogError
        As for `members`; a class is not a line of text.
    """
    members(path)  # for its errors
    archive = _open(str(path))
    labels = {}
    for name in archive.names:
        if not name.lower().endswith(LABEL_ENDING):
            continue
        try:
            text = archive.read(name).decode("utf-8", "replace").strip()
        except (ImageError, *_DAMAGED) as error:
            raise CatalogError(f"{path}/{name}: cannot be read", got=first_line(error)) from error
        if not text or "\n" in text or "\ufffd" in text:
            raise CatalogError(
                f"{path}/{name}: not a class", wanted="a number or a word", got=repr(text[:40])
            )
        labels[name.rsplit("/", 1)[-1][: -len(LABEL_ENDING)]] = text
    return labels


_OPENERS: dict[str, Callable[[str], Container]] = {
    ".zip": open_zip,
    ".tar": open_tar,
    **dict.fromkeys((".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"), open_copied_tar),
    ".parquet": open_parquet,
    ".h5": open_stack,
    ".hdf5": open_stack,
}
