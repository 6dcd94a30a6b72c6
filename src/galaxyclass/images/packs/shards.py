"""Making a shard of a pack: decode, cut out, write."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.fast_cutout import decode_cutout
from galaxyclass.images.inspect import Inspection, inspect_file
from galaxyclass.io.checksums import checksum_of

if TYPE_CHECKING:
    from galaxyclass.images.packs.layout import Shard


@dataclass(frozen=True)
class ShardTask:
    """A shard to make: its images, and the offset of their pixels in ``images.npy``, in bytes."""

    shard: Shard
    paths: Sequence[str]
    offset: int


class MadeShard(NamedTuple):
    """What is known of a shard that was written: an inspection per image, and CRC-32 of pixels."""

    inspections: list[Inspection]
    checksum: int


class PixelFile:
    """``images.npy``, open for writing; threads may share it."""

    def __init__(self, path: str | Path) -> None:
        self._file = FileIO(path, "r+")
        self._lock = threading.Lock()

    def write(self, offset: int, pixels: NDArray[np.uint8]) -> None:
        """Write pixels from an offset on, in bytes.

        Raises
        ------
        OSError
            The pixels cannot be written.
        """
        view = pixels.data.cast("B")
        with self._lock:
            self._file.seek(offset)
            while view:  # a write may stop short, for instance when the disk is almost full
                view = view[self._file.write(view) :]

    def __enter__(self) -> PixelFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextmanager
def single_threaded_opencv() -> Iterator[None]:
    """Run OpenCV without threads of its own, which would compete with those of the package."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def make_shard(
    paths: Sequence[str], settings: dict[str, Any], file: PixelFile, offset: int
) -> MadeShard:
    """Prepare some images and write them into the pack's file.

    Parameters
    ----------
    paths : sequence of str
    settings : dict
        The fields of `Preprocessing` (a plain dictionary, so that processes start faster).
    file : PixelFile
    offset : int
        Offset of the first image's pixels, in bytes.

    Returns
    -------
    MadeShard
        Images that cannot be decoded have an ``error``, and pixels of 0.

    Raises
    ------
    OSError
        The pixels cannot be written.
    """
    side = settings["size"]
    channels = {"rgb": 3, "grey": 1}.get(settings["colour"], len(settings["bands"]))
    pixels = np.empty((len(paths), side, side, channels), np.uint8)
    inspections = []
    for row, path in enumerate(paths):
        inspection, cutout = inspect_file(path, lambda data: decode_cutout(data, **settings))
        pixels[row] = 0 if cutout is None else cutout
        inspections.append(inspection)
    file.write(offset, pixels)
    return MadeShard(inspections, checksum_of(pixels.data.cast("B")))
