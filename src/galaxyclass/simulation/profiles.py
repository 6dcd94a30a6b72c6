"""Surface brightness of the parts of a galaxy: arrays in, arrays out, total light 1.

Coordinates and radii are float32 arrays ``(height, width)``; a brightness is light per unit area.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gamma, k1e

from galaxyclass.simulation.grid import Grid, Plane, falloff


def sersic(grid: Grid, radius: float, index: float, axis_ratio: float = 1.0) -> Plane:
    """Sersic profile of half-light ``radius`` along x, rounded off below half a pixel.

    Ciotti & Bertin 1999 for the coefficient; Graham & Driver 2005 for the total light.

    Examples
    --------
    >>> from galaxyclass.simulation.grid import frame
    >>> grid = frame(601, 12.0)
    >>> light = sersic(grid, 0.5, 1.0, 0.6) * grid.step**2
    >>> half = light[grid.x**2 + (grid.y / 0.6) ** 2 < 0.5**2].sum()
    >>> round(float(light.sum()), 2), round(float(half), 1)
    (1.0, 0.5)
    """
    b = 2 * index - 1 / 3 + 4 / (405 * index) + 46 / (25515 * index**2)
    soft = np.float32((0.5 * grid.step) ** 2)
    r = np.sqrt(grid.x * grid.x + (grid.y / np.float32(axis_ratio)) ** 2 + soft)
    total = 2 * np.pi * axis_ratio * radius**2 * gamma(2 * index)
    total *= index * np.exp(b) * b ** (-2 * index)
    scaled = r / np.float32(radius)
    if index != 1.0:
        scaled = np.power(scaled, np.float32(1 / index))
    light = np.exp(np.float32(b) * (1 - scaled)) / np.float32(total)
    return np.asarray(light, dtype=np.float32)


def disc(r: Plane, scale: float, axis_ratio: float) -> Plane:
    """Exponential disc: ``r`` in its plane, ``axis_ratio`` as it appears."""
    light = np.exp(r / np.float32(-scale)) / np.float32(2 * np.pi * scale**2 * axis_ratio)
    return np.asarray(light, dtype=np.float32)


def disc_from_the_side(grid: Grid, scale: float, height: float) -> Plane:
    """Exponential disc seen from the side, isothermal in height.

    van der Kruit & Searle 1981: ``(|x|/h) K1(|x|/h) sech^2(y/z)``.

    Examples
    --------
    >>> from galaxyclass.simulation.grid import frame
    >>> grid = frame(401, 8.0)
    >>> round(float(disc_from_the_side(grid, 0.3, 0.1).sum() * grid.step**2), 2)
    1.0
    """
    u = np.maximum(np.abs(grid.x) / np.float32(scale), np.float32(1e-3))
    along = u * k1e(u) * np.exp(-u)
    across = 1 / np.cosh(np.clip(grid.y / np.float32(height), -40, 40)) ** 2
    # The integral of |u| K1(|u|) over all u is pi, that of sech^2 over all heights 2.
    return np.asarray(along * across / np.float32(np.pi * scale * 2 * height), dtype=np.float32)


def boxy(grid: Grid, radius: float, axis_ratio: float) -> Plane:
    """A bulge with boxy isophotes, pinched above its centre into a peanut."""
    pinch = 1 + 0.3 * falloff(grid.x, 0.5 * radius)
    along = np.abs(grid.x) / np.float32(radius)
    across = np.abs(grid.y) * pinch / np.float32(axis_ratio * radius)
    r = np.sqrt(np.sqrt(along**4 + across**4))
    # A superellipse of power 4 has an area of 3.708 r^2; exp(-1.2 r^1.5) gives a factor of 0.934.
    light = np.exp(np.float32(-1.2) * r**1.5) / np.float32(3.708 * 0.934 * axis_ratio * radius**2)
    return np.asarray(light, dtype=np.float32)


def bar(grid: Grid, length: float) -> Plane:
    """A bar along x, half as long as 2 ``length``: flat inside, with a steep end."""
    along = (np.abs(grid.x) / np.float32(length)) ** 3
    across = np.abs(grid.y) / np.float32(0.20 * length)
    light = np.exp(-1.6 * along - 0.8 * across**1.5) / np.float32(0.64 * length**2)
    return np.asarray(light, dtype=np.float32)


def arms(phase: Plane, sharpness: float) -> Plane:
    """Brightness across spiral arms, of mean 1 over all phases; the ridge is at phase 0."""
    ridge = np.exp(np.float32(sharpness) * (np.cos(phase) - 1))
    return np.asarray(ridge / np.float32(np.exp(-sharpness) * np.i0(sharpness)), dtype=np.float32)


def annulus(r: Plane, radius: float, width: float, axis_ratio: float) -> Plane:
    """A ring: ``r`` in its plane, ``axis_ratio`` as it appears."""
    whole = (2 * np.pi) ** 1.5 * radius * width * axis_ratio
    return np.asarray(falloff(r - np.float32(radius), width) / np.float32(whole), dtype=np.float32)
