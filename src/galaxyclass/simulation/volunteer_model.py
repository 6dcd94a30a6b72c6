"""The volunteer model: from a galaxy's morphology to a leaning towards each answer.

The leanings are the assumed part of the model: which feature speaks for which answer, and how
distance, faintness and inclination hide it. How strongly volunteers follow the leanings, and how
often each answer is given overall, is fitted (`galaxyclass.simulation.fit`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galaxyclass.simulation.morphology import EDGE_ON, Morphology
from galaxyclass.trees.read import load_tree

#: Odd feature -> its answer to question 8.
_ODD_CODES = {
    "ring": "8.1",
    "lens": "8.2",
    "disturbed": "8.3",
    "irregular": "8.4",
    "other": "8.5",
    "merger": "8.6",
    "dust_lane": "8.7",
}


def clarity(galaxy: Morphology) -> float:
    """How well detail can be seen, 0..1: many resolution elements, and bright ones."""
    elements = np.log2(galaxy.radius / galaxy.seeing / 4.2)
    brightness = 21.1 - galaxy.surface_brightness
    return _share(0.4 + 2.0 * elements + 1.2 * brightness)


def impress(galaxy: Morphology) -> NDArray[np.float64]:
    """Leaning of an average volunteer towards each answer of Galaxy Zoo 2.

    Parameters
    ----------
    galaxy : Morphology

    Returns
    -------
    (37,) float64
        Natural logarithms of odds, before the fit: only differences within a question count.

    Examples
    --------
    >>> import numpy as np
    >>> from galaxyclass.simulation.morphology import draw_morphology
    >>> impress(draw_morphology(np.random.default_rng(1))).shape
    (37,)
    """
    clear = clarity(galaxy)
    leaning = {
        **_first(galaxy, clear),
        **_disc(galaxy, clear),
        **_odd(galaxy, clear),
        **_shape(galaxy, clear),
        **_arms(galaxy, clear),
    }
    return np.array([leaning.get(code, 0.0) for code in load_tree("galaxy_zoo_2").codes])


def _share(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def _tilt(galaxy: Morphology) -> float:
    """How much of a disc's pattern is visible at its inclination: 1 face-on, 0 from the side."""
    return float(np.clip(np.cos(np.radians(galaxy.inclination)) / 0.4, 0.0, 1.0))


def _spiral(galaxy: Morphology, clear: float) -> float:
    strength = galaxy.arm_contrast * (1 - 0.45 * galaxy.flocculence)
    return (
        strength * (1 - 0.6 * galaxy.bulge_fraction) * _tilt(galaxy) * clear if galaxy.arms else 0.0
    )


def _bar(galaxy: Morphology, clear: float) -> float:
    tilt = 0.35 + 0.65 * _tilt(galaxy) if not galaxy.edge_on else 0.0
    return min(galaxy.bar * galaxy.bar_length / 0.08, 1.3) * tilt * (0.3 + 0.7 * clear)


def _first(galaxy: Morphology, clear: float) -> dict[str, float]:
    if galaxy.kind == "star":
        return {"1.1": 0.8, "1.2": -1.5, "1.3": 2.5}
    odd = galaxy.oddness if galaxy.odd != "none" else 0.0
    flat = 3.2 if galaxy.edge_on else 1.2 * max(0.0, 0.45 - galaxy.axis_ratio)
    seen = 5.0 * _spiral(galaxy, clear) + 1.8 * _bar(galaxy, clear) + flat
    seen += odd * {"ring": 2.4, "irregular": 2.4, "merger": 1.2, "disturbed": 1.0}.get(
        galaxy.odd, 0.4
    )
    seen += {"disc": 0.4, "irregular": 0.6}.get(galaxy.kind, -1.6)
    seen += 0.6 * (clear - 0.5) - 1.4 * galaxy.bulge_fraction * (galaxy.kind == "disc")
    junk = -3.0 + 1.2 * (galaxy.defect == "glare") + 0.8 * (galaxy.defect == "trail") - 1.0 * clear
    return {"1.1": 0.0, "1.2": seen - 1.3, "1.3": junk}


