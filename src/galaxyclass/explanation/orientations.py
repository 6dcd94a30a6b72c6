"""Averaging a map over orientations: a galaxy has no up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles

#: Quarter turns that a map is averaged over.
QUARTERS = (0, 1, 2, 3)


def averaged(
    make_map: Callable[[NDArray[np.uint8]], Doubles],
    cutout: NDArray[np.uint8],
    quarters: tuple[int, ...] = QUARTERS,
) -> Doubles:
    """The mean of the maps of a turned cutout, each turned back.

    Parameters
    ----------
    make_map : callable
        From a cutout (side, side, channels) to its map (side, side).
    cutout : (side, side, channels) uint8
    quarters : tuple of int
        The turns, in quarters. One is enough for a network that is invariant to them.

    Examples
    --------
    >>> cutout = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
    >>> averaged(lambda turned: turned[..., 0].astype(float), cutout).tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    maps = [
        np.rot90(make_map(np.ascontiguousarray(np.rot90(cutout, turns))), -turns)
        for turns in quarters
    ]
    return np.asarray(np.mean(maps, axis=0))
