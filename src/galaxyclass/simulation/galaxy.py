"""The light of one galaxy: its morphology on a plane, as two populations of stars.

Every function gives light per unit area, relative to the galaxy's total, of the old (red) and the
young (blue) stars apart, so that bulges are red and arms are blue.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galaxyclass.simulation import profiles
from galaxyclass.simulation.morphology import Morphology
from galaxyclass.simulation.profiles import Plane
from galaxyclass.simulation.texture import bend, draw_texture, look_up

#: g - r of bulges and bars, and of young stars.
OLD, YOUNG = 0.80, 0.12


def shine(
    galaxy: Morphology, x: Plane, y: Plane, soft: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """i, r, g light of a galaxy.

    Parameters
    ----------
    galaxy : Morphology
    x, y : (height, width) float32
        Right and up from its centre, in units of its radius.
    soft : float
        Length below which nothing is sharp (half a pixel).
    rng : numpy.random.Generator

    Returns
    -------
    (height, width, 3) float32
        Light per unit area; the r light of the whole plane is about 1.
    """
    if galaxy.odd == "disturbed":
        x, y = bend(x, y, 0.16 * galaxy.oddness, rng)
    x, y = profiles.rotate(x, y, galaxy.position_angle)
    if galaxy.kind == "irregular":
        return _irregular(galaxy, x, y, rng)
    if galaxy.kind == "elliptical":
        light = profiles.sersic(
            x, y, galaxy.bulge_radius, galaxy.bulge_index, galaxy.axis_ratio, soft=soft
        )
        return light[..., None] * colour(galaxy.colour)
    if galaxy.edge_on:
        return _from_the_side(galaxy, x, y, soft, rng)
    return _tilted(galaxy, x, y, soft, rng)


def colour(g_r: float) -> NDArray[np.float32]:
    """Light in i, r, g of stars with that g - r, relative to r (a line through the SDSS locus)."""
    r_i = 0.48 * g_r + 0.02
    return np.array([10 ** (0.4 * r_i), 1.0, 10 ** (-0.4 * g_r)], np.float32)


def _tilted(
    galaxy: Morphology, x: Plane, y: Plane, soft: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    q = galaxy.axis_ratio
    u, v = x, y / np.float32(q)
    r = np.sqrt(u * u + v * v + np.float32(soft**2))
    scale = 0.34
    smooth = profiles.disc(r, scale, q)
    young = np.zeros_like(smooth)
    share = 1 - galaxy.bulge_fraction - galaxy.bar
    if galaxy.odd == "ring":
        # A gap inside the ring, and the light that it lacks in the ring.
        radius = float(rng.uniform(0.7, 1.05))
        width = 0.11 * radius
        strength = 0.30 + 0.35 * galaxy.oddness
        smooth = smooth * (1 - 0.5 * galaxy.oddness * _bump(r, 0.62 * radius, 0.2 * radius))
        ring = profiles.annulus(r, radius, width, q)
        smooth = (1 - strength) * smooth + 0.6 * strength * ring
        young = 0.4 * strength * ring
    if galaxy.arms or galaxy.flocculence:
        pattern, dust = _pattern(galaxy, u, v, r, rng)
        excess = smooth * pattern
        smooth = smooth * (1 + 0.35 * np.minimum(pattern, 0)) * dust
        young = young + np.maximum(excess, 0) * dust
        smooth = np.maximum(smooth + 0.65 * np.minimum(excess, 0), 0.05 * smooth)
    old = _bulge(galaxy, x, y, soft)
    if galaxy.bar:
        # The bar lies along the disc's own axes, at an angle drawn with the arms' beginning.
        bx, by = profiles.rotate(u, v, bar_angle(galaxy))
        old = old + galaxy.bar * profiles.bar(bx, by, galaxy.bar_length) / np.float32(q)
    light = old[..., None] * colour(OLD) + share * smooth[..., None] * colour(galaxy.colour)
    light += share * young[..., None] * colour(YOUNG)
    if galaxy.odd == "dust_lane":
        light *= _lane(y, 0.10 * q, 0.05 + 0.04 * q, 1.0 + galaxy.oddness, x)
    return light


def bar_angle(galaxy: Morphology) -> float:
    """Direction of a bar (and of the beginning of arms) in the disc's plane, degrees."""
    return float(galaxy.seed % 180)


def _bulge(galaxy: Morphology, x: Plane, y: Plane, soft: float) -> Plane:
    if not galaxy.bulge_fraction:
        return np.zeros_like(x)
    # A bulge is a flattened spheroid: rounder than its disc.
    flat = np.sqrt(
        0.75**2 * np.sin(np.radians(galaxy.inclination)) ** 2
        + np.cos(np.radians(galaxy.inclination)) ** 2
    )
    bulge = profiles.sersic(x, y, galaxy.bulge_radius, galaxy.bulge_index, float(flat), soft=soft)
    return np.float32(galaxy.bulge_fraction) * bulge


def _bump(r: Plane, centre: float, width: float) -> Plane:
    return np.exp(-0.5 * ((r - np.float32(centre)) / np.float32(width)) ** 2)


