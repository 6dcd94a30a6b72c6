"""The size of a picture by its header, before anything is decoded."""

from __future__ import annotations

import io

import simplejpeg

from galaxyclass.errors import ImageError
from galaxyclass.images.decoded import require_size
from galaxyclass.images.pillow import pillow_kind

_JPEG = b"\xff\xd8\xff"


def require_few_pixels(data: bytes, max_pixels: int) -> None:
    """Refuse a compressed picture of too many pixels by its header.

    Other problems are left to the decoder, and so are formats that are not compressed or that the
    decoder bounds itself (FITS, NumPy, files compressed as a whole): their bytes bound their
    pixels.

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
    size = _size(data)
    if size is not None:
        require_size(*size, max_pixels)


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
