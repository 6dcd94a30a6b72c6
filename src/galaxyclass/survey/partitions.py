"""Which HEALPix pixels are the partitions of a catalogue: small ones where many objects are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: The highest order of a partition.
HIGHEST = 9
_ORDER = 29


@dataclass(frozen=True)
class Partitions:
    """Pixels that do not overlap, in the order of the sky's nested scheme.

    Attributes
    ----------
    orders, pixels : (partitions,) int64
        In the nested scheme.
    first : (partitions,) int64
        The first pixel of order 29 in each, ascending.
    """

    orders: NDArray[np.int64]
    pixels: NDArray[np.int64]
    first: NDArray[np.int64]

    @classmethod
    def of(cls, counts: NDArray[np.int64], order: int, most: int) -> Partitions:
        """The largest pixels that have at most so many objects; empty ones are left out.

        Parameters
        ----------
        counts : (12 × 4^order,) int64
            Objects in each pixel of the highest order, whose pixels are not divided further.
        order : int
        most : int

        Examples
        --------
        >>> counts = np.zeros(48, np.int64)
        >>> counts[[0, 1, 7]] = 5, 5, 5
        >>> found = Partitions.of(counts, 1, 6)
        >>> list(zip(found.orders.tolist(), found.pixels.tolist()))
        [(1, 0), (1, 1), (0, 1)]
        """
        levels = [counts]
        for _ in range(order):
            levels.insert(0, levels[0].reshape(-1, 4).sum(axis=1))
        pixels = np.flatnonzero(levels[0])
        found: list[tuple[int, NDArray[np.int64]]] = []
        for level, numbers in enumerate(levels):
            small = (numbers[pixels] <= most) | (level == order)
            found.append((level, pixels[small]))
            if level < order:
                inside = (pixels[~small, None] * 4 + np.arange(4)).ravel()
                pixels = inside[levels[level + 1][inside] > 0]
        orders = np.concatenate([np.full(len(each), level) for level, each in found])
        all_pixels = np.concatenate([each for _, each in found]).astype(np.int64)
        first = all_pixels << 2 * (_ORDER - orders)
        along = np.argsort(first)
        return cls(orders[along], all_pixels[along], first[along])

    def find(self, healpix_29: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the partition that each pixel of order 29 is in."""
        return np.searchsorted(self.first, healpix_29, side="right") - 1

    def pixel(self, number: int) -> tuple[int, int]:
        """The order and the pixel of a partition."""
        return int(self.orders[number]), int(self.pixels[number])
