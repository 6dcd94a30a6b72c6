"""Sky to hide parts of a galaxy with: pixels of the cutout's own border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Width of the border, as a share of the side.
_BORDER = 0.08


def sky_like(cutout: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """A cutout of nothing but sky: pixels of the border, drawn at random.

    Sky is what a galaxy's part hides, so that a network sees a picture without the part. A grey or
    black patch would be a new object.

    Parameters
    ----------
    cutout : (side, side, channels) uint8
    seed : int

    Returns
    -------
    (side, side, channels) uint8

    Notes
    -----
    Of the border's pixels only the darker half is drawn from, since a star may stand there.

    Examples
    --------
    >>> cutout = np.zeros((20, 20, 1), np.uint8)
    >>> cutout[5:15, 5:15] = 200
    >>> int(sky_like(cutout).max())
    0
    """
    side = len(cutout)
    y, x = np.mgrid[:side, :side]
    edge = np.minimum.reduce([y, x, side - 1 - y, side - 1 - x])
    border = cutout[edge < max(1, round(_BORDER * side))]
    brightness = border.sum(axis=1, dtype=np.int64)
    dark = border[brightness <= np.median(brightness)]
    drawn = np.random.default_rng(seed).integers(len(dark), size=side * side)
    return np.asarray(dark[drawn].reshape(cutout.shape), np.uint8)
