"""A hundred classes of disc galaxies: every combination of four visible properties.

Five patterns, five colours, a bar or none, a small bulge or a large one. All other properties of a
galaxy vary from image to image and are independent of its class: direction, inclination, size,
brightness, the winding and handedness of arms, sharpness, noise, neighbours. Turning or mirroring
an image keeps its class. Neighbouring colours overlap, three arms can look like two, and a bar
seen along its length like a bulge: no classifier can be right about all galaxies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from galaxyclass.simulation.morphology import Morphology

Pattern = Literal["smooth", "ring", "two_arms", "three_arms", "patches"]
Colour = Literal["bluest", "blue", "middle", "red", "reddest"]

#: In the order in which classes are numbered.
PATTERNS: tuple[Pattern, ...] = ("smooth", "ring", "two_arms", "three_arms", "patches")
#: Mean g - r of the disc, mag.
HUNDRED_COLOURS: dict[Colour, float] = {
    "bluest": 0.10,
    "blue": 0.28,
    "middle": 0.46,
    "red": 0.64,
    "reddest": 0.82,
}
#: Spread of g - r within a colour, mag.
COLOUR_SPREAD = 0.07
CLASSES = len(PATTERNS) * len(HUNDRED_COLOURS) * 2 * 2

#: Share of the frame's side that the images show: 3.1 radii of the galaxy.
FIELD = 0.36

#: Folder and table of each part -> its twentieths: 13,000, 2,000 and 5,000 of 20,000.
HUNDRED_PARTS: dict[str, int] = {"train": 13, "val": 2, "test": 5}


@dataclass(frozen=True)
class HundredClass:
    """The properties that define a class."""

    number: int
    pattern: Pattern
    colour: Colour
    barred: bool
    large_bulge: bool


@dataclass(frozen=True)
class HundredGalaxy:
    """A galaxy of the set: the folder of its part, its class, and its morphology."""

    folder: str
    kind: HundredClass
    morphology: Morphology


def part_counts(count: int) -> dict[str, int]:
    """How many of ``count`` galaxies are in each part (largest remainders).

    Examples
    --------
    >>> part_counts(20_000)
    {'train': 13000, 'val': 2000, 'test': 5000}
    >>> part_counts(33)
    {'train': 22, 'val': 3, 'test': 8}
    """
    counts = {part: count * share // 20 for part, share in HUNDRED_PARTS.items()}
    by_remainder = sorted(HUNDRED_PARTS, key=lambda part: -(count * HUNDRED_PARTS[part] % 20))
    for part in by_remainder[: count - sum(counts.values())]:
        counts[part] += 1
    return counts


def member(count: int, seed: int, index: int) -> HundredGalaxy:
    """The galaxy of a number among ``count``, training galaxies first; others are not needed.

    Each hundred consecutive galaxies of a part have each class once, in a random order.

    Examples
    --------
    >>> first = member(20_000, 0, 0)
    >>> first == member(40_000, 0, 0), first.folder, member(20_000, 0, 19_999).folder
    (True, 'train', 'test')
    """
    ends = np.cumsum(list(part_counts(count).values()))
    part = int(np.searchsorted(ends, index, side="right"))
    row = index - (int(ends[part - 1]) if part else 0)
    order = np.random.default_rng((seed, 1, part, row // CLASSES)).permutation(CLASSES)
    kind = hundred_class(int(order[row % CLASSES]))
    rng = np.random.default_rng((seed, 2, part, row))
    return HundredGalaxy(tuple(HUNDRED_PARTS)[part], kind, draw_of_class(kind, rng))


def hundred_class(number: int) -> HundredClass:
    """The class of a number, 0 to 99.

    Examples
    --------
    >>> hundred_class(0)
    HundredClass(number=0, pattern='smooth', colour='bluest', barred=False, large_bulge=False)
    >>> hundred_class(47)
    HundredClass(number=47, pattern='two_arms', colour='blue', barred=True, large_bulge=True)
    """
    digits, large_bulge = divmod(number, 2)
    digits, barred = divmod(digits, 2)
    pattern, colour = divmod(digits, len(HUNDRED_COLOURS))
    return HundredClass(
        number, PATTERNS[pattern], tuple(HUNDRED_COLOURS)[colour], bool(barred), bool(large_bulge)
    )


def draw_of_class(kind: HundredClass, rng: np.random.Generator) -> Morphology:
    """Draw a galaxy of a class.

    Examples
    --------
    >>> import numpy as np
    >>> galaxy = draw_of_class(hundred_class(47), np.random.default_rng(0))
    >>> galaxy.arms, galaxy.bar > 0, galaxy.bulge_fraction > 0.25
    (2, True, True)
    """
    inclination = float(np.degrees(np.arccos(rng.uniform(np.cos(np.radians(45)), 1))))
    bulge = float(rng.uniform(0.26, 0.40) if kind.large_bulge else rng.uniform(0.02, 0.08))
    radius = float(rng.uniform(9, 14))
    # The galaxy's light spread over a circle of that radius, mag per square arcsec.
    surface_brightness = float(rng.uniform(20.2, 21.6))
    truth: dict[str, object] = {
        "kind": "disc",
        "radius": radius,
        "magnitude": surface_brightness - 2.5 * float(np.log10(np.pi * radius**2)),
        "seeing": float(rng.uniform(0.9, 1.4)),
        "colour": float(rng.normal(HUNDRED_COLOURS[kind.colour], COLOUR_SPREAD)),
        "position_angle": float(rng.uniform(0, 180)),
        "axis_ratio": float(min(1, np.hypot(np.cos(np.radians(inclination)), 0.1 + 0.12 * bulge))),
        "inclination": inclination,
        "bulge_fraction": bulge,
        "bulge_radius": float(rng.uniform(0.13, 0.20) + 0.28 * bulge),
        "bulge_index": float(np.clip(rng.normal(1.5 + 3.0 * bulge, 0.5), 0.8, 4.0)),
        "bulge_shape": "rounded",
        "bar": float(rng.uniform(0.15, 0.30)) if kind.barred else 0.0,
        "bar_length": float(rng.uniform(0.40, 0.70)) if kind.barred else 0.0,
        "handedness": int(rng.choice([-1, 1])),
        "defect": "none",
        "seed": int(rng.integers(2**63)),
    }
    return Morphology(**truth, **_pattern(kind.pattern, rng))  # type: ignore[arg-type]


def _pattern(pattern: Pattern, rng: np.random.Generator) -> dict[str, object]:
    drawn: dict[str, object] = {
        "arms": 0,
        "arm_contrast": 0.0,
        "pitch": 0.0,
        "flocculence": 0.0,
        "odd": "none",
        "oddness": 0.0,
    }
    if pattern == "ring":
        drawn |= {"odd": "ring", "oddness": float(rng.uniform(0.6, 1.0))}
    elif pattern == "patches":
        drawn |= {"pitch": float(rng.uniform(14, 28)), "flocculence": float(rng.uniform(0.6, 1.0))}
    elif pattern != "smooth":
        drawn |= {
            "arms": 2 if pattern == "two_arms" else 3,
            "arm_contrast": float(rng.uniform(0.7, 1.0)),
            "pitch": float(rng.uniform(14, 28)),
            "flocculence": float(rng.uniform(0, 0.25)),
        }
    return drawn
