"""Channels of a picture: red, green and blue, one grey, or bands."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def to_colour(pixels: NDArray[np.uint8], colour: str) -> NDArray[np.uint8]:
    """Pixels converted to three channels or to one.

    Parameters
    ----------
    pixels : (height, width, 1 or 3) uint8
    colour : {"rgb", "grey"}
        Otherwise the channels stay.

    Returns
    -------
    (height, width, channels) uint8
        ``pixels`` itself where it has these channels already.
    """
    if colour not in ("rgb", "grey"):
        return pixels
    wanted = 3 if colour == "rgb" else 1
    if pixels.shape[2] == wanted:
        return pixels
    code = cv2.COLOR_RGB2GRAY if wanted == 1 else cv2.COLOR_GRAY2RGB
    converted = np.asarray(cv2.cvtColor(pixels, code), dtype=np.uint8)
    return converted.reshape(*pixels.shape[:2], wanted)


def to_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One grey channel, (height, width): of bands that are not three colours their mean.

    Examples
    --------
    >>> to_grey(np.full((1, 1, 4), 7, np.uint8)).tolist()
    [[7]]
    """
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    if pixels.shape[2] == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return np.asarray(np.rint(pixels.mean(axis=2)), dtype=np.uint8)


def to_three(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Channels to look at, 1 or 3, on the last axis: of bands the last is red, the first is blue.

    Examples
    --------
    >>> to_three(np.arange(4, dtype=np.uint8).reshape(1, 1, 4))[0, 0].tolist()
    [3, 1, 0]
    """
    count = pixels.shape[-1]
    if count in (1, 3):
        return pixels
    return np.ascontiguousarray(pixels[..., [count - 1, (count - 1) // 2, 0]])
