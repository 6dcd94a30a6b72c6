"""The light of a galaxy: old (red) and young (blue) stars, and the dust before them."""

from __future__ import annotations

import numpy as np

from galaxyclass.simulation import profiles
from galaxyclass.simulation.colours import OLD, YOUNG, tinted
from galaxyclass.simulation.grid import Grid, Light, Plane, falloff
from galaxyclass.simulation.morphology import Morphology
from galaxyclass.simulation.texture import bend, draw_texture, look_up

#: Scale length of discs, in units of the galaxy's radius.
SCALE = 0.56


def shine(galaxy: Morphology, grid: Grid, rng: np.random.Generator) -> Light:
    """Light of a galaxy, without neighbours and sky.

    Parameters
    ----------
    galaxy : Morphology
    grid : Grid
        In units of the galaxy's radius, from its centre.
    rng : numpy.random.Generator

    Returns
    -------
    (height, width, 3) float32
        i, r, g per unit area; the r light of the whole plane is about 1.
    """
    if galaxy.odd in ("disturbed", "merger"):
        grid = bend(grid, 0.14 * galaxy.oddness, rng)
    grid = grid.turned(galaxy.position_angle)
    if galaxy.kind == "irregular":
        return _irregular(galaxy, grid, rng)
    if galaxy.kind == "elliptical":
        light = profiles.sersic(grid, galaxy.bulge_radius, galaxy.bulge_index, galaxy.axis_ratio)
        shown = tinted(light, galaxy.colour)
        if galaxy.odd == "dust_lane":
            shown *= _lane(grid, 0.03, 0.07, 0.8 + 1.4 * galaxy.oddness)
        return shown
    if galaxy.edge_on:
        return _from_the_side(galaxy, grid, rng)
    return _tilted(galaxy, grid, rng)


def start_of_arms(galaxy: Morphology) -> float:
    """Direction of the bar and of the start of the arms, in the disc's plane, degrees."""
    return float(galaxy.seed % 180)


def _tilted(galaxy: Morphology, grid: Grid, rng: np.random.Generator) -> Light:
    q = galaxy.axis_ratio
    plane = Grid(grid.x, grid.y / np.float32(q), grid.step)
    r = np.sqrt(plane.x**2 + plane.y**2 + np.float32((0.5 * grid.step) ** 2))
    end = _end(r)
    smooth = profiles.disc(r, SCALE, q) * end
    young = np.zeros_like(smooth)
    if galaxy.odd == "ring":
        radius = float(rng.uniform(0.95, 1.3))
        strength = 0.12 + 0.20 * galaxy.oddness
        ring = profiles.annulus(r, radius, 0.15 * radius, q)
        gap = 0.45 * galaxy.oddness * falloff(r - np.float32(0.6 * radius), 0.18 * radius)
        smooth = (1 - strength) * smooth * (1 - gap) + 0.7 * strength * ring
        knots = look_up(
            draw_texture(rng, 3.0), plane.x * np.float32(0.3), plane.y * np.float32(0.3)
        )
        young = 0.3 * strength * ring * np.exp(np.float32(0.5) * knots)
    if galaxy.arms or galaxy.flocculence:
        pattern, dust = _pattern(galaxy, plane, r, rng)
        young = (young + 0.75 * smooth * np.maximum(pattern, 0)) * dust
        # Old stars follow the arms too, but less; between the arms both are missing.
        smooth = smooth * dust * (1 + 0.4 * np.maximum(pattern, 0) + 0.7 * np.minimum(pattern, 0))
    share = np.float32(1 - galaxy.bulge_fraction - galaxy.bar)
    light = tinted(share * smooth, galaxy.colour) + tinted(share * young, YOUNG)
    light += tinted(_bulge(galaxy, grid), OLD)
    if galaxy.bar:
        along = profiles.bar(plane.turned(start_of_arms(galaxy)), galaxy.bar_length)
        light += tinted(along * np.float32(galaxy.bar / q), OLD - 0.08)
    if galaxy.odd == "dust_lane":
        light *= _lane(grid, 0.10 * q, 0.06 + 0.04 * q, 1.2 + 1.2 * galaxy.oddness)
    return light


def _end(r: Plane) -> Plane:
    """Fraction of a disc's light that is left at ``r``; it falls steeply past 4 scale lengths."""
    steps = np.minimum((r - np.float32(4.2 * SCALE)) / np.float32(0.11), 30)
    return np.asarray(1 / (1 + np.exp(steps)), dtype=np.float32)


def _bulge(galaxy: Morphology, grid: Grid) -> Plane:
    if not galaxy.bulge_fraction:
        return np.zeros_like(grid.x)
    # A flattened spheroid, rounder than its disc.
    tilt = np.radians(galaxy.inclination)
    q = float(np.hypot(0.72 * np.sin(tilt), np.cos(tilt)))
    light = profiles.sersic(grid, galaxy.bulge_radius, galaxy.bulge_index, q)
    return np.asarray(light * np.float32(galaxy.bulge_fraction), dtype=np.float32)