def _disc(galaxy: Morphology, clear: float) -> dict[str, float]:
    if galaxy.kind == "disc":
        side = (galaxy.inclination - EDGE_ON + 2.0) / 3.0
    else:
        side = -3.0 + 9.0 * max(0.0, 0.5 - galaxy.axis_ratio)
    prominence = galaxy.bulge_fraction if galaxy.kind != "elliptical" else 0.72
    prominence *= 0.8 + 0.4 * clear
    bulges = {
        code: -0.5 * ((prominence - middle) / width) ** 2
        for code, middle, width in (
            ("5.1", -0.02, 0.10),
            ("5.2", 0.13, 0.12),
            ("5.3", 0.34, 0.15),
            ("5.4", 0.70, 0.20),
        )
    }
    spiral = _spiral(galaxy, clear)
    return {
        "2.1": float(np.clip(side, -5.0, 4.0)),
        "3.1": -2.2 + 4.2 * _bar(galaxy, clear),
        "4.1": -1.8 + 7.5 * spiral,
        **bulges,
    }


def _odd(galaxy: Morphology, clear: float) -> dict[str, float]:
    strength = galaxy.oddness * (0.55 + 0.45 * clear) if galaxy.odd != "none" else 0.0
    faults = {"seam": 1.8, "glare": 0.9, "trail": 2.0}.get(galaxy.defect, 0.0)
    star = 0.8 if galaxy.kind == "star" else 0.0
    leaning = dict.fromkeys(_ODD_CODES.values(), -2.0)
    leaning["8.5"] = -0.6 + 0.5 * (galaxy.defect in ("glare", "trail"))
    leaning["8.1"] = -1.6 + 1.2 * (galaxy.arms > 0) * (galaxy.pitch < 12) * _tilt(galaxy)
    leaning["8.4"] = -1.2 + 0.6 * (galaxy.kind == "irregular")
    leaning["8.7"] = -2.0 + 1.0 * galaxy.edge_on
    if galaxy.defect == "seam":
        leaning["8.3"] += 3.6
    if galaxy.odd in ("disturbed", "merger"):
        leaning["8.3"] += 0.8
        leaning["8.4"] += 0.5
    if galaxy.odd != "none":
        leaning[_ODD_CODES[galaxy.odd]] += 1.5 + 3.5 * strength
    return {"6.1": -2.4 + 4.6 * strength + faults + star, **leaning}


def _shape(galaxy: Morphology, clear: float) -> dict[str, float]:
    q = max(galaxy.axis_ratio, 0.12) if galaxy.kind != "star" else 1.0
    bulge = galaxy.bulge_fraction if galaxy.bulge_shape != "none" else 0.0
    seen = min(bulge * 7.0, 2.8) if galaxy.edge_on else 1.0
    boxy = -0.8
    if galaxy.bulge_shape == "boxy" and galaxy.edge_on:
        boxy = 8.0 * galaxy.bulge_fraction * (0.4 + 0.6 * clear)
    return {
        "7.1": -0.5 * ((q - 0.98) / 0.13) ** 2,
        "7.2": -0.5 * ((q - 0.66) / 0.17) ** 2,
        "7.3": -0.5 * ((q - 0.28) / 0.14) ** 2,
        "9.1": -1.2 + 1.3 * seen,
        "9.2": -1.2 + boxy,
        "9.3": 1.2 - 1.2 * seen,
    }


def _arms(galaxy: Morphology, clear: float) -> dict[str, float]:
    certain = min(1.6 * _spiral(galaxy, clear) * (1 - 0.6 * galaxy.flocculence), 1.0)
    pitch = np.log(galaxy.pitch or 16.0)
    windings = {
        code: -0.5 * ((pitch - np.log(middle)) / 0.33) ** 2 * (0.4 + 0.6 * certain)
        for code, middle in (("10.1", 9.0), ("10.2", 17.0), ("10.3", 32.0))
    }
    numbers = {
        f"11.{number}": -certain * min(1.6 * abs(number - galaxy.arms), 4.5)
        for number in range(1, 6)
    }
    if galaxy.arms >= 5:
        numbers["11.5"] = 0.5 * certain
    numbers["11.6"] = 1.6 - 5.0 * certain
    return {**windings, **numbers}
