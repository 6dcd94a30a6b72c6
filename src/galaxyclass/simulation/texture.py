"""Randomness with a shape: patches along spiral arms, and bent coordinates."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.simulation.profiles import Plane

SIDE = 128


def draw_texture(rng: np.random.Generator, smooth: float) -> NDArray[np.float32]:
    """Periodic noise ``(SIDE, SIDE)`` float32 of mean 0 and deviation 1, ``smooth`` cells wide."""
    noise = rng.standard_normal((SIDE, SIDE), dtype=np.float32)
    margin = int(4 * smooth) + 1
    wrapped = np.pad(noise, margin, mode="wrap")
    texture = cv2.GaussianBlur(wrapped, (0, 0), smooth)[margin:-margin, margin:-margin]
    return np.asarray((texture - texture.mean()) / texture.std(), dtype=np.float32)


def look_up(texture: NDArray[np.float32], rows: Plane, columns: Plane) -> Plane:
    """The texture at fractional, periodic positions, in periods."""
    side = np.float32(SIDE)
    return np.asarray(
        cv2.remap(
            np.pad(texture, ((0, 1), (0, 1)), mode="wrap"),
            (columns - np.floor(columns)) * side,
            (rows - np.floor(rows)) * side,
            cv2.INTER_LINEAR,
        ),
        dtype=np.float32,
    )


def bend(x: Plane, y: Plane, amount: float, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Coordinates pushed about by a few long waves, as tides do."""
    dx, dy = np.zeros_like(x), np.zeros_like(y)
    for _ in range(3):
        kx, ky = rng.normal(0.0, 1.6, 2)
        wave = np.sin(np.float32(kx) * x + np.float32(ky) * y + np.float32(rng.uniform(0, 6.28)))
        dx += np.float32(rng.normal(0.0, amount)) * wave
        dy += np.float32(rng.normal(0.0, amount)) * wave
    return x + dx, y + dy
