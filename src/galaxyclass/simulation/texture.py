"""Random textures, for patches along spiral arms, and randomly bent coordinates."""

from __future__ import annotations

import cv2
import numpy as np

from galaxyclass.simulation.grid import Grid, Plane

SIDE = 128


def draw_texture(rng: np.random.Generator, smooth: float) -> Plane:
    """Periodic noise ``(SIDE, SIDE)`` float32 of mean 0 and deviation 1, ``smooth`` cells wide."""
    noise = rng.standard_normal((SIDE, SIDE), dtype=np.float32)
    margin = int(4 * smooth) + 1
    wrapped = np.pad(noise, margin, mode="wrap")
    texture = cv2.GaussianBlur(wrapped, (0, 0), smooth)[margin:-margin, margin:-margin]
    return np.asarray((texture - texture.mean()) / texture.std(), dtype=np.float32)


def look_up(texture: Plane, rows: Plane, columns: Plane) -> Plane:
    """The texture at fractional positions, in periods."""
    side = np.float32(SIDE)
    wrapped = np.pad(texture, ((0, 1), (0, 1)), mode="wrap")
    values = cv2.remap(
        wrapped,
        (columns - np.floor(columns)) * side,
        (rows - np.floor(rows)) * side,
        cv2.INTER_LINEAR,
    )
    return np.asarray(values, dtype=np.float32)


def bend(grid: Grid, amount: float, rng: np.random.Generator) -> Grid:
    """Coordinates distorted by a few long waves, as tides would."""
    dx, dy = np.zeros_like(grid.x), np.zeros_like(grid.y)
    for _ in range(3):
        kx, ky = rng.normal(0.0, 1.6, 2)
        wave = np.sin(
            np.float32(kx) * grid.x
            + np.float32(ky) * grid.y
            + np.float32(rng.uniform(0, 2 * np.pi))
        )
        dx += np.float32(rng.normal(0.0, amount)) * wave
        dy += np.float32(rng.normal(0.0, amount)) * wave
    return Grid(grid.x + dx, grid.y + dy, grid.step)
