"""An image as it is decoded, the limits on its size, and what is said of one that is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError

#: More pixels than this are refused before anything is decoded: no cutout of a galaxy has them.
MAX_PIXELS = 25_000_000

#: The most bytes that one pixel takes in any format that is read (16-bit RGBA, not compressed).
BYTES_PER_PIXEL = 8

#: From an image's height and width in pixels to the factor by which its JPEG is shrunk in decoding:
#: 1, 2, 4 or 8.
Scale = Callable[[int, int], int]


def full_size(*_: int) -> int:
    """The factor 1: the image is not shrunk."""
    return 1


class Decoded(NamedTuple):
    """Pixels (height, width, channels) uint8, shrunk by ``factor``, and the image's own size.

    A pixel is ``zoom`` pixels of the model, by the picture's WCS; ``middle`` is whether only the
    middle was decoded, for a cutout of one frame; ``notes`` say how a picture was read where there
    was a choice.
    """

    pixels: NDArray[np.uint8]
    height: int
    width: int
    factor: int
    notes: tuple[str, ...] = ()
    zoom: float = 1.0
    middle: bool = False


def require_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture of too many pixels.

    Raises
    ------
    ImageError
    """
    if width * height > max_pixels:
        raise ImageError(
            "the image is too large",
            wanted=f"at most {max_pixels:,} pixels",
            got=f"{width:,} x {height:,} = {width * height:,} pixels",
            hint="cut the galaxies out of it first",
        )


def broken_image(reason: str) -> ImageError:
    """The error of a file that is an image, but not a whole one."""
    return ImageError(
        "the image is truncated or corrupt", got=reason.strip(), hint="fetch the file again"
    )
