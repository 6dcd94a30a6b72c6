"""Inspection of image files: identity, size, and whether they can be decoded."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.band_files import files_of, has_bands
from galaxyclass.images.containers import member_status
from galaxyclass.images.decode import decode_scaled
from galaxyclass.images.read import about, read_file
from galaxyclass.images.render import RenderSettings
from galaxyclass.io.reading import open_regular
from galaxyclass.progress import Progress, silent
from galaxyclass.workers.processes import core_count

if TYPE_CHECKING:
    from galaxyclass.images.records import ImageFacts, ImageRecord


def content_digest(data: bytes) -> str:
    """BLAKE2b-128 of a file's bytes, in hex: equal for files that are identical byte for byte."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def digest_file(path: str | Path) -> str:
    """`content_digest` of a file of any size; "" where it cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return ""


#: Files that the threads get together: enough to keep them busy, few enough for memory.
_AT_ONCE = 128

File = TypeVar("File", bound=str | Path)
Result = TypeVar("Result")
Content = TypeVar("Content")


class Inspection(NamedTuple):
    """The result of reading and decoding a file: an `ImageRecord` without the path."""

    size: int
    mtime_ns: int
    digest: str
    width: int
    height: int
    error: str | None


def inspect_file(
    path: str | Path, decode: Callable[[bytes], tuple[int, int, Content]]
) -> tuple[Inspection, Content | None]:
    """Read and decode a whole file.

    Parameters
    ----------
    path : str or Path
    decode : callable
        From the file's bytes to the image's height, its width, and any content made from it.

    Returns
    -------
    inspection : Inspection
    content : object
        The content that ``decode`` made, or None where the file cannot be read or decoded.
    """
    try:
        data, status = read_file(path)
    except ImageError as error:
        return Inspection(*identity_of(path), "", 0, 0, str(error)), None
    size, mtime_ns, digest = status.st_size, status.st_mtime_ns, content_digest(data)
    if has_bands(str(path)):
        size, mtime_ns = identity_of(path)
    try:
        height, width, content = decode(data)
    except ImageError as error:
        return Inspection(size, mtime_ns, digest, 0, 0, str(about(path, error))), None
    return Inspection(size, mtime_ns, digest, width, height, None), content


def inspect_image(path: str | Path) -> ImageRecord:
    """Read and decode a whole image file.

    Nothing is raised for a file that cannot be read or decoded: the record says why.

    Examples
    --------
    >>> inspect_image("no/such.jpg").error
    'no/such.jpg: no such file'
    """
    from galaxyclass.images.records import ImageRecord

    return ImageRecord(str(path), *inspect_file(path, _size)[0])


def _size(data: bytes) -> tuple[int, int, None]:
    """Height and width of an image; it is decoded wholly, but a JPEG at the fastest scale."""
    decoded = decode_scaled(data, RenderSettings("any"), lambda *_: 8)
    return decoded.height, decoded.width, None


def identity_of(path: str | Path) -> tuple[int, int]:
    """Size in bytes and time of change in ns of a file; (0, 0) where it cannot be read.

    Of a picture in several files the sum of the sizes, and the latest change.
    """
    if has_bands(str(path)):
        try:
            every = [identity_of(file) for file in files_of(str(path)).values()]
        except ImageError:
            return 0, 0
        return sum(size for size, _ in every), max(mtime_ns for _, mtime_ns in every)
    try:
        status = os.stat(path)  # noqa: PTH116 - three times faster than through Path
    except NotADirectoryError:
        member = member_status(path)  # a picture inside a file
        if member is None:
            return 0, 0
        status = member
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def identities_of(paths: Iterable[str]) -> NDArray[np.int64]:
    """`identity_of` many files: (files, 2) int64."""
    identities = array("q")  # a tenth of the memory of a list
    for path in paths:
        identities.extend(identity_of(path))
    return np.frombuffer(identities, np.int64).reshape(-1, 2)


def inspect_images(
    paths: Sequence[str | Path], workers: int | None = None, progress: Progress = silent
) -> ImageFacts:
    """`inspect_image` of many files, as columns.

    In threads, because decoding and hashing release Python's lock.

    Parameters
    ----------
    paths : sequence of str or Path
    workers : int, optional
        Files that are decoded at the same time; by default as many as there are cores.
    progress : Progress

    Returns
    -------
    ImageFacts
        In the order of ``paths``.
    """
    from galaxyclass.images.records import ImageFacts

    return ImageFacts.of(_map(inspect_image, paths, "check", workers, progress))


def digest_files(
    paths: Sequence[str | Path], workers: int | None = None, progress: Progress = silent
) -> list[str]:
    """`digest_file` of many files, in their order."""
    return list(_map(digest_file, paths, "compare", workers, progress))


def _map(
    inspect: Callable[[File], Result],
    files: Sequence[File],
    stage: str,
    workers: int | None,
    progress: Progress,
) -> Iterator[Result]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers or core_count()) as pool:
        for start in range(0, len(files), _AT_ONCE):
            batch = files[start : start + _AT_ONCE]
            yield from pool.map(inspect, batch)
            progress(stage, start + len(batch), len(files))
