"""Decoding of JPEG files, at a smaller scale where that is enough."""

from __future__ import annotations

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from galaxyclass.images.decoded import Decoded, Scale, broken_image, require_size
from galaxyclass.images.jpeg_checks import require_few_scans
from galaxyclass.images.large import large_images
from galaxyclass.images.orientation import jpeg_orientation, not_followed
from galaxyclass.images.pillow import decode_pillow

#: The marker of a progressive JPEG; it stands in no pixels.
_PROGRESSIVE = b"\xff\xc2"

#: libjpeg's message about bytes between the last pixel and the end marker.
_SPARE_BYTES = re.compile(r"\d+ extraneous bytes before marker 0xd9")


def decode_jpeg(data: bytes, scale: Scale, max_pixels: int) -> Decoded:
    """A JPEG, as small as its decoder makes it by itself where ``scale`` allows it."""
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        # Either a header that libjpeg-turbo's simple interface does not support (rare
        # subsamplings), which Pillow reads, or a truncated one, for which Pillow has an error.
        return decode_pillow(data, max_pixels)
    if space in ("CMYK", "YCCK"):
        return decode_pillow(data, max_pixels)
    require_size(width, height, max_pixels)
    require_few_scans(data, width * height)
    factor = scale(height, width)
    # Only a progressive image is held at full size until its last scan has been read.
    in_memory = width * height if _PROGRESSIVE in data else width * height // factor**2
    large_images.wait_if(in_memory)
    # libjpeg-turbo takes the smallest of its scales (eighths) that gives at least this size.
    smallest: dict[str, float] = {}
    if factor > 1:
        smallest = {"min_height": -(-height // factor), "min_width": -(-width // factor)}
    colours = "GRAY" if space == "Gray" else "RGB"
    notes = not_followed(jpeg_orientation(data))
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, colours, strict=True, min_factor=factor, **smallest
        )
    except ValueError as error:
        if not _SPARE_BYTES.search(str(error)):
            raise broken_image(str(error)) from error
        # All pixels are there: some cameras write spare bytes before the end.
        pixels = simplejpeg.decode_jpeg(data, colours, strict=False, min_factor=factor, **smallest)
        notes = (*notes, "spare bytes before the end of the JPEG")
    return Decoded(pixels, height, width, factor, notes)
