"""Detection of the object at the centre of an image, and the cutout box around it.

As in source extractors, but on a small copy of the image: the sky and its noise, a threshold, the
connected region at the centre. As in SExtractor's deblending (Bertin & Arnouts 1996), a neighbour
whose peak rises well above the saddle between the two is separated from the object.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.channels import to_grey
from galaxyclass.images.cutout_boxes import CutoutBox, centre_box

#: Shorter side of the small copy, in pixels, about: averaging lifts faint arms out of the noise,
#: and a small copy is fast.
WORKING_SIDE = 72
#: An object's pixels are brighter than the sky by this many times the noise, and by this many grey
#: levels: the sky of a JPEG is often clipped to a constant, whose measured noise is zero.
SIGMAS = 3.0
FLOOR = 4.0
#: Largest noise of a sky, grey levels: more scatter is a galaxy that fills the whole image.
MAX_NOISE = 5.0
#: The object is searched within this share of the image's sides around its centre.
REACH = 0.25
#: A neighbour is separated when its peak is this many times higher than the saddle between the two,
#: and at least this share of the object's peak (all above the sky). Knots in arms have shallower
#: saddles, and fainter neighbours do no harm.
PROMINENCE = 1.7
RIVAL = 0.25
#: The bounding box leaves out this share of the object's light on each side: chains of noise that
#: touch a bright galaxy have less light, arms and tails have more.
TAIL = 0.004
#: Each level at which saddles are searched is this share of the level above.
_STEP = 0.75
_MAX_NEIGHBOURS = 8
#: The tiles along the border, of 5 x 5.
_BORDER = [tile for tile in range(25) if tile // 5 in (0, 4) or tile % 5 in (0, 4)]


def object_box(image: NDArray[np.uint8], margin: float = 0.25) -> CutoutBox:
    """The square cutout box around the object at the centre of an image.

    The cutout box is centred on the object's bounding box, and then moved as little as needed to
    lie inside the image. It is never larger than the image's longer side, because real pixels are
    better than an invented sky. An object that is larger than the image gives the whole image.

    What still fails: a bright star whose halo hides the galaxy is cut out with it. Two galaxies
    that overlap deeply are cut out together, which is right for mergers.

    Parameters
    ----------
    image : (height, width, channels) uint8 array
        Bright objects on a darker sky.
    margin : float
        Sky on each side, as a share of the longer side of the object's bounding box.

    Returns
    -------
    CutoutBox
        Square. Where no object stands out near the centre, the largest square around the
        image's centre.

    Examples
    --------
    >>> image = np.zeros((200, 200, 1), np.uint8)
    >>> image[90:130, 80:120] = 100
    >>> box = object_box(image, margin=0.5)
    >>> abs(box.width - 80) < 12 and abs(box.left - 60) < 8 and abs(box.top - 70) < 8
    True
    """
    height, width = image.shape[:2]
    scale = max(1, min(height, width) // WORKING_SIDE)
    light = _shrink(image, scale)
    sky, noise = _sky(light)
    light -= sky
    bounds = _central_bounds(light, max(SIGMAS * min(noise, MAX_NOISE), FLOOR))
    if bounds is None:
        return centre_box(height, width)
    return _around(*(edge * scale for edge in bounds), margin=margin, height=height, width=width)


def _shrink(image: NDArray[np.uint8], scale: int) -> NDArray[np.float32]:
    """The image in grey, shrunk and smoothed: (height // scale, width // scale)."""
    grey = to_grey(image)
    # By an integer, which OpenCV does several times faster than by other numbers.
    height, width = (side // scale for side in grey.shape)
    whole = grey[: height * scale, : width * scale]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small.astype(np.float32), (5, 5), 1.0)
    return np.asarray(blurred, dtype=np.float32)


def _sky(light: NDArray[np.float32]) -> tuple[float, float]:
    """Level and noise of the sky, from the darker of the tiles along the border.

    Not from all pixels: galaxies often fill more than half of the image. Tiles of zeros alone lie
    beyond the edge of a survey and are left out.
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


def _central_bounds(
    light: NDArray[np.float32], threshold: float
) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom edge of the object at the centre; None where there is none."""
    above = (light > threshold).astype(np.uint8)
    # Opening removes thin bridges of noise between neighbours, and objects of one or two pixels.
    opened = cv2.morphologyEx(above, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    labels = _label(np.asarray(opened, dtype=np.uint8))
    seed = _nearest(labels)
    if seed is None:
        return None
    region = (labels == labels[seed]).astype(np.uint8)
    peak = _climb(light, seed)
    central = _without_neighbours(light, region, peak, threshold)
    left, right = _edges(light, central, axis=0)
    top, bottom = _edges(light, central, axis=1)
    if central is not region:
        # Pixels on the neighbour's side were removed: the object is assumed to be symmetric, as far
        # as the region reaches.
        row, column = peak
        across = max(column + 0.5 - left, right - column - 0.5)
        down = max(row + 0.5 - top, bottom - row - 0.5)
        x, y, width, height = cv2.boundingRect(region)
        left, right = max(column + 0.5 - across, x), min(column + 0.5 + across, x + width)
        top, bottom = max(row + 0.5 - down, y), min(row + 0.5 + down, y + height)
    return left, top, right, bottom


def _edges(light: NDArray[np.float32], region: NDArray[np.uint8], axis: int) -> tuple[float, float]:
    """First and last edge of a region along an axis, without `TAIL` of its light on each side."""
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
    """Row and column of the peak that is reached by climbing from a pixel."""
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
    """The region without the pixels of other objects; the region itself where there are none.

    Parameters
    ----------
    light : (height, width) float32
        Above the sky.
    region : (height, width) uint8
        1 where a pixel is connected with the object.
    peak : (int, int)
        Row and column of the object's peak.
    threshold : float
        The lowest light in the region.
    """
    rivals = _rivals(light, region, peak)
    if not rivals:
        return region
    central = region
    level, inner = float(light[peak]), None
    while rivals and level > threshold:
        level = max(level * _STEP, threshold)
        outer = _flood(light, peak, level)
        for rival in [rival for rival in rivals if outer[rival]]:
            rivals.remove(rival)
            if inner is None or light[rival] < PROMINENCE * level:
                continue  # a part of the object: its peak hardly rises above the saddle
            neighbour = _flood(light, rival, level / _STEP)
            nearer = _distance(neighbour) < _distance(inner)
            central = np.where(nearer, 0, central).astype(np.uint8)
        inner = outer
    if central is region:
        return region
    labels = _label(central)
    if labels[peak] == 0:
        return region
    return np.asarray(labels == labels[peak], dtype=np.uint8)


def _rivals(
    light: NDArray[np.float32], region: NDArray[np.uint8], peak: tuple[int, int]
) -> list[tuple[int, int]]:
    """Other peaks of the region that could be separate objects, the highest first."""
    highest = cv2.dilate(light, np.ones((5, 5), np.uint8))
    rows, columns = np.nonzero((light >= highest) & (region > 0) & (light > RIVAL * light[peak]))
    order = np.argsort(-light[rows, columns], kind="stable")[: _MAX_NEIGHBOURS + 1]
    peaks = [(int(rows[i]), int(columns[i])) for i in order]
    return [other for other in peaks if other != peak][:_MAX_NEIGHBOURS]


def _flood(light: NDArray[np.float32], start: tuple[int, int], level: float) -> NDArray[np.uint8]:
    """1 where ``light`` is at least ``level`` and connected with the pixel ``start``."""
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
) -> CutoutBox:
    """A square cutout box around the object's edges, moved into the image as far as it fits."""
    side = round(max(right - left, bottom - top) * (1 + 2 * margin))
    side = max(8, min(side, max(height, width)))
    x = round((left + right - side) / 2)
    y = round((top + bottom - side) / 2)
    x = min(max(x, 0), width - side) if side <= width else (width - side) // 2
    y = min(max(y, 0), height - side) if side <= height else (height - side) // 2
    return CutoutBox(x, y, side, side)
