"""Finding the object at the centre of an image, and framing it.

The way of source extractors, on a small copy of the image: sky and its noise, a threshold, the
connected region at the centre; and, as in SExtractor's deblending (Bertin & Arnouts 1996), a
neighbour that stands on its own above the saddle between the two is told apart.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.cutout_boxes import Frame, centre_frame

#: The object is sought in a copy of the image whose shorter side has about this many pixels:
#: averaging lifts faint arms out of the noise, and it is fast.
WORKING_SIDE = 72
#: An object's pixels stand above the sky by this many times its noise, and by this many grey
#: values: the sky of a JPEG is often clipped to a constant, whose measured noise is then zero.
SIGMAS = 3.0
FLOOR = 4.0
#: More scatter than this is no noise: it is a galaxy that fills the image to its corners.
MOST_NOISE = 5.0
#: An object is sought within this share of the image's sides around its centre.
REACH = 0.25
#: A neighbour is told apart when its peak is this many times higher than the saddle to it, and
#: has this share of our object's height (both above the sky). Knots in arms have shallower
#: saddles; what is fainter does no harm.
PROMINENCE = 1.7
RIVAL = 0.25
#: The box of an object leaves out this share of its light on each side: chains of noise that
#: touch a bright galaxy have less, arms and tails have more.
TAIL = 0.004
#: Each level at which saddles are looked for is this share of the one above.
_STEP = 0.75
_MOST_NEIGHBOURS = 8
#: The tiles along the border, of 5 x 5.
_BORDER = [tile for tile in range(25) if tile // 5 in (0, 4) or tile % 5 in (0, 4)]


def object_frame(image: NDArray[np.uint8], margin: float = 0.25) -> Frame:
    """The square frame around the object at the centre of an image.

    The frame is centred on the object's box, then moved as little as needed to lie inside the
    image, and never larger than the image's longer side: pixels are better than invented sky.
    An object that is larger than the image gives the whole image.

    What still fails: a bright star whose halo hides the galaxy is framed with it; two galaxies
    that overlap deeply are framed as one, which for mergers is what is wanted.

    Parameters
    ----------
    image : (height, width, channels) uint8 array
        Bright objects on a darker sky.
    margin : float
        Sky on each side, as a share of the longer side of the object's box.

    Returns
    -------
    Frame
        Square. Where no object stands out near the centre, the largest square around the
        image's centre.

    Examples
    --------
    >>> image = np.zeros((200, 200, 1), np.uint8)
    >>> image[90:130, 80:120] = 100
    >>> frame = object_frame(image, margin=0.5)
    >>> abs(frame.width - 80) < 12 and abs(frame.left - 60) < 8 and abs(frame.top - 70) < 8
    True
    """
    height, width = image.shape[:2]
    scale = max(1, min(height, width) // WORKING_SIDE)
    light = _shrink(image, scale)
    sky, noise = _sky(light)
    light -= sky
    box = _central_box(light, max(SIGMAS * min(noise, MOST_NOISE), FLOOR))
    if box is None:
        return centre_frame(height, width)
    return _around(*(edge * scale for edge in box), margin=margin, height=height, width=width)


def _shrink(image: NDArray[np.uint8], scale: int) -> NDArray[np.float32]:
    """The image in grey, shrunk and smoothed: (height // scale, width // scale)."""
    grey = image[..., 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    # By a whole number, which OpenCV does several times faster than by any other.
    height, width = (side // scale for side in grey.shape)
    whole = grey[: height * scale, : width * scale]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small.astype(np.float32), (5, 5), 1.0)
    return np.asarray(blurred, dtype=np.float32)


def _sky(light: NDArray[np.float32]) -> tuple[float, float]:
    """Level and noise of the sky, from the darker of the tiles along the border.

    The median of all pixels will not do: galaxies often fill more than half of the image.
    Tiles of nothing but zeros lie beyond the edge of a survey.
    """
    height, width = (side // 5 for side in light.shape)
    if height == 0 or width == 0:
        tiles = light.reshape(1, -1)
    else:
        grid = light[: 5 * height, : 5 * width].reshape(5, height, 5, width).swapaxes(1, 2)
        tiles = grid.reshape(25, -1)[_BORDER]
    exposed = tiles[tiles.max(axis=1) > 0]
    if len(exposed) == 0:
        return 0.0, 0.0
    levels = np.median(exposed, axis=1)
    darkest = exposed[np.argsort(levels, kind="stable")[: max(1, len(exposed) // 4)]]
    level = float(np.median(darkest))
    return level, 1.4826 * float(np.median(np.abs(darkest - level)))


def _central_box(
    light: NDArray[np.float32], threshold: float
) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom edge of the object at the centre; None where there is none."""
    above = (light > threshold).astype(np.uint8)
    # Thin bridges of noise between neighbours go; so does an object of one or two pixels.
    opened = cv2.morphologyEx(above, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    labels = _label(np.asarray(opened, dtype=np.uint8))
    seed = _nearest(labels)
    if seed is None:
        return None
    region = (labels == labels[seed]).astype(np.uint8)
    peak = _climb(light, seed)
    without = _without_neighbours(light, region, peak, threshold)
    left, right = _extent(light, without, axis=0)
    top, bottom = _extent(light, without, axis=1)
    if without is not region:
        # The neighbour took pixels on its side from the object: take it to be symmetric, as far
        # as the region reaches.
        row, column = peak
        across = max(column + 0.5 - left, right - column - 0.5)
        down = max(row + 0.5 - top, bottom - row - 0.5)
        x, y, width, height = cv2.boundingRect(region)
        left, right = max(column + 0.5 - across, x), min(column + 0.5 + across, x + width)
        top, bottom = max(row + 0.5 - down, y), min(row + 0.5 + down, y + height)
    return left, top, right, bottom


def _extent(
    light: NDArray[np.float32], region: NDArray[np.uint8], axis: int
) -> tuple[float, float]:
    """First and last edge of a region along an axis, without the last `TAIL` of its light."""
    profile = np.cumsum((light * region).sum(axis=axis, dtype=np.float64))
    first, last = np.searchsorted(profile, (TAIL * profile[-1], (1 - TAIL) * profile[-1]))
    return float(first), float(last + 1)


def _label(mask: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The number of the connected region of each pixel, from 1; 0 outside."""
    return np.asarray(cv2.connectedComponents(mask, connectivity=8)[1], dtype=np.int32)


def _nearest(labels: NDArray[np.int32]) -> tuple[int, int] | None:
    """Row and column of the labelled pixel nearest to the centre, within reach."""
    rows, columns = np.nonzero(labels)
    if rows.size == 0:
        return None
    height, width = labels.shape
    distance = np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2)
    nearest = int(np.argmin(distance))
    if distance[nearest] > REACH * min(height, width):
        return None
    return int(rows[nearest]), int(columns[nearest])


def _climb(light: NDArray[np.float32], start: tuple[int, int]) -> tuple[int, int]:
    """Row and column of the peak that is reached by going up from a pixel."""
    row, column = start
    while True:
        top, left = max(row - 1, 0), max(column - 1, 0)
        near = light[top : row + 2, left : column + 2]
        up, along = divmod(int(np.argmax(near)), near.shape[1])
        if near[up, along] <= light[row, column]:
            return row, column
        row, column = top + up, left + along


def _without_neighbours(
    light: NDArray[np.float32], region: NDArray[np.uint8], peak: tuple[int, int], threshold: float
) -> NDArray[np.uint8]:
    """The region less what belongs to other objects in it; the region itself if there are none.

    Parameters
    ----------
    light : (height, width) float32
        Above the sky.
    region : (height, width) uint8
        1 where connected with the object.
    peak : (int, int)
        Row and column of the object's peak.
    threshold : float
        The lowest light in the region.
    """
    rivals = _rivals(light, region, peak)
    if not rivals:
        return region
    kept = region
    level, inner = float(light[peak]), None
    while rivals and level > threshold:
        level = max(level * _STEP, threshold)
        outer = _flood(light, peak, level)
        for rival in [rival for rival in rivals if outer[rival]]:
            rivals.remove(rival)
            if inner is None or light[rival] < PROMINENCE * level:
                continue  # a part of the object: its peak hardly rises from the saddle
            theirs = _flood(light, rival, level / _STEP)
            nearer = _distance(theirs) < _distance(inner)
            kept = np.where(nearer, 0, kept).astype(np.uint8)
        inner = outer
    if kept is region:
        return region
    labels = _label(kept)
    if labels[peak] == 0:
        return region
    return np.asarray(labels == labels[peak], dtype=np.uint8)


def _rivals(
    light: NDArray[np.float32], region: NDArray[np.uint8], peak: tuple[int, int]
) -> list[tuple[int, int]]:
    """Other peaks of the region that could be objects of their own, the highest first."""
    highest = cv2.dilate(light, np.ones((5, 5), np.uint8))
    rows, columns = np.nonzero((light >= highest) & (region > 0) & (light > RIVAL * light[peak]))
    order = np.argsort(-light[rows, columns], kind="stable")[: _MOST_NEIGHBOURS + 1]
    found = [(int(rows[i]), int(columns[i])) for i in order]
    return [other for other in found if other != peak][:_MOST_NEIGHBOURS]


def _flood(light: NDArray[np.float32], start: tuple[int, int], level: float) -> NDArray[np.uint8]:
    """1 where ``light`` is at least ``level`` and connected with a pixel that is."""
    height, width = light.shape
    mask = np.zeros((height + 2, width + 2), np.uint8)
    below = max(float(light[start]) - level, 0.0)
    flags = 8 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    cv2.floodFill(light, mask, (start[1], start[0]), 0, below, 1e6, flags)
    return mask[1:-1, 1:-1]


def _distance(region: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The distance of each pixel from a region, in pixels."""
    return np.asarray(cv2.distanceTransform(1 - region, cv2.DIST_L2, 3), dtype=np.float32)


def _around(
    left: float,
    top: float,
    right: float,
    bottom: float,
    *,
    margin: float,
    height: int,
    width: int,
) -> Frame:
    """A square around a box with a margin, moved into the image as far as it goes."""
    side = round(max(right - left, bottom - top) * (1 + 2 * margin))
    side = max(8, min(side, max(height, width)))
    x = round((left + right - side) / 2)
    y = round((top + bottom - side) / 2)
    x = min(max(x, 0), width - side) if side <= width else (width - side) // 2
    y = min(max(y, 0), height - side) if side <= height else (height - side) // 2
    return Frame(x, y, side, side)
