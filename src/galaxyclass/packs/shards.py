"""Making one shard: decode, cut, write. All that a packing process does with images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from typing import TYPE_CHECKING, Any

import numpy as np

from galaxyclass.images.inspect import Look, look
from galaxyclass.images.straight import decode_cutout

if TYPE_CHECKING:
    from galaxyclass.packs.layout import Shard


@dataclass(frozen=True)
class Task:
    """A shard to be made: its images, and where their pixels go in ``images.npy``, in bytes."""

    shard: Shard
    paths: Sequence[str]
    offset: int


def make_shard(
    paths: Sequence[str], settings: dict[str, Any], file: FileIO, offset: int
) -> list[Look]:
    """Prepare some images and write them into the pack's file.

    Parameters
    ----------
    paths : sequence of str
    settings : dict
        The fields of `Preprocessing` (a plain dictionary, so that processes start faster).
    file : FileIO
        ``images.npy``, open without a buffer.
    offset : int
        Where the first image's pixels go, in bytes.

    Returns
    -------
    list of Look
        One per path; images that cannot be decoded have ``error``, and pixels of 0.

    Raises
    ------
    OSError
        The pixels cannot be written.
    """
    side, channels = settings["size"], 3 if settings["colour"] == "rgb" else 1
    pixels = np.zeros((len(paths), side, side, channels), np.uint8)
    looks = []
    for row, path in enumerate(paths):
        seen, cutout = look(path, lambda data: decode_cutout(data, **settings))
        if cutout is not None:
            pixels[row] = cutout
        looks.append(seen)
    view = pixels.data.cast("B")
    file.seek(offset)
    while view:  # a write may stop short, for instance when the disk is almost full
        view = view[file.write(view) :]
    return looks