def _pattern(
    galaxy: Morphology, u: Plane, v: Plane, r: Plane, rng: np.random.Generator
) -> tuple[Plane, Plane]:
    """Excess of light in spiral arms relative to the disc (mean near 0), and what dust lets by."""
    start = galaxy.bar_length if galaxy.bar else 0.16
    angle = np.arctan2(v, u) * np.float32(galaxy.handedness)
    log_r = np.log(r / np.float32(start))
    wound = angle - log_r / np.float32(np.tan(np.radians(galaxy.pitch or 20.0)))
    patches = look_up(
        draw_texture(rng, 2.5), log_r * np.float32(0.55), wound / np.float32(2 * np.pi)
    )
    inside = 1 / (1 + np.exp(-(log_r) * np.float32(7.0)))
    clumps = np.exp(np.float32(0.55) * patches) - np.float32(1.16)
    if not galaxy.arms:
        return np.float32(galaxy.flocculence) * inside * clumps, np.ones_like(r)
    first = np.radians(bar_angle(galaxy)) * galaxy.handedness
    waver = look_up(draw_texture(rng, 12.0), log_r * np.float32(0.3), angle / np.float32(2 * np.pi))
    phase = np.float32(galaxy.arms) * (wound - np.float32(first)) + np.float32(0.35) * waver
    sharp = 2.2 if galaxy.arms <= 2 else 1.5
    grand = profiles.arms(phase, sharp) - 1
    grand *= 1 + np.float32(0.45) * patches
    floc = np.float32(galaxy.flocculence)
    fade = np.exp(-((r / np.float32(1.7)) ** 4))
    strength = np.float32(1.5 * galaxy.arm_contrast) * inside * fade
    pattern = strength * ((1 - floc) * grand + floc * np.float32(1.3) * clumps)
    # Dust lies on the inner side of the arms.
    lane = profiles.arms(phase + np.float32(0.9), 2 * sharp)
    dust = np.exp(np.float32(-0.12) * strength * (1 - floc) * lane)
    return np.maximum(pattern, -0.9), dust


def _from_the_side(
    galaxy: Morphology, x: Plane, y: Plane, soft: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    height = 0.34 * galaxy.axis_ratio
    warp = np.float32(0.03 * rng.normal()) * x * np.abs(x)
    z = y - warp
    thin = profiles.disc_from_the_side(x, z, 0.34, height)
    bulge = np.zeros_like(x)
    if galaxy.bulge_shape == "rounded":
        bulge = profiles.sersic(x, y, galaxy.bulge_radius, 1.6, 0.8, soft=soft)
    elif galaxy.bulge_shape == "boxy":
        bulge = profiles.boxy(x, y, 1.5 * galaxy.bulge_radius, 0.6)
    share = galaxy.bulge_fraction
    patches = look_up(draw_texture(rng, 3.0), x * np.float32(0.3), z * np.float32(0.3))
    young = thin * np.maximum(0.0, np.float32(0.25) + np.float32(0.3) * patches)
    light = (1 - share) * thin[..., None] * colour(galaxy.colour + 0.08)
    light += share * bulge[..., None] * colour(OLD)
    light += np.float32(0.6 * (1 - share)) * young[..., None] * colour(YOUNG)
    if galaxy.odd == "dust_lane":
        light *= _lane(z, 0.0, 0.35 * height + 0.02, 1.6 * galaxy.oddness + 0.6, x)
    elif galaxy.colour > 0.45:
        light *= _lane(z, 0.15 * height, 0.5 * height, 0.35, x)
    return light


def _lane(y: Plane, offset: float, width: float, depth: float, x: Plane) -> NDArray[np.float32]:
    """What a lane of dust lets by in i, r, g: blue light suffers most."""
    tau = np.float32(depth) * _bump(y, offset, width) * np.exp(-((x / np.float32(1.0)) ** 4))
    return np.exp(-tau[..., None] * np.array([0.65, 0.85, 1.2], np.float32))


def _irregular(
    galaxy: Morphology, x: Plane, y: Plane, rng: np.random.Generator
) -> NDArray[np.float32]:
    q = galaxy.axis_ratio
    x, y = bend(x, y, 0.12 + 0.1 * galaxy.oddness, rng)
    r = np.sqrt(x * x + (y / np.float32(q)) ** 2)
    patches = look_up(draw_texture(rng, 5.0), x * np.float32(0.25), y * np.float32(0.25))
    body = profiles.disc(r, 0.36, q) * np.exp(np.float32(0.45 * galaxy.oddness) * patches)
    light = np.float32(0.75) * body[..., None] * colour(galaxy.colour)
    knots = np.zeros_like(x)
    for _ in range(int(rng.integers(4, 10))):
        cx, cy = rng.normal(0, 0.45), rng.normal(0, 0.45 * q)
        width = rng.uniform(0.06, 0.2)
        share = rng.dirichlet([1.0] * 3)[0] * 0.12
        knots += np.float32(share / (2 * np.pi * width**2)) * np.exp(
            ((x - np.float32(cx)) ** 2 + (y - np.float32(cy)) ** 2) / np.float32(-2 * width**2)
        )
    return light + knots[..., None] * colour(YOUNG - 0.05)
