"""The morphology of a simulated galaxy, and the population that galaxies are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

GalaxyKind = Literal["elliptical", "disc", "irregular", "star"]
BulgeShape = Literal["rounded", "boxy", "none"]
Odd = Literal["none", "ring", "lens", "disturbed", "irregular", "other", "merger", "dust_lane"]
Defect = Literal["none", "seam", "glare", "trail"]

#: From this inclination on, degrees, a disc is drawn from the side, with a height.
EDGE_ON = 78.0


@dataclass(frozen=True)
class Morphology:
    """The truth about one galaxy and its image.

    Lengths are in units of ``radius`` where no unit is given. The images are 8.48 radii wide, as
    those of the Galaxy Challenge are 8.48 times their galaxy's 90 % Petrosian radius (a pixel of
    the 424 is 0.02 of it).

    Attributes
    ----------
    kind : {"elliptical", "disc", "irregular", "star"}
        The object at the centre. A star is not a galaxy: of the attributes below, only radius (the
        scale of the image), seeing, defect and seed change its image.
    radius : float
        Angular size in arcsec, which sets the number of resolution elements of the galaxy.
    magnitude : float
        In r, AB.
    seeing : float
        Full width at half maximum of the point spread function, arcsec.
    colour : float
        g - r of the stellar disc, or of the whole galaxy where there is no disc, mag.
    position_angle : float
        Of the longer axis, degrees anticlockwise from the right of the image, 0..180.
    axis_ratio : float
        Apparent, shorter over longer, 0..1. Of discs, it follows from the inclination.
    inclination : float
        Of a disc, degrees: 0 face-on, 90 from the side. 0 for other kinds.
    bulge_fraction : float
        Share of the light, 0..1 (1 for ellipticals, 0 for irregulars).
    bulge_radius : float
        Half-light radius of the bulge, or of the whole elliptical.
    bulge_index : float
        Sersic index.
    bulge_shape : {"rounded", "boxy", "none"}
        As seen from the side.
    bar : float
        Share of a disc's light in its bar, 0 for none.
    bar_length : float
        Half its length.
    arms : int
        Number of spiral arms, 0 for none.
    arm_contrast : float
        0 (as bright as between the arms) to 1.
    pitch : float
        Angle between an arm and a circle, degrees: small is tightly wound.
    handedness : {1, -1}
        1 where an arm, followed outwards, turns anticlockwise on the image.
    flocculence : float
        0 (arms that can be counted) to 1 (patches only).
    odd : str
        The odd feature, or "none".
    oddness : float
        How strong it is, 0..1.
    defect : {"none", "seam", "glare", "trail"}
        A fault of the image: a dark seam of the mosaic, the glow of a bright star outside, the
        trail of a satellite.
    seed : int
        Of everything that is not an attribute: neighbours, clumps, noise.
    """

    kind: GalaxyKind
    radius: float
    magnitude: float
    seeing: float
    colour: float
    position_angle: float
    axis_ratio: float
    inclination: float
    bulge_fraction: float
    bulge_radius: float
    bulge_index: float
    bulge_shape: BulgeShape
    bar: float
    bar_length: float
    arms: int
    arm_contrast: float
    pitch: float
    handedness: int
    flocculence: float
    odd: Odd
    oddness: float
    defect: Defect
    seed: int

    @property
    def edge_on(self) -> bool:
        """Whether the galaxy is a disc seen from the side."""
        return self.kind == "disc" and self.inclination >= EDGE_ON

    @property
    def surface_brightness(self) -> float:
        """Of all the light spread over a circle of `radius`, mag per square arcsec."""
        return float(self.magnitude + 2.5 * np.log10(np.pi * self.radius**2))


def draw_morphology(rng: np.random.Generator) -> Morphology:
    """Draw a galaxy of a population like that of the Galaxy Challenge.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    Morphology

    Notes
    -----
    Magnitudes follow the counts of a uniform universe down to r = 17, the limit of Galaxy Zoo 2
    (Willett et al. 2013); sizes, kinds, colours and inclinations were chosen so that images and
    votes resemble the challenge's.

    Examples
    --------
    >>> import numpy as np
    >>> galaxy = draw_morphology(np.random.default_rng(1))
    >>> galaxy == draw_morphology(np.random.default_rng(1))
    True
    """
    kind: GalaxyKind = _choose(
        rng, {"elliptical": 0.40, "disc": 0.52, "irregular": 0.055, "star": 0.025}
    )
    odd = _draw_odd(rng, kind)
    magnitude = 17.0 - min(rng.exponential(0.72), 4.0)
    size = np.log(4.75) + 0.38 * (16.5 - magnitude) + rng.normal(0.0, 0.22)
    if kind == "disc":
        size += 0.04
    truth: dict[str, object] = {
        "kind": kind,
        "radius": float(np.clip(np.exp(size), 2.2, 30.0)),
        "magnitude": float(magnitude),
        "seeing": float(np.clip(rng.lognormal(np.log(1.15), 0.12), 0.8, 1.8)),
        "position_angle": float(rng.uniform(0.0, 180.0)),
        "inclination": 0.0,
        "bulge_shape": "none",
        "bar": 0.0,
        "bar_length": 0.0,
        "arms": 0,
        "arm_contrast": 0.0,
        "pitch": 0.0,
        "handedness": int(rng.choice([-1, 1])),
        "flocculence": 0.0,
        "odd": odd,
        "oddness": 0.0 if odd == "none" else float(rng.uniform(0.35, 1.0)),
        "defect": _choose(rng, {"none": 0.93, "seam": 0.035, "glare": 0.031, "trail": 0.004}),
        "seed": int(rng.integers(2**63)),
    }
    if kind == "disc":
        truth |= _draw_disc(rng, odd)
    elif kind == "irregular":
        truth |= _draw_irregular(rng)
    else:
        truth |= _draw_elliptical(rng)
    return Morphology(**truth)  # type: ignore[arg-type]


def _draw_odd(rng: np.random.Generator, kind: GalaxyKind) -> Odd:
    if kind == "irregular":
        return "irregular"
    if kind == "star":
        return "none"
    chances: dict[Odd, float] = {
        "lens": 0.012,
        "disturbed": 0.03,
        "other": 0.06,
        "merger": 0.06,
        "dust_lane": 0.012,
        "ring": 0.09 if kind == "disc" else 0.0,
    }
    odd: Odd = _choose(rng, {"none": 1.0 - sum(chances.values()), **chances})
    return odd


def _draw_elliptical(rng: np.random.Generator) -> dict[str, object]:
    """Ellipticals, and the S0 galaxies that volunteers call smooth."""
    return {
        "colour": float(rng.normal(0.79, 0.07)),
        "axis_ratio": float(np.clip(1.0 - abs(rng.normal(0.0, 0.36)), 0.25, 1.0)),
        "bulge_fraction": 1.0,
        "bulge_radius": float(rng.uniform(0.54, 0.80)),
        "bulge_index": float(np.clip(rng.normal(2.8, 1.0), 1.0, 5.5)),
    }


def _draw_disc(rng: np.random.Generator, odd: Odd) -> dict[str, object]:
    # A ring is invisible from the side.
    least = np.cos(np.radians(68)) if odd == "ring" else 0.0
    inclination = float(np.degrees(np.arccos(rng.uniform(least, 1.0))))
    # A tail of galaxies dominated by their bulge, and one with none.
    bulge = float(np.clip(rng.beta(1.2, 4.4) * 0.8, 0.0, 0.7))
    if bulge < 0.04:
        bulge = 0.0
    thickness = 0.10 + 0.12 * bulge
    if inclination >= EDGE_ON:
        axis_ratio = thickness + 0.5 * np.cos(np.radians(inclination))
    else:
        axis_ratio = np.hypot(np.cos(np.radians(inclination)), thickness)
    barred = rng.random() < 0.33 and odd != "dust_lane"
    spiral = rng.random() < (0.3 if odd == "ring" else 0.8)
    pitch = float(np.clip(rng.gamma(4.0, 4.8), 6.0, 45.0))
    arms = int(_choose(rng, {"1": 0.06, "2": 0.55, "3": 0.17, "4": 0.11, "5": 0.07, "6": 0.04}))
    shape: BulgeShape = "none"
    if bulge > 0:
        # Boxy bulges are bars seen from the side: not the smallest.
        shape = _choose(rng, {"rounded": 0.7, "boxy": 0.3}) if bulge > 0.15 else "rounded"
    return {
        "inclination": inclination,
        "axis_ratio": float(min(axis_ratio, 1.0)),
        "colour": float(np.clip(rng.normal(0.42 + 0.4 * bulge, 0.14), 0.1, 0.85)),
        "bulge_fraction": bulge,
        "bulge_radius": float(rng.uniform(0.13, 0.20) + 0.28 * bulge),
        "bulge_index": float(np.clip(rng.normal(1.5 + 3.0 * bulge, 0.5), 0.8, 4.0)),
        "bulge_shape": shape,
        "bar": float(rng.uniform(0.08, 0.28)) if barred else 0.0,
        "bar_length": float(rng.uniform(0.32, 0.72)) if barred else 0.0,
        "arms": arms if spiral else 0,
        "arm_contrast": float(rng.beta(2.4, 1.3)) if spiral else 0.0,
        "pitch": pitch if spiral else 0.0,
        "flocculence": float(rng.beta(1.0, 2.0)) if spiral else float(rng.uniform(0.0, 0.2)),
    }


def _draw_irregular(rng: np.random.Generator) -> dict[str, object]:
    return {
        "colour": float(np.clip(rng.normal(0.3, 0.10), 0.05, 0.6)),
        "axis_ratio": float(rng.uniform(0.3, 0.9)),
        "bulge_fraction": 0.0,
        "bulge_radius": 0.0,
        "bulge_index": 1.0,
    }


def _choose(rng: np.random.Generator, chances: Mapping[Any, float]) -> Any:
    names = list(chances)
    edges = np.cumsum(list(chances.values()))
    return names[min(int(np.searchsorted(edges, rng.random() * edges[-1])), len(names) - 1)]
