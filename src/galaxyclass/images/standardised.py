"""Grey levels that were standardised for a network, as libraries of deep learning give them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: What undoes it -> the means and deviations of the bands, of grey levels of 0 to 1.
_STANDARDS = {
    "`images / 2 + 0.5`": ((0.5,), (0.5,)),
    "`images * [0.229, 0.224, 0.225] + [0.485, 0.456, 0.406]`, bands last": (
        (0.485, 0.456, 0.406),
        (0.229, 0.224, 0.225),
    ),
}
#: Pixels of an axis that are looked at.
_LOOKED_AT = 32
#: How far a level of 0 to 255 may be from a whole number: half precision has three digits.
_TOLERANCE = {2: 0.2, 4: 0.001, 8: 0.001}


def standardised_by(image: NDArray[np.generic], low: float, high: float) -> str | None:
    """What makes grey levels of floats that were standardised; None of other numbers.

    Parameters
    ----------
    image : (height, width, bands)
    low, high : float
        Its least and its largest value.

    Examples
    --------
    >>> levels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    >>> standardised_by(levels / 127.5 - 1, -1.0, -0.9)
    >>> standardised_by(levels * 20 / 127.5 - 1, -1.0, 0.7)
    '`images / 2 + 0.5`'
    """
    if image.dtype.kind != "f" or not -3 < low < 0 < high < 3:  # NaN is neither
        return None
    if (low, high) == (-1, 1):
        return next(iter(_STANDARDS))
    rows, columns = (slice(None, None, max(1, length // _LOOKED_AT)) for length in image.shape[:2])
    sample = np.asarray(image[rows, columns], np.float64)
    tolerance = _TOLERANCE.get(image.dtype.itemsize, 0.001)
    for undone_by, (mean, deviation) in _STANDARDS.items():
        if len(mean) in (1, image.shape[2]):
            levels = (sample * deviation + mean) * 255
            nearest = np.rint(levels)
            possible = nearest.min() >= 0 and nearest.max() <= 255 and np.ptp(nearest) > 0
            if possible and np.abs(levels - nearest).max() < tolerance:
                return undone_by
    return None
