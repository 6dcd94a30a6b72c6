"""Grey levels: of 16-bit pictures, and as floats from 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Bits that a camera fills, if not all 16.
_NARROW = (8, 10, 12)

#: How far floats from 0 to 1 may lie beyond, as shares of the largest: resizing rounds.
_ROUNDING = 1e-6


def are_level_bounds(low: float, high: float) -> bool:
    """Whether floats between these are grey levels from 0 (black) to 1 (white).

    Numbers of which not even the largest is a level above black are brightness in a large unit.

    Examples
    --------
    >>> are_level_bounds(0.0, 1.0), are_level_bounds(-1e-9, 1.0), are_level_bounds(0.0, 0.0)
    (True, True, True)
    >>> are_level_bounds(-0.1, 1.0), are_level_bounds(0.0, 1e-5), are_level_bounds(0.0, np.nan)
    (False, False, False)
    """
    if not (low >= -_ROUNDING * high and high <= 1 + _ROUNDING):  # NaN is neither
        return False
    return high * 255 >= 0.5 or high == low == 0


def levels_of_16_bits(
    values: NDArray[np.uint16],
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The upper 8 bits of a picture, of as many bits as it fills.

    Cameras of 12 bits, and pipelines after them, write the lower 12 of 16: the upper 8 of these are
    nearly black.

    Parameters
    ----------
    values : uint16

    Returns
    -------
    levels : uint8
        Of the same shape.
    notes : tuple of str
        A remark where not all 16 bits are filled.

    Examples
    --------
    >>> levels_of_16_bits(np.array([0, 2048, 4095], np.uint16))
    (array([  0, 128, 255], dtype=uint8), ('16-bit numbers that fill 12 bits: read as these',))
    """
    brightest = int(values.max(initial=0))
    bits = next((bits for bits in _NARROW if brightest < 1 << bits), 16)
    levels = (values >> (bits - 8)).astype(np.uint8)
    if bits == 16 or brightest == 0:
        return levels, ()
    return levels, (f"16-bit numbers that fill {bits} bits: read as these",)
