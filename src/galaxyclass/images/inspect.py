"""Looking at image files: identity, size, and whether they can be decoded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.read import about, decode_image, read_bytes
from galaxyclass.processes import core_count
from galaxyclass.progress import Progress, silent

if TYPE_CHECKING:
    from galaxyclass.catalogs.records import ImageRecord


def digest_of(data: bytes) -> str:
    """BLAKE2b-128 of a file's bytes, in hex: equal for files that are identical byte for byte."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


#: Files that are handed to the threads together: enough to keep them busy, few enough for memory.
_AT_ONCE = 128


class Look(NamedTuple):
    """What reading and decoding a file shows: an `ImageRecord` but for the path."""

    size: int
    mtime_ns: int
    digest: str
    width: int
    height: int
    error: str | None


def look(
    path: str | Path, colour: Literal["rgb", "grey"] = "rgb"
) -> tuple[Look, NDArray[np.uint8] | None]:
    """Read and decode a file wholly: what was found, and the pixels where it can be decoded."""
    size, mtime_ns = identity_of(path)
    digest = ""
    try:
        data = read_bytes(path)
        digest = digest_of(data)
        pixels = decode_image(data, colour)
    except ImageError as error:
        named = error if digest == "" else about(path, error)
        return Look(size, mtime_ns, digest, 0, 0, str(named)), None
    height, width = pixels.shape[:2]
    return Look(size, mtime_ns, digest, width, height, None), pixels


def inspect_image(path: str | Path) -> ImageRecord:
    """Read and decode an image file wholly, and say what was found.

    Nothing is raised for a file that cannot be read or decoded: the record says why.

    Examples
    --------
    >>> inspect_image("no/such.jpg").error
    'no/such.jpg: no such file'
    """
    # Imported here, because catalogs bring pyarrow, which processes that only prepare images
    # for a pack do without.
    from galaxyclass.catalogs.records import ImageRecord

    return ImageRecord(str(path), *look(path)[0])


def identity_of(path: str | Path) -> tuple[int, int]:
    """Size in bytes and time of change in ns of a file; (0, 0) where it cannot be told."""
    try:
        status = os.stat(path)  # noqa: PTH116 - three times faster than through Path
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def inspect_images(
    paths: Sequence[str | Path], workers: int | None = None, progress: Progress = silent
) -> dict[str, ImageRecord]:
    """`inspect_image` of many files at once.

    Threads suffice: decoding and hashing leave Python's lock free.

    Parameters
    ----------
    paths : sequence of str or Path
    workers : int, optional
        Files that are decoded at the same time; all cores unless told otherwise.
    progress : Progress

    Returns
    -------
    dict
        The record of each file by its path, in the order of ``paths``.
    """
    from concurrent.futures import ThreadPoolExecutor

    names = [str(path) for path in paths]
    records: dict[str, ImageRecord] = {}
    with ThreadPoolExecutor(workers or core_count()) as pool:
        for start in range(0, len(names), _AT_ONCE):
            batch = names[start : start + _AT_ONCE]
            records.update(zip(batch, pool.map(inspect_image, batch), strict=True))
            progress("check", start + len(batch), len(names))
    return records
