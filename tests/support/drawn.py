"""Galaxies that are drawn in a few lines: quick, and of a stated size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draw_galaxies(count: int, side: int, *, seed: int, size: float = 1.0) -> NDArray[np.uint8]:
    """Round red galaxies on a noisy sky: (count, side, side, 3) uint8.

    Their radius is on average ``size`` eighths of the side.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = rng.lognormal(np.log(side / 8 * size), 0.25, (count, 1, 1))
    bright = rng.uniform(90, 200, (count, 1, 1))
    profile = bright * np.exp(-np.hypot(x, y) / radius)
    tint = np.array([1.15, 0.95, 0.75]) * rng.normal(1, 0.05, (count, 1, 1, 3))
    sky = rng.normal(14, 3, (count, side, side, 3)) + rng.normal(0, 3, (count, 1, 1, 1))
    return np.clip(profile[..., None] * tint + sky, 0, 255).astype(np.uint8)
