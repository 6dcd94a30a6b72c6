"""Interactions of a galaxy: companions and tidal tails, lensed arcs, objects in front of it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.simulation.colours import tinted
from galaxyclass.simulation.galaxy import shine
from galaxyclass.simulation.grid import Grid, Light, Plane, falloff
from galaxyclass.simulation.morphology import Morphology
from galaxyclass.simulation.profiles import sersic


def companion(galaxy: Morphology, grid: Grid, rng: np.random.Generator) -> Light:
    """The second galaxy of a merger and the tails of both: light relative to the first galaxy's."""
    direction = rng.uniform(0, 2 * np.pi)
    distance = rng.uniform(0.6, 1.4)
    share = 0.35 + 0.5 * galaxy.oddness * rng.uniform(0.5, 1.0)
    size = 0.6 + 0.3 * share
    centre = distance * np.array([np.cos(direction), np.sin(direction)])
    other = replace(
        galaxy,
        position_angle=float(rng.uniform(0, 180)),
        handedness=-galaxy.handedness,
        axis_ratio=float(np.clip(galaxy.axis_ratio * rng.uniform(0.6, 1.4), 0.3, 1.0)),
        inclination=min(galaxy.inclination, 70.0),
        colour=galaxy.colour + float(rng.normal(0, 0.08)),
    )
    light = np.float32(share / size**2) * shine(other, grid.around(centre[0], centre[1], size), rng)
    start = np.degrees(direction)
    for origin, angle in ((np.zeros(2), start + 180), (centre, start)):
        light += np.float32(0.14 * galaxy.oddness) * _tail(
            grid, origin, angle, galaxy.handedness, rng
        )
    bridge = _strand(grid, np.linspace(np.zeros(2), centre, 8), 0.15)
    return light + tinted(np.float32(0.06) * bridge, 0.5)


def plume(galaxy: Morphology, grid: Grid, rng: np.random.Generator) -> Light:
    """The tail of a disturbed galaxy whose companion is gone."""
    turn = galaxy.handedness
    tail = _tail(grid, np.zeros(2), float(rng.uniform(0, 360)), turn, rng)
    return np.float32(0.22 * galaxy.oddness) * tail


def _tail(
    grid: Grid, origin: NDArray[np.float64], start: float, turn: int, rng: np.random.Generator
) -> Light:
    steps = np.linspace(0, 1, 32)
    heading = np.radians(start + turn * rng.uniform(40, 130) * steps)
    radius = 0.4 + rng.uniform(0.7, 1.7) * steps
    points = origin + radius[:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    return tinted(_strand(grid, points, float(rng.uniform(0.08, 0.15))), 0.40)


def _strand(grid: Grid, points: NDArray[np.float64], width: float) -> Plane:
    """A blurred line through ``points`` (n, 2), fading to its end, of total light near 1."""
    canvas = np.zeros_like(grid.x)
    pixels = (points - [grid.x[0, 0], grid.y[0, 0]]) / [grid.step, -grid.step]
    fixed = np.round(pixels * 16).astype(np.int32)
    for index in range(len(points) - 1):
        light = float(np.cos(np.pi / 2 * index / len(points)))
        cv2.line(canvas, fixed[index], fixed[index + 1], light, 1, cv2.LINE_8, 4)
    sigma = max(width / grid.step, 0.5)
    blurred = cv2.GaussianBlur(canvas, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    length = float(np.hypot(*np.diff(points, axis=0).T).sum())
    return np.asarray(blurred / np.float32(0.64 * length * grid.step), dtype=np.float32)


def arc(galaxy: Morphology, grid: Grid, rng: np.random.Generator) -> Light:
    """Images of a blue galaxy behind, bent by gravity: an arc and its smaller counterpart."""
    radius, middle = rng.uniform(0.75, 1.1), rng.uniform(0, 2 * np.pi)
    r, angle = np.hypot(grid.x, grid.y), np.arctan2(grid.y, grid.x)
    across = falloff(r - np.float32(radius), 0.05)
    light = np.zeros_like(r)
    for turn, length, share in ((0.0, rng.uniform(0.4, 0.8), 1.0), (np.pi, 0.2, 0.4)):
        off = (angle - np.float32(middle + turn) + np.float32(np.pi)) % np.float32(2 * np.pi)
        light += np.float32(share) * across * falloff(off - np.float32(np.pi), length)
    return tinted(np.float32(0.10 + 0.16 * galaxy.oddness) * light, 0.0)


def curiosity(galaxy: Morphology, grid: Grid, rng: np.random.Generator) -> Light:
    """Another odd feature: a chain of small galaxies, or stars, in front of the galaxy."""
    light = np.zeros((*grid.x.shape, 3), np.float32)
    direction = rng.uniform(0, 2 * np.pi)
    reds = rng.random() < 0.6
    for index in range(int(rng.integers(1, 4))):
        distance = rng.uniform(0.3, 0.55) + 0.4 * index
        angle = direction + rng.normal(0, 0.4) + np.pi * (index % 2)
        around = grid.around(distance * np.cos(angle), distance * np.sin(angle))
        share = galaxy.oddness * rng.uniform(0.1, 0.3)
        blob = sersic(around, float(rng.uniform(0.07, 0.15)), 1.0, 0.85)
        g_r = rng.normal(0.85, 0.12) if reds else rng.choice([0.0, 1.5])
        light += tinted(np.float32(share) * blob, float(g_r))
    return light
