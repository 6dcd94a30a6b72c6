"""The orientation that a picture's EXIF data or TIFF tag states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Exif

#: Where EXIF data begin in a JPEG, and how long they may be.
_EXIF, _LONGEST = b"Exif\0\0", 1 << 16

#: The tag of the orientation, in EXIF and in TIFF.
ORIENTATION = 274

#: What is done to the pixels to show them as they are meant (EXIF 2.32, table 6).
_WORDS = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "flipped",
    5: "mirrored and turned by 90 degrees",
    6: "turned by 90 degrees",
    7: "mirrored and turned by 90 degrees",
    8: "turned by 90 degrees",
}


def jpeg_orientation(data: bytes) -> int:
    """The EXIF orientation of a JPEG file, from 1 to 8; 1 where none is stated.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> file, exif = io.BytesIO(), Exif()
    >>> exif[ORIENTATION] = 6
    >>> Image.new("L", (4, 3)).save(file, "JPEG", exif=exif)
    >>> jpeg_orientation(file.getvalue())
    6
    """
    begin = data.find(_EXIF, 0, _LONGEST)
    if begin < 0:
        return 1
    exif = Exif()
    try:
        exif.load(data[begin : begin + _LONGEST])
    except Exception:
        return 1  # Pillow raises many errors on malformed data, which say nothing of the pixels
    return as_orientation(exif.get(ORIENTATION))


def as_orientation(value: Any) -> int:
    """A value of the tag; 1 where it is none."""
    return value if isinstance(value, int) and value in _WORDS else 1


def not_followed(orientation: int) -> tuple[str, ...]:
    """The remark on a picture that is read as its pixels are stored."""
    if orientation == 1:
        return ()
    return (f"read as the pixels are stored: by the EXIF orientation they would be "
            f"{_WORDS[orientation]}",)  # fmt: skip


def turned(pixels: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """Pixels (height, width, bands) as they are meant to be shown.

    Examples
    --------
    >>> turned(np.array([[[1], [2]]]), 6)[..., 0].tolist()
    [[1], [2]]
    """
    steps: dict[int, Callable[[NDArray[np.generic]], NDArray[np.generic]]] = {
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90,
    }
    return np.ascontiguousarray(steps[orientation](pixels)) if orientation in steps else pixels
