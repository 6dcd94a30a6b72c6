"""Views of a galaxy: mirrored, turned, a little larger or smaller, but the same galaxy.

A network that says something else of a galaxy when it is turned is wrong at least once; the mean of
what it says of several views is closer to the truth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

#: How often a view is turned by a quarter, counterclockwise, after it was mirrored (left to right)
#: or not: the eight views of a square that hold the same pixels. The first four of them, and the
#: first two, are spread as evenly as so many can be.
_EXACT = (
    (False, 0), (True, 0), (False, 2), (True, 2), (False, 1), (True, 1), (False, 3), (True, 3),
)  # fmt: skip

#: How much the further views are magnified, one after the other.
_ZOOMS = (1.0, 1.1, 1 / 1.1)
#: Those of views for a network to which the exact views are one. On held-out galaxies somewhat
#: larger ones were as good as those of the cutout's own size, and smaller ones worse.
_ZOOMS_OF_ONE = (1.0, 1.15)


def make_views(
    cutouts: NDArray[np.uint8], count: int, *, mirrors: bool = True, one: bool = False
) -> Iterator[NDArray[np.uint8]]:
    """Make views of galaxies, one view of all of them at a time.

    One view is the cutouts as they are, and so is the first of several. Up to the eighth follow
    mirrors and quarter turns, which hold exactly the same pixels. Those beyond are turned by
    further angles, evenly spread between the quarter turns, magnified or shrunk by up to a tenth,
    and sampled once, bilinearly, with reflection beyond the edge: as a training's augmentation
    does it.

    Parameters
    ----------
    cutouts : (galaxies, side, side, channels) uint8
    count : int
        How many views, 1 or more.
    mirrors : bool
        Whether mirror images are among them; without them four views are exact.
    one : bool
        Whether the network is known to say the same of all exact views (`Manifest.invariant`):
        then several views are turned by angles between, every second one magnified by a seventh.
        None of them is the cutouts as they are, which are sharper than anything that is turned, as
        all was that such a network was trained on.

    Yields
    ------
    (galaxies, side, side, channels) uint8
        A view of each galaxy, contiguous in memory.

    Examples
    --------
    >>> cutouts = np.arange(4, dtype=np.uint8).reshape(1, 2, 2, 1)
    >>> [view[0, ..., 0].tolist() for view in make_views(cutouts, 3)]
    [[[0, 1], [2, 3]], [[1, 0], [3, 2]], [[3, 2], [1, 0]]]
    """
    if one and count > 1:
        for place in range(count):
            angle = 90 * (place + 0.5) / count
            yield turn(cutouts, angle, _ZOOMS_OF_ONE[place % len(_ZOOMS_OF_ONE)])
        return
    exact = [view for view in _EXACT if mirrors or not view[0]]
    for mirror, quarters in exact[:count]:
        view = cutouts[:, :, ::-1] if mirror else cutouts
        yield np.ascontiguousarray(np.rot90(view, quarters, axes=(1, 2)))
    further = count - len(exact)
    for place in range(further):
        mirror, quarters = exact[place % len(exact)]
        angle = 90 * (quarters + (place + 1) / (further + 1))
        yield turn(cutouts, angle, _ZOOMS[place % len(_ZOOMS)], mirror=mirror)


def turn(
    cutouts: NDArray[np.uint8], angle: float, zoom: float = 1.0, *, mirror: bool = False
) -> NDArray[np.uint8]:
    """Mirror galaxies left to right if told to, turn and magnify them about their centres.

    Parameters
    ----------
    cutouts : (galaxies, side, side, channels) uint8
    angle : float
        Degrees, counterclockwise.
    zoom : float
        Above 1 the galaxies come out larger.
    mirror : bool

    Returns
    -------
    (galaxies, side, side, channels) uint8
        Sampled once, bilinearly; what lies beyond a cutout's edge is reflected at it.

    Examples
    --------
    >>> cutouts = np.arange(4, dtype=np.uint8).reshape(1, 2, 2, 1)
    >>> np.array_equal(turn(cutouts, 90), np.rot90(cutouts, axes=(1, 2)))
    True
    """
    side = cutouts.shape[1]
    cosine, sine = math.cos(math.radians(angle)) / zoom, math.sin(math.radians(angle)) / zoom
    # From a place in the view, x to the right and y down, to that in the cutout.
    linear = np.array([[cosine, -sine], [sine, cosine]])
    if mirror:
        linear[0] *= -1
    centre = np.full(2, (side - 1) / 2)
    matrix = np.column_stack([linear, centre - linear @ centre])
    turned = np.empty_like(cutouts)
    for cutout, place in zip(cutouts, turned, strict=True):
        sampled = cv2.warpAffine(
            cutout,
            matrix,
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        place[...] = sampled.reshape(place.shape)
    return turned
