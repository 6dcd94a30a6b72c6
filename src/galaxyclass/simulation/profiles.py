"""Surface brightness of the parts of a galaxy: arrays in, arrays out, total light 1.

Coordinates are float32 arrays ``(height, width)`` in units of the galaxy's radius, y upwards; a
brightness is light per unit area.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, k1e

Plane = NDArray[np.float32]


def rotate(x: Plane, y: Plane, degrees: float) -> tuple[Plane, Plane]:
    """Coordinates along and across a direction, degrees anticlockwise from x."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.float32(cos) * x + np.float32(sin) * y, np.float32(cos) * y - np.float32(sin) * x


def sersic(
    x: Plane, y: Plane, radius: float, index: float, axis_ratio: float = 1.0, *, soft: float = 0.0
) -> Plane:
    """Sersic profile of half-light ``radius`` along x; ``soft`` rounds the cusp off within it.

    Ciotti & Bertin 1999 for the coefficient; Graham & Driver 2005 for the total light.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.meshgrid(*2 * [np.linspace(-6, 6, 601, dtype=np.float32)])
    >>> light = sersic(x, y, 0.5, 1.0, 0.6) * 0.02**2
    >>> round(float(light.sum()), 2), round(float(light[x**2 + (y / 0.6) ** 2 < 0.25].sum()), 1)
    (1.0, 0.5)
    """
    b = 2 * index - 1 / 3 + 4 / (405 * index) + 46 / (25515 * index**2)
    r = np.sqrt(x * x + (y / np.float32(axis_ratio)) ** 2 + np.float32(soft**2))
    total = (
        2
        * np.pi
        * axis_ratio
        * radius**2
        * index
        * np.exp(b)
        * b ** (-2 * index)
        * gamma(2 * index)
    )
    scaled = r / np.float32(radius)
    if index != 1.0:
        scaled = np.power(scaled, np.float32(1 / index))
    return np.exp(np.float32(b) * (1 - scaled)) / np.float32(total)


def disc(r: Plane, scale: float, axis_ratio: float) -> Plane:
    """Exponential disc: ``r`` in its plane, ``axis_ratio`` as it appears."""
    return np.exp(r / np.float32(-scale)) / np.float32(2 * np.pi * scale**2 * axis_ratio)


def disc_from_the_side(x: Plane, y: Plane, scale: float, height: float) -> Plane:
    """Exponential disc seen from the side, isothermal in height.

    van der Kruit & Searle 1981: ``(|x|/h) K1(|x|/h) sech^2(y/z)``.
    """
    u = np.maximum(np.abs(x) / np.float32(scale), np.float32(1e-3))
    along = u * k1e(u) * np.exp(-u)
    across = 1 / np.cosh(np.clip(y / np.float32(height), -40, 40)) ** 2
    # The integral of u K1(u) over all u is pi; of sech^2 over all heights, 2.
    return (along * across / np.float32(np.pi * scale * 2 * height)).astype(np.float32)


def boxy(x: Plane, y: Plane, radius: float, axis_ratio: float) -> Plane:
    """A bulge with boxy isophotes, of exponential kind, pinched above its centre."""
    pinch = 1 + 0.35 * np.exp(-((x / np.float32(0.8 * radius)) ** 2))
    ax, ay = np.abs(x) / np.float32(radius), np.abs(y) * pinch / np.float32(axis_ratio * radius)
    r = np.sqrt(np.sqrt(ax**4 + ay**4))
    # A superellipse of power 4 has 3.708 r^2 instead of pi r^2; the pinch is left out.
    return np.exp(-1.2 * r**1.5) / np.float32(3.708 * axis_ratio * radius**2 * 0.91)


def bar(x: Plane, y: Plane, length: float) -> Plane:
    """A bar along x, half as long as 2 ``length``: flat inside, with a steep end."""
    r2 = (np.abs(x) / np.float32(length)) ** 2.4 + (np.abs(y) / np.float32(0.27 * length)) ** 2
    return np.exp(-1.3 * r2) / np.float32(0.62 * length**2)


def arms(phase: Plane, sharpness: float) -> Plane:
    """Brightness across spiral arms, of mean 1 over all phases; the ridge is at phase 0."""
    ridge = np.exp(np.float32(sharpness) * (np.cos(phase) - 1))
    return ridge / np.float32(np.exp(-sharpness) * np.i0(sharpness))


def annulus(r: Plane, radius: float, width: float, axis_ratio: float) -> Plane:
    """A ring: ``r`` in its plane."""
    return np.exp(-0.5 * ((r - np.float32(radius)) / np.float32(width)) ** 2) / np.float32(
        (2 * np.pi) ** 1.5 * radius * width * axis_ratio
    )
