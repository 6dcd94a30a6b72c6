"""Test-time views of a galaxy: mirrored, turned, a little larger or smaller.

A network that predicts something else for the same galaxy when it is turned is wrong at least
once. The mean over several views is closer to the truth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

#: The eight views of a square with the same pixels: whether mirrored left to right, then how many
#: quarter turns, counterclockwise. The first two, and the first four, are spread most evenly.
_EXACT = (
    (False, 0), (True, 0), (False, 2), (True, 2), (False, 1), (True, 1), (False, 3), (True, 3),
)  # fmt: skip

#: Magnifications of the views after the exact ones, in turns.
_ZOOMS = (1.0, 1.1, 1 / 1.1)
#: Magnifications for an invariant network. On held-out galaxies somewhat larger views were as good
#: as those of the cutout's own size, and smaller ones worse.
_INVARIANT_ZOOMS = (1.0, 1.15)


def make_views(
    cutouts: NDArray[np.uint8], count: int, *, mirrors: bool = True, invariant: bool = False
) -> Iterator[NDArray[np.uint8]]:
    """Make test-time views of galaxies, one view of all galaxies at a time.

    The first view is the cutouts as they are. Up to the eighth follow mirrors and quarter turns,
    which have exactly the same pixels. Later views are turned by angles that are evenly spread
    between the quarter turns, magnified or shrunk by up to a tenth, and sampled once, bilinearly,
    with reflection beyond the edge, as augmentation does in training.

    Parameters
    ----------
    cutouts : (galaxies, side, side, channels) uint8
    count : int
        How many views, 1 or more.
    mirrors : bool
        Whether mirror images are among them; without them four views are exact.
    invariant : bool
        Whether the network predicts the same for all exact views (`Manifest.invariant`). Several
        views are then turned by angles in between, every second one magnified by a seventh. None
        is the cutouts as they are: they are sharper than turned ones, and such a network was
        trained on turned ones only.

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
    if invariant and count > 1:
        for number in range(count):
            angle = 90 * (number + 0.5) / count
            yield turn(cutouts, angle, _INVARIANT_ZOOMS[number % len(_INVARIANT_ZOOMS)])
        return
    exact = [view for view in _EXACT if mirrors or not view[0]]
    for mirror, quarters in exact[:count]:
        view = cutouts[:, :, ::-1] if mirror else cutouts
        yield np.ascontiguousarray(np.rot90(view, quarters, axes=(1, 2)))
    extra = count - len(exact)
    for number in range(extra):
        mirror, quarters = exact[number % len(exact)]
        angle = 90 * (quarters + (number + 1) / (extra + 1))
        yield turn(cutouts, angle, _ZOOMS[number % len(_ZOOMS)], mirror=mirror)


def turn(
    cutouts: NDArray[np.uint8], angle: float, zoom: float = 1.0, *, mirror: bool = False
) -> NDArray[np.uint8]:
    """Turn and magnify galaxies about their centres, after mirroring them if asked for.

    Parameters
    ----------
    cutouts : (galaxies, side, side, channels) uint8
    angle : float
        Degrees, counterclockwise.
    zoom : float
        Above 1 makes the galaxies larger.
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
    # From a point of the view, x to the right and y down, to that of the cutout.
    linear = np.array([[cosine, -sine], [sine, cosine]])
    if mirror:
        linear[0] *= -1
    centre = np.full(2, (side - 1) / 2)
    matrix = np.column_stack([linear, centre - linear @ centre])
    turned = np.empty_like(cutouts)
    for cutout, target in zip(cutouts, turned, strict=True):
        sampled = cv2.warpAffine(
            cutout,
            matrix,
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        target[...] = sampled.reshape(target.shape)
    return turned
