"""The size of a picture by its header, before anything is decoded."""

from __future__ import annotations

import io
import re

import simplejpeg

from galaxyclass.errors import ImageError
from galaxyclass.images.decoded import require_size
from galaxyclass.images.fits import FITS
from galaxyclass.images.pillow import pillow_kind

#: The cards of FITS that have the size of a picture in compressed tiles.
_TILED_AXIS = re.compile(rb"ZNAXIS([12]) *= {1,20}(\d{1,15}) ")
_JPEG = b"\xff\xd8\xff"


def require_few_pixels(data: bytes, max_pixels: int) -> None:
    """Refuse a compressed picture of too many pixels by its header.

    Other problems are left to the decoder, and so are formats that are not compressed (FITS,
    NumPy): their bytes bound their pixels. Of FITS in compressed tiles each HDU is looked at.

    Parameters
    ----------
    data : bytes
        The whole file.
    max_pixels : int

    Raises
    ------
    ImageError
        It has more pixels.

    Examples
    --------
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("L", (400, 300)).save(file, "PNG")
    >>> require_few_pixels(file.getvalue(), 120_000)
    >>> require_few_pixels(file.getvalue(), 119_999)
    Traceback (most recent call last):
    galaxyclass.errors.ImageError: the image is too large
      wanted: at most 119,999 pixels
      got:    400 x 300 = 120,000 pixels
      hint:   cut the galaxies out of it first
    """
    for size in tiled_sizes(data) if data.startswith(FITS) else [_size(data)]:
        if size is not None:
            require_size(*size, max_pixels)


def tiled_sizes(data: bytes) -> list[tuple[int, int]]:
    """Width and height of the pictures of a FITS file that are compressed in tiles."""
    if b"ZNAXIS" not in data:
        return []
    lengths = [(int(axis), int(length)) for axis, length in _TILED_AXIS.findall(data)]
    sizes = []
    for number, (axis, length) in enumerate(lengths):
        following = lengths[number + 1] if number + 1 < len(lengths) else (0, 0)
        if axis == 1:
            sizes.append((length, following[1] if following[0] == 2 else 1))
    return sizes


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where the header does not say."""
    if data.startswith(_JPEG):
        try:
            height, width, *_ = simplejpeg.decode_jpeg_header(data)
        except ValueError:
            pass  # Pillow reads some that libjpeg-turbo's simple interface does not
        else:
            return width, height
    try:
        kind = pillow_kind(data)
    except ImageError:
        return None
    try:
        with kind(io.BytesIO(data)) as image:
            return image.size
    except Exception:
        return None  # Pillow raises many errors on malformed files; the decoder has the message
