"""What else is on the picture: companions and tidal tails, arcs, neighbours, stars, faults."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.simulation.galaxy import colour, shine
from galaxyclass.simulation.morphology import Morphology
from galaxyclass.simulation.profiles import Plane, rotate, sersic

Light = NDArray[np.float32]


def companion(
    galaxy: Morphology, x: Plane, y: Plane, soft: float, rng: np.random.Generator
) -> Light:
    """The second galaxy of a merger, with a tidal tail from each: light relative to the first."""
    angle = rng.uniform(0, 360)
    distance = rng.uniform(0.75, 1.5)
    share = 0.35 + 0.6 * galaxy.oddness * rng.uniform(0.5, 1.0)
    size = 0.6 + 0.3 * share
    across, along = distance * np.sin(np.radians(angle)), distance * np.cos(np.radians(angle))
    other = replace(
        galaxy,
        position_angle=float(rng.uniform(0, 180)),
        handedness=-galaxy.handedness,
        odd="none",
        axis_ratio=float(np.clip(galaxy.axis_ratio * rng.uniform(0.6, 1.4), 0.3, 1.0)),
        inclination=min(galaxy.inclination, 70.0),
    )
    light = np.float32(share / size**2) * shine(
        other,
        (x - np.float32(along)) / np.float32(size),
        (y - np.float32(across)) / np.float32(size),
        soft,
        rng,
    )
    reach = rng.uniform(1.0, 2.2, 2)
    for side, (cx, cy, start) in enumerate([(0.0, 0.0, angle + 180), (along, across, angle)]):
        tail = _tail(x, y, (cx, cy), start, float(reach[side]), galaxy.handedness, rng)
        light += np.float32(0.10 + 0.12 * galaxy.oddness) * tail[..., None] * colour(0.42)
    bridge = _strand(x, y, np.array([[0.0, 0.0], [along / 2, across / 2], [along, across]]), 0.16)
    return light + np.float32(0.05) * bridge[..., None] * colour(0.5)


def _tail(
    x: Plane,
    y: Plane,
    origin: tuple[float, float],
    start: float,
    reach: float,
    turn: int,
    rng: np.random.Generator,
) -> Plane:
    steps = np.linspace(0, 1, 24)
    curl = turn * rng.uniform(40, 130)
    heading = np.radians(start + curl * steps)
    radius = 0.35 + reach * steps
    points = np.stack(
        [origin[0] + radius * np.cos(heading), origin[1] + radius * np.sin(heading)], axis=1
    )
    return _strand(x, y, points, float(rng.uniform(0.10, 0.18)))


def _strand(x: Plane, y: Plane, points: NDArray[np.float64], width: float) -> Plane:
    """A blurred line through ``points``, fading to its end, of total light near 1."""
    pixel = float(x[0, 1] - x[0, 0])
    canvas = np.zeros_like(x)
    columns = (points[:, 0] - float(x[0, 0])) / pixel
    rows = (float(y[0, 0]) - points[:, 1]) / pixel
    if not (np.abs(columns).max() < 1e4 and np.abs(rows).max() < 1e4):
        return canvas
    fixed = np.round(np.stack([columns, rows], axis=1) * 16).astype(np.int32)
    for index in range(len(points) - 1):
        value = float(1 - index / len(points))
        cv2.line(canvas, fixed[index], fixed[index + 1], value, 1, cv2.LINE_8, 4)
    canvas = cv2.GaussianBlur(canvas, (0, 0), max(width / pixel, 0.5))
    length = np.hypot(*np.diff(points, axis=0).T).sum()
    return np.asarray(canvas / np.float32(0.5 * length * pixel), dtype=np.float32)


def arc(galaxy: Morphology, x: Plane, y: Plane, rng: np.random.Generator) -> Light:
    """Gravitationally lensed images of a blue galaxy behind: an arc and its counter-image."""
    radius, middle = rng.uniform(0.7, 1.0), rng.uniform(0, 2 * np.pi)
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    light = np.zeros_like(x)
    for turn, length, bright in ((0.0, rng.uniform(0.45, 0.9), 1.0), (np.pi, 0.22, 0.45)):
        off = (angle - np.float32(middle + turn) + np.pi) % (2 * np.pi) - np.pi
        light += np.float32(bright) * np.exp(
            -0.5 * ((r - np.float32(radius)) / np.float32(0.055)) ** 2
            - 0.5 * (off / np.float32(length)) ** 2
        )
    return np.float32(0.14 + 0.22 * galaxy.oddness) * light[..., None] * colour(0.05)


def curiosity(
    galaxy: Morphology, x: Plane, y: Plane, soft: float, rng: np.random.Generator
) -> Light:
    """Something else that is odd: objects of other colours, in a line or on top of the galaxy."""
    light = np.zeros((*x.shape, 3), np.float32)
    direction = rng.uniform(0, 2 * np.pi)
    reds = rng.random() < 0.6
    for index in range(int(rng.integers(1, 4))):
        distance = rng.uniform(0.35, 0.6) + 0.45 * index
        angle = direction + rng.normal(0, 0.5) + np.pi * (index % 2)
        cx, cy = distance * np.cos(angle), distance * np.sin(angle)
        share = galaxy.oddness * rng.uniform(0.08, 0.3)
        blob = sersic(
            x - np.float32(cx),
            y - np.float32(cy),
            float(rng.uniform(0.08, 0.16)),
            1.0,
            0.85,
            soft=soft,
        )
        g_r = rng.normal(0.85, 0.15) if reds else rng.choice([0.0, 1.3])
        light += np.float32(share) * blob[..., None] * colour(float(g_r))
    return light


def neighbours(x: Plane, y: Plane, scale: float, rng: np.random.Generator) -> Light:
    """Field galaxies and stars, nanomaggies a pixel; ``scale`` is arcsec per unit of x."""
    light = np.zeros((*x.shape, 3), np.float32)
    height, width = x.shape
    pixel = float(x[0, 1] - x[0, 0])
    half = float(width * pixel / 2)
    # Counts over the whole frame of the challenge, so that a part of it shows the same sky.
    frame = 8.48 * scale
    for kind, density in (("star", 1.1e-3), ("galaxy", 2.2e-3)):
        for _ in range(rng.poisson(density * frame**2 * rng.gamma(3.0, 1 / 3.0))):
            px, py = rng.uniform(-4.24, 4.24, 2)
            bright = rng.exponential(1.25)
            g_r = rng.choice([0.35, 0.5, 1.35]) if kind == "star" else rng.normal(0.75, 0.3)
            size, q, angle = (
                rng.lognormal(np.log(1.0), 0.35),
                rng.uniform(0.4, 1),
                rng.uniform(0, 180),
            )
            if max(abs(px), abs(py)) > half or np.hypot(px, py) < 0.8:
                continue
            magnitude = max(21.8 - bright, 14.5)
            flux = colour(float(g_r)) * np.float32(10 ** (0.4 * (22.5 - magnitude)))
            column, row = (px + half) / pixel - 0.5, (half - py) / pixel - 0.5
            if kind == "star":
                _drop(light, row, column, flux)
            else:
                _stamp(light, x, y, (px, py), (row, column), flux, size / scale, q, angle)
    return light


def _drop(light: Light, row: float, column: float, flux: NDArray[np.float32]) -> None:
    """All of ``flux`` at a fractional position, shared by the four pixels around it."""
    r0, c0 = int(np.floor(row)), int(np.floor(column))
    for r, wr in ((r0, 1 - (row - r0)), (r0 + 1, row - r0)):
        for c, wc in ((c0, 1 - (column - c0)), (c0 + 1, column - c0)):
            if 0 <= r < light.shape[0] and 0 <= c < light.shape[1]:
                light[r, c] += flux * np.float32(wr * wc)


def _stamp(
    light: Light,
    x: Plane,
    y: Plane,
    place: tuple[float, float],
    pixel_place: tuple[float, float],
    flux: NDArray[np.float32],
    radius: float,
    q: float,
    angle: float,
) -> None:
    """A small exponential galaxy, computed only where it is seen."""
    pixel = float(x[0, 1] - x[0, 0])
    reach = int(np.ceil(5 * radius / pixel)) + 2
    r0, c0 = int(pixel_place[0]), int(pixel_place[1])
    rows = slice(max(r0 - reach, 0), r0 + reach + 1)
    columns = slice(max(c0 - reach, 0), c0 + reach + 1)
    u, v = rotate(
        x[rows, columns] - np.float32(place[0]), y[rows, columns] - np.float32(place[1]), angle
    )
    if u.size:
        shape = sersic(u, v, radius, 1.0, q, soft=0.5 * pixel)
        light[rows, columns] += shape[..., None] * (flux * np.float32(pixel**2))


def star(galaxy: Morphology, x: Plane, y: Plane, scale: float, rng: np.random.Generator) -> Light:
    """A saturated star where a galaxy should be: halo and diffraction spikes, nanomaggies/arcsec2."""
    r = np.hypot(x, y) * np.float32(scale)
    u, v = rotate(x, y, float(rng.uniform(0, 90)))
    peak = 10 ** rng.uniform(2.3, 3.2)
    halo = np.float32(peak) / (1 + (r / np.float32(1.1)) ** 2) ** 1.75
    spikes = np.zeros_like(r)
    for along, across in ((u, v), (v, u)):
        spikes += np.exp(-np.abs(across) * np.float32(scale / 0.5)) / (
            1 + np.abs(along) * np.float32(scale / 1.5)
        ) ** np.float32(1.8)
    return (halo + np.float32(0.05 * peak) * spikes)[..., None] * colour(
        float(rng.choice([-0.1, 0.4, 1.0]))
    )


def glare(x: Plane, y: Plane, rng: np.random.Generator) -> Light:
    """The glow of a very bright star outside the picture, nanomaggies/arcsec2 (mostly red)."""
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(2.5, 7.0)
    r = np.hypot(x - np.float32(distance * np.cos(angle)), y - np.float32(distance * np.sin(angle)))
    glow = np.float32(10 ** rng.uniform(-0.3, 1.0)) / (1 + (r / 2.2) ** 2)
    return glow[..., None] * np.array([1.0, 0.45, rng.uniform(0.08, 0.3)], np.float32)


def trail(x: Plane, y: Plane, rng: np.random.Generator) -> Light:
    """The trail of a satellite: seen in one band, as the camera sees the bands one by one."""
    _, across = rotate(x, y, float(rng.uniform(0, 180)))
    line = np.exp(-0.5 * ((across - np.float32(rng.uniform(-0.4, 0.4))) / np.float32(0.06)) ** 2)
    bands = np.full(3, 0.05, np.float32)
    bands[rng.integers(3)] = 1.0
    return np.float32(rng.uniform(2.0, 6.0)) * line[..., None] * bands
