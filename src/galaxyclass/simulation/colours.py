"""Colours of stars and of galaxies in the three bands that are shown."""

from __future__ import annotations

import numpy as np

from galaxyclass.simulation.grid import Light, Plane

#: g - r of bulges and bars, and of the young stars in arms.
OLD, YOUNG = 0.86, -0.05


def band_ratios(g_r: float, r_i: float | None = None) -> Light:
    """Light in i, r, g relative to r, for an object with these colours, mag.

    Without ``r_i``, the colour of galaxies: a line through the colours of the SDSS main sample.

    Examples
    --------
    >>> [round(float(ratio), 2) for ratio in band_ratios(0.75, 0.4)]
    [1.45, 1.0, 0.5]
    """
    r_i = 0.48 * g_r + 0.02 if r_i is None else r_i
    return np.array([10 ** (0.4 * r_i), 1.0, 10 ** (-0.4 * g_r)], np.float32)


def tinted(light: Plane, g_r: float) -> Light:
    """(height, width) light in r -> (height, width, 3) in i, r, g."""
    return np.asarray(light[..., None] * band_ratios(g_r), dtype=np.float32)
