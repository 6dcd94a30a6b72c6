"""Finding the object at the centre of an image, and framing it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.frames import Frame, centre_frame

#: The object is sought in a copy of the image whose shorter side has about this many pixels:
#: averaging over more pixels lifts faint arms out of the noise, and it is fast.
_WORKING_SIDE = 106
#: An object's pixels stand above the sky by this many times its noise, and by this many grey
#: values: JPEG sky is often clipped to a constant, whose measured noise is then zero.
_SIGMAS = 3.0
_FLOOR = 4.0
#: An object is sought within this share of the image's sides around its centre.
_REACH = 0.25


def object_frame(image: NDArray[np.uint8], margin: float = 0.25) -> Frame:
    """The square frame around the object at the centre of an image.

    Parameters
    ----------
    image : (height, width, channels) uint8 array
    margin : float
        Sky on each side, as a share of the longer side of the object's box.

    Returns
    -------
    Frame
        Square. Where no object stands out, the square around the image's centre.
    """
    height, width = image.shape[:2]
    scale = max(1.0, min(height, width) / _WORKING_SIDE)
    shape = (max(1, round(width / scale)), max(1, round(height / scale)))
    small = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
    light = small.astype(np.float32).reshape(*small.shape[:2], -1).mean(axis=2)
    light = cv2.GaussianBlur(light, (0, 0), 1.0)
    sky, noise = _sky(light)
    above = (light > sky + max(_SIGMAS * noise, _FLOOR)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
    label = _central(labels)
    if label == 0:
        return centre_frame(height, width)
    return _around(stats[label, :4] * scale, margin, height, width)


def _sky(light: NDArray[np.float32]) -> tuple[float, float]:
    """Level and noise of the sky: median and scatter, clipped of what is bright."""
    pixels = light.ravel()
    for _ in range(5):
        level = float(np.median(pixels))
        below = pixels[pixels <= level]
        noise = 1.4826 * float(np.median(level - below))
        kept = pixels[pixels <= level + 3 * max(noise, 0.5)]
        if kept.size == pixels.size:
            break
        pixels = kept
    return level, noise


def _central(labels: NDArray[np.int32]) -> int:
    """The label nearest to the centre, or 0 where there is none within reach."""
    height, width = labels.shape
    rows, columns = np.nonzero(labels)
    if rows.size == 0:
        return 0
    distance = np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2)
    nearest = int(np.argmin(distance))
    if distance[nearest] > _REACH * min(height, width):
        return 0
    return int(labels[rows[nearest], columns[nearest]])


def _around(box: NDArray[np.float64], margin: float, height: int, width: int) -> Frame:
    """A square around a box with a margin, moved into the image as far as it goes.

    Pixels of the image are better than invented sky, so that a square that would cross a border
    is moved, and one that is larger than the image's longer side is shrunk to it.
    """
    left, top, box_width, box_height = box.tolist()
    side = round(max(box_width, box_height) * (1 + 2 * margin))
    side = max(8, min(side, max(height, width)))
    x = round(left + box_width / 2 - side / 2)
    y = round(top + box_height / 2 - side / 2)
    x = min(max(x, 0), width - side) if side <= width else (width - side) // 2
    y = min(max(y, 0), height - side) if side <= height else (height - side) // 2
    return Frame(x, y, side, side)
