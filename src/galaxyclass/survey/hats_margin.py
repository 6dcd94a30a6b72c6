"""The margins of partitions: which objects lie close outside each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.extras import require
from galaxyclass.survey.partitions import Partitions

_ORDER = 29
#: The mean side of a pixel of order 0, arcseconds.
_SIDE = math.degrees(math.sqrt(4 * math.pi / 12)) * 3600
#: Pixels are not squares: the narrowest is at least half as wide as the mean side.
_NARROWEST = 0.5


def margin_order(margin: float) -> int:
    """The highest order whose pixels are all wider than a margin in arcseconds.

    Examples
    --------
    >>> margin_order(10), margin_order(3600)
    (13, 4)
    """
    return min(_ORDER, int(math.log2(_SIDE * _NARROWEST / margin)))


@dataclass(frozen=True)
class Margins:
    """The pixels around each partition, which hold all objects within the margin, and some more.

    Attributes
    ----------
    order : int
    cells : (n,) int64
        Pixels of that order, ascending; one beside two partitions stands twice.
    partition : (n,) int64
        The partition that each is beside.
    """

    order: int
    cells: NDArray[np.int64]
    partition: NDArray[np.int64]

    @classmethod
    def of(cls, partitions: Partitions, order: int) -> Margins:
        """The pixels around each partition; none is smaller than those of this order."""
        nested = require("cdshealpix.nested")
        cells, numbers = [], []
        for level in np.unique(partitions.orders).tolist():
            of_level = np.flatnonzero(partitions.orders == level)
            depth = int(order - level)
            if depth == 0:
                around = nested.neighbours(partitions.pixels[of_level], level, num_threads=1)
                around = np.delete(around, 4, axis=1)  # the pixel itself
            else:
                borders, corners = nested.external_neighbours(
                    partitions.pixels[of_level], level, depth, num_threads=1
                )
                around = np.concatenate([borders, corners], axis=1)
            around = around.astype(np.int64)
            owner = np.broadcast_to(of_level[:, None], around.shape)
            cells.append(around[around >= 0])
            numbers.append(owner[around >= 0])
        all_cells, owners = np.concatenate(cells), np.concatenate(numbers)
        along = np.lexsort((owners, all_cells))
        return cls(order, all_cells[along], owners[along])

    def find(self, healpix_29: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows that lie in a margin, each once for every partition, and those partitions."""
        wanted = healpix_29 >> 2 * (_ORDER - self.order)
        begin = np.searchsorted(self.cells, wanted, side="left")
        end = np.searchsorted(self.cells, wanted, side="right")
        counts = end - begin
        rows = np.repeat(np.arange(len(wanted)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, self.partition[np.repeat(begin, counts) + within]
