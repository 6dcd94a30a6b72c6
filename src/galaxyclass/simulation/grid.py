"""Where the pixels of an image are, in units of the galaxy's radius."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Light = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """Centres of pixels: ``x`` to the right, ``y`` upwards, ``step`` their side.

    ``x`` and ``y`` are (height, width) float32.
    """

    x: Plane
    y: Plane
    step: float

    @property
    def half(self) -> float:
        """Half the width of what the grid covers."""
        return float(self.x.shape[1] * self.step / 2)

    def around(self, x: float, y: float, size: float = 1.0) -> Grid:
        """The same pixels as seen from (x, y), in units of ``size``."""
        return Grid(
            (self.x - np.float32(x)) / np.float32(size),
            (self.y - np.float32(y)) / np.float32(size),
            self.step / size,
        )

    def turned(self, degrees: float) -> Grid:
        """Coordinates along and across a direction, degrees anticlockwise from x."""
        cos, sin = np.float32(np.cos(np.radians(degrees))), np.float32(np.sin(np.radians(degrees)))
        return Grid(cos * self.x + sin * self.y, cos * self.y - sin * self.x, self.step)

    def part(self, rows: slice, columns: slice) -> Grid:
        """Some of the pixels."""
        return Grid(self.x[rows, columns], self.y[rows, columns], self.step)


def frame(side: int, width: float) -> Grid:
    """A square of ``side`` pixels, ``width`` across, around the origin.

    Examples
    --------
    >>> frame(2, 1.0).x.tolist(), frame(2, 1.0).y.tolist()
    ([[-0.25, 0.25], [-0.25, 0.25]], [[0.25, 0.25], [-0.25, -0.25]])
    """
    step = width / side
    centres = (np.arange(side, dtype=np.float32) + np.float32(0.5)) * np.float32(step)
    centres -= np.float32(width / 2)
    x, y = np.meshgrid(centres, -centres)
    return Grid(x, y, step)


def falloff(distance: Plane, width: float) -> Plane:
    """A Gaussian of height 1: ``exp(-distance^2 / 2 width^2)``."""
    scaled = distance * np.float32(1 / width)
    return np.asarray(np.exp(np.float32(-0.5) * scaled * scaled), dtype=np.float32)
