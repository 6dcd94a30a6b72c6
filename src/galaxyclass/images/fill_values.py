"""Fill values: numbers such as 1e30 that stand for pixels without data, where NaN is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.band_image import BandImage

#: No brightness has a magnitude beyond this in any unit: such a number stands for "no data".
MOST_BRIGHTNESS = 1e29

#: What a header says of its numbers is not believed where this share of the pixels would be lost.
_MOST_FILLED = 0.5


def without_fills(image: BandImage, header: Mapping[str, Any] | None = None) -> BandImage:
    """A picture of floats with NaN where its numbers stand for "no data".

    Parameters
    ----------
    image : BandImage
    header : mapping, optional
        FITS keywords. A BLANK is taken at its word, though it is meant for integers; and so are
        DATAMIN and DATAMAX, for numbers that lie further beyond them than they are apart.

    Returns
    -------
    BandImage
        Its source names the fill values. The same object where there are none.
    """
    pixels = image.pixels
    if pixels.dtype.kind != "f" or pixels.itemsize < 4 or not pixels.size:  # float16 ends at 65504
        return image
    with np.errstate(invalid="ignore", over="ignore"):  # a header may go beyond them
        filled = np.abs(pixels) > MOST_BRIGHTNESS
        by_header = _filled_by_header(pixels, header or {})
    if by_header is not None and 0 < by_header.mean() <= _MOST_FILLED:
        filled |= by_header
    if not filled.any():
        return image
    values = np.unique(pixels[filled])
    named = ", ".join(f"{value:.6g}" for value in values[:2]) + (", …" if len(values) > 2 else "")
    masked = pixels.astype(pixels.dtype.newbyteorder("="))
    masked[filled] = np.nan
    words = f"no data where its pixels are {named}"
    return replace(image, pixels=masked, source=", ".join(filter(None, (image.source, words))))


def _filled_by_header(
    pixels: NDArray[np.generic], header: Mapping[str, Any]
) -> NDArray[np.bool_] | None:
    """Which pixels a header says have no data; None where it says nothing."""
    blank, low, high = (_number(header.get(key)) for key in ("BLANK", "DATAMIN", "DATAMAX"))
    filled = None if blank is None else pixels == pixels.dtype.type(blank)
    if low is not None and high is not None and low < high:
        beyond = np.asarray((pixels < 2 * low - high) | (pixels > 2 * high - low))  # type: ignore[operator]
        filled = beyond if filled is None else filled | beyond
    return filled


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None
