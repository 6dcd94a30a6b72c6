"""The pixels of the tiles that are being cut: each tile is read once, and let go after its last."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.tiles.tile import SkyTile

Planes = list[NDArray[np.generic]]


class OpenPlanes:
    """The bands of tiles, read when they are first needed.

    Parameters
    ----------
    tiles : sequence of SkyTile
    counts : sequence of int
        How many sources are cut out of each: after so many its pixels are let go.
    read : mapping of int to planes
        Tiles that have been read already, by their index.
    """

    def __init__(
        self, tiles: Sequence[SkyTile], counts: Sequence[int], read: Mapping[int, Planes]
    ) -> None:
        self._tiles, self._counts = tiles, counts
        self._remaining = list(counts)
        self._open: OrderedDict[int, Planes | ImageError] = OrderedDict(read)
        self._lock = threading.Lock()
        self._reading = [threading.Lock() for _ in tiles]
        # Each thread works on a tile or two; more stay only where sources were taken out of order.
        self._most = max(4, 2 * (os.cpu_count() or 1))

    def take(self, index: int) -> Planes:
        """The bands of a tile.

        Raises
        ------
        ImageError
            It cannot be read: for each of its sources the same error.
        """
        planes = self._open.get(index)
        if planes is None:
            with self._reading[index]:
                planes = self._open.get(index)
                if planes is None:
                    planes = self._read(index)
        if isinstance(planes, ImageError):
            raise planes
        return planes

    def done(self, index: int) -> None:
        """One of a tile's sources is done."""
        with self._lock:
            self._remaining[index] -= 1
            if self._remaining[index] <= 0:
                self._remaining[index] = self._counts[index]
                self._open.pop(index, None)

    def _read(self, index: int) -> Planes | ImageError:
        try:
            planes: Planes | ImageError = self._tiles[index].read()
        except ImageError as error:
            planes = error
        with self._lock:
            self._open[index] = planes
            while len(self._open) > self._most:
                self._open.popitem(last=False)
        return planes
