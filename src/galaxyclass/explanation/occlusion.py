"""Occlusion: how much an answer falls when a part of the galaxy is hidden."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.explanation.answer_of import AnswerOf

#: Patches that fit along a side, and steps of a patch's side.
PATCHES, _STEPS = 6, 2


def occlusion_map(
    shares: AnswerOf,
    cutout: NDArray[np.uint8],
    sky: NDArray[np.uint8],
) -> Doubles:
    """By how much the predicted share of an answer falls when a square is replaced by sky.

    Parameters
    ----------
    shares : callable
        From cutouts to the predicted share.
    cutout, sky : (side, side, channels) uint8
        The galaxy, and what hides it.

    Returns
    -------
    (side, side) float64
        The mean fall over the squares that hide each pixel; above 0 where the answer rests on it,
        below 0 where the pixel speaks against the answer.

    Notes
    -----
    Zeiler & Fergus 2014, ECCV, section 4.2.

    Examples
    --------
    >>> bright, dark = np.full((12, 12, 1), 255, np.uint8), np.zeros((12, 12, 1), np.uint8)
    >>> def left_half(cutouts):
    ...     return cutouts[:, :, :6].mean(axis=(1, 2, 3)) / 255
    >>> found = occlusion_map(left_half, bright, dark)
    >>> bool(found[:, :4].min() > 0), float(found[:, 8:].max())
    (True, 0.0)
    """
    side = len(cutout)
    width = max(2, round(side / PATCHES))
    step = max(1, width // _STEPS)
    starts = list(range(-width + step, side, step))
    squares = [
        (slice(max(y, 0), y + width), slice(max(x, 0), x + width)) for y in starts for x in starts
    ]
    hidden = np.repeat(cutout[None], len(squares) + 1, axis=0)
    for number, square in enumerate(squares):
        hidden[number][square] = sky[square]
    predicted = shares(hidden)
    falls = predicted[-1] - predicted[:-1]
    total, count = np.zeros((2, side, side))
    for square, fall in zip(squares, falls.tolist(), strict=True):
        total[square] += fall
        count[square] += 1
    return np.asarray(total / np.maximum(count, 1))
