"""The sky around a galaxy, and defects: neighbours, stars, glare, trails, seams."""

from __future__ import annotations

import cv2
import numpy as np

from galaxyclass.simulation.colours import band_ratios
from galaxyclass.simulation.grid import Grid, Light, falloff
from galaxyclass.simulation.profiles import sersic

#: Side of the challenge's images, in units of the galaxy's radius: 424 pixels of 0.02.
FRAME = 8.48
#: Stars and galaxies a square arcsec down to FAINTEST in r.
STARS, GALAXIES = 2.0e-3, 3.6e-3
FAINTEST = 22.0
#: (g - r, r - i) of stars: of the halo, of the disc, red dwarfs.
STAR_COLOURS = ((0.0, -0.1), (0.4, 0.13), (0.6, 0.22), (1.3, 0.6), (1.45, 1.2))


def neighbours(grid: Grid, radius: float, rng: np.random.Generator) -> Light:
    """Stars and galaxies of the field.

    Parameters
    ----------
    grid : Grid
    radius : float
        Of the galaxy in the middle, arcsec: the unit of the grid.
    rng : numpy.random.Generator

    Returns
    -------
    (height, width, 3) float32
        i, r, g, nanomaggies in a pixel.
    """
    light = np.zeros((*grid.x.shape, 3), np.float32)
    # Drawn over the whole frame, whatever part of it the grid covers: the part has the same sky.
    crowd = (FRAME * radius) ** 2 * rng.gamma(3.0, 1 / 3)
    for is_star, count in (
        (True, rng.poisson(STARS * crowd)),
        (False, rng.poisson(GALAXIES * crowd)),
    ):
        positions = rng.uniform(-FRAME / 2, FRAME / 2, (count, 2))
        brighter = rng.exponential(1.5 if is_star else 0.9, count)
        magnitudes = np.maximum(FAINTEST - brighter, 13.5 if is_star else 16.5)
        kinds = rng.choice(len(STAR_COLOURS), count, p=(0.04, 0.28, 0.26, 0.25, 0.17))
        shapes = rng.uniform([0.4, 0, -0.35], [1.0, 180, 0.35], (count, 3))
        for (x, y), magnitude, kind, (q, angle, redder) in zip(
            positions, magnitudes, kinds, shapes, strict=True
        ):
            if max(abs(x), abs(y)) > grid.half + 0.5 or np.hypot(x, y) < 0.8:
                continue
            flux = np.float32(10 ** (0.4 * (22.5 - magnitude)))
            if is_star:
                _add_point(light, grid, x, y, flux * band_ratios(*STAR_COLOURS[kind]))
            else:
                size = 1.1 * 10 ** (0.12 * (20.5 - magnitude)) / radius
                _stamp(
                    light, grid.around(x, y), (size, q, angle), flux * band_ratios(0.75 + redder)
                )
    return light


def _add_point(light: Light, grid: Grid, x: float, y: float, flux: Light) -> None:
    """Put all of ``flux`` at one point, shared by the four pixels around it."""
    column, row = (x + grid.half) / grid.step - 0.5, (grid.half - y) / grid.step - 0.5
    r0, c0 = int(np.floor(row)), int(np.floor(column))
    for r, along in ((r0, 1 - (row - r0)), (r0 + 1, row - r0)):
        for c, across in ((c0, 1 - (column - c0)), (c0 + 1, column - c0)):
            if 0 <= r < light.shape[0] and 0 <= c < light.shape[1]:
                light[r, c] += flux * np.float32(along * across)


def _stamp(light: Light, around: Grid, shape: tuple[float, float, float], flux: Light) -> None:
    """Put a small exponential galaxy at the origin, computed only where it is visible."""
    radius, q, angle = shape
    reach = 5 * radius + 2 * around.step
    rows = np.flatnonzero(np.abs(around.y[:, 0]) < reach)
    columns = np.flatnonzero(np.abs(around.x[0]) < reach)
    if rows.size and columns.size:
        where = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        visible = sersic(around.part(*where).turned(angle), radius, 1.0, q)
        light[where] += visible[..., None] * (flux * np.float32(around.step**2))


def star(grid: Grid, radius: float, rng: np.random.Generator) -> Light:
    """A bright star in the middle, with halo and diffraction spikes; nanomaggies/arcsec2."""
    scale = np.float32(radius)
    r = np.hypot(grid.x, grid.y) * scale
    cross = grid.turned(float(rng.uniform(0, 90)))
    peak = np.float32(10 ** rng.uniform(1.8, 3.0))
    halo = (1 + (r / np.float32(1.1)) ** 2) ** np.float32(-1.6)
    spikes = np.zeros_like(r)
    for along, across in ((cross.x, cross.y), (cross.y, cross.x)):
        fading = (1 + np.abs(along) * scale / np.float32(2.5)) ** np.float32(-1.9)
        spikes += np.exp(np.abs(across) * scale / np.float32(-0.5)) * fading
    colours = band_ratios(*STAR_COLOURS[rng.integers(3)])
    shown = peak * (halo + np.float32(0.06) * spikes)
    return np.asarray(shown[..., None] * colours, dtype=np.float32)


def glare(grid: Grid, rng: np.random.Generator) -> Light:
    """The glow of a very bright star outside the image, mostly red; nanomaggies/arcsec2."""
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(2.5, 8.0)
    away = grid.around(distance * np.cos(angle), distance * np.sin(angle))
    r = np.hypot(away.x, away.y)
    glow = np.float32(10 ** rng.uniform(-0.2, 0.9)) / (1 + (r / np.float32(2.5)) ** 2)
    bands = np.array([1.0, 0.45, rng.uniform(0.08, 0.3)], np.float32)
    return np.asarray(glow[..., None] * bands, dtype=np.float32)


def trail(grid: Grid, rng: np.random.Generator) -> Light:
    """A satellite's, in one band, as the camera takes them in turn; nanomaggies/arcsec2."""
    across = grid.turned(float(rng.uniform(0, 180))).y
    line = falloff(across - np.float32(rng.uniform(-0.4, 0.4)), 0.06)
    bands = np.full(3, 0.15, np.float32)
    bands[rng.integers(3)] = 1.0
    return np.asarray(np.float32(rng.uniform(1.0, 4.0)) * line[..., None] * bands, dtype=np.float32)


def draw_seam(shown: Light, field: float, rng: np.random.Generator) -> None:
    """Darken a line near the centre of an image, where strips of the mosaic meet."""
    size = shown.shape[0]
    angle, offset = rng.uniform(0, np.pi), rng.normal(0, 0.02) / field
    along = np.array([np.cos(angle), np.sin(angle)])
    middle = size * (np.array([0.5, 0.5]) + offset * np.array([-along[1], along[0]]))
    ends = np.round(np.stack([middle - size * along, middle + size * along]) * 16).astype(np.int32)
    mask = np.zeros(shown.shape[:2], np.uint8)
    cv2.line(mask, ends[0], ends[1], 255, 1, cv2.LINE_AA, 4)
    width = min(1.0, 1.5 * size / (424 * field))
    shown *= 1 - np.float32(0.9 * width / 255) * mask[..., None]
