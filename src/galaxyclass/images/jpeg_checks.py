"""What a JPEG is refused for before its pixels are decoded."""

from __future__ import annotations

import re

import simplejpeg

from galaxyclass.errors import ImageError
from galaxyclass.images.decoded import broken_image

#: A JPEG of more scans is refused: each costs a pass over the whole image, and no encoder needs so
#: many. Of large images fewer are allowed, so that all passes together see at most so many pixels;
#: as many as encoders write (about ten) always are.
_MOST_SCANS, _USUAL_SCANS, _SCANNED_PIXELS = 100, 20, 500_000_000

#: libjpeg's messages about data that end early, or are corrupt.
_ENDS_EARLY = re.compile("premature|corrupt", re.IGNORECASE)


def require_few_scans(data: bytes, pixels: int) -> None:
    """Refuse a JPEG whose scans take far longer than its size says.

    Raises
    ------
    ImageError
    """
    scans = data.count(b"\xff\xda")
    most = min(_MOST_SCANS, max(_USUAL_SCANS, _SCANNED_PIXELS // max(1, pixels)))
    if scans > most:
        raise ImageError(
            "the JPEG has more scans than an image needs",
            wanted=f"at most {most}",
            got=f"{scans:,}",
            hint="save it again as an ordinary JPEG",
        )


def require_whole_cmyk(data: bytes) -> None:
    """Refuse a JPEG in CMYK that ends early: Pillow leaves the rest grey without a word.

    One of a rare subsampling, which libjpeg-turbo's simple interface does not read, passes.

    Raises
    ------
    ImageError
    """
    try:
        simplejpeg.decode_jpeg(data, "CMYK", strict=True, min_factor=8, min_height=1, min_width=1)
    except ValueError as error:
        if _ENDS_EARLY.search(str(error)):
            raise broken_image(str(error)) from error