def _pattern(
    galaxy: Morphology, plane: Grid, r: Plane, rng: np.random.Generator
) -> tuple[Plane, Plane]:
    """Excess of light in arms over the disc's (-1 is darkness), and the dust's transmission."""
    turn = np.float32(2 * np.pi)
    start = galaxy.bar_length if galaxy.bar else 0.15
    angle = np.arctan2(plane.y, plane.x) * np.float32(galaxy.handedness)
    log_r = np.log(r / np.float32(start))
    wound = angle - log_r / np.float32(np.tan(np.radians(galaxy.pitch or 20.0)))
    # Patches are stretched along the arms: the texture's columns are wound as the arms are.
    patches = look_up(draw_texture(rng, 2.5), log_r * np.float32(0.5), wound / turn)
    inside = 1 / (1 + np.exp(log_r * np.float32(-7.0)))
    clumps = np.exp(np.float32(0.6) * patches) / np.float32(np.exp(0.18)) - 1
    if not galaxy.arms:
        pattern = np.float32(galaxy.flocculence) * inside * clumps
        return np.asarray(np.maximum(pattern, -0.9), dtype=np.float32), np.ones_like(r)
    waver = look_up(draw_texture(rng, 12.0), log_r * np.float32(0.3), angle / turn)
    first = np.float32(np.radians(start_of_arms(galaxy)) * galaxy.handedness)
    phase = np.float32(galaxy.arms) * (wound - first) + np.float32(0.35) * waver
    sharp = 1.6 if galaxy.arms <= 2 else 1.2
    # One side is stronger than the other in most galaxies.
    lopsided = 1 + np.float32(rng.uniform(0, 0.3)) * np.cos(
        angle - np.float32(rng.uniform(0, 6.28))
    )
    grand = profiles.arms(phase, sharp) * lopsided * np.exp(np.float32(0.3) * patches) - 1
    flocculence = np.float32(galaxy.flocculence)
    fade = np.exp(-((r / np.float32(2.0)) ** 4))
    strength = np.float32(1.15 * galaxy.arm_contrast) * inside * fade
    pattern = strength * ((1 - flocculence) * grand + flocculence * np.float32(1.2) * clumps)
    # Dust lies on the inner side of the arms.
    lane = profiles.arms(phase + np.float32(0.9), 2 * sharp)
    dust = np.exp(np.float32(-0.10) * strength * (1 - flocculence) * lane)
    return np.asarray(np.maximum(pattern, -0.85), dtype=np.float32), dust


def _from_the_side(galaxy: Morphology, grid: Grid, rng: np.random.Generator) -> Light:
    height = SCALE * galaxy.axis_ratio
    warp = np.float32(0.03 * rng.normal()) * grid.x * np.abs(grid.x)
    disc = Grid(grid.x, grid.y - warp, grid.step)
    thin = profiles.disc_from_the_side(disc, SCALE, height)
    thin *= _end(np.abs(grid.x))
    share = galaxy.bulge_fraction
    if galaxy.bulge_shape == "boxy":
        bulge = profiles.boxy(grid, 1.5 * galaxy.bulge_radius, 0.66)
    elif galaxy.bulge_shape == "rounded":
        bulge = profiles.sersic(grid, galaxy.bulge_radius, min(galaxy.bulge_index, 2.0), 0.8)
    else:
        bulge = np.zeros_like(grid.x)
    scale = np.float32(0.3)
    patches = look_up(draw_texture(rng, 3.0), disc.x * scale, disc.y * scale)
    young = thin * np.maximum(0.0, np.float32(0.25) + np.float32(0.3) * patches)
    light = tinted(np.float32(1 - share) * thin, galaxy.colour + 0.20)
    light += tinted(np.float32(0.6 * (1 - share)) * young, YOUNG)
    light += tinted(np.float32(share) * bulge, OLD)
    if galaxy.odd == "dust_lane":
        light *= _lane(disc, 0.0, 0.3 * height + 0.035, 1.2 + 2.2 * galaxy.oddness)
    elif galaxy.colour > 0.45:
        light *= _lane(disc, 0.15 * height, 0.5 * height, 0.35)
    return light


def _lane(grid: Grid, offset: float, width: float, depth: float) -> Light:
    """Transmission of a lane of dust along x in i, r, g: blue light is absorbed most."""
    thick = falloff(grid.y - np.float32(offset), width) * np.exp(-(grid.x**4))
    extinction = np.array([0.65, 0.85, 1.2], np.float32) * np.float32(-depth)
    return np.asarray(np.exp(thick[..., None] * extinction), dtype=np.float32)


def _irregular(galaxy: Morphology, grid: Grid, rng: np.random.Generator) -> Light:
    q = galaxy.axis_ratio
    grid = bend(grid, 0.12 + 0.1 * galaxy.oddness, rng)
    scale = np.float32(0.25)
    patches = look_up(draw_texture(rng, 5.0), grid.x * scale, grid.y * scale)
    body = profiles.sersic(grid, 0.85, 0.8, q) * np.exp(np.float32(0.4 * galaxy.oddness) * patches)
    light = tinted(np.float32(0.75) * body, galaxy.colour)
    knots = np.zeros_like(body)
    count = int(rng.integers(4, 10))
    for share in rng.dirichlet([1.0] * count):
        knot = grid.around(rng.normal(0, 0.5), rng.normal(0, 0.5 * q))
        width = rng.uniform(0.05, 0.18)
        peak = np.float32(0.3 * share / (2 * np.pi * width**2))
        knots += peak * falloff(np.hypot(knot.x, knot.y), width)
    return light + tinted(knots, YOUNG - 0.1)
