"""Galaxies that are plain but for what a test is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from galaxyclass.simulation.morphology import Morphology

PLAIN = {
    "kind": "disc",
    "radius": 20.0,
    # So bright that noise and neighbours do not count.
    "magnitude": 10.5,
    "seeing": 1.0,
    "colour": 0.5,
    "position_angle": 0.0,
    "axis_ratio": 1.0,
    "inclination": 0.0,
    "bulge_fraction": 0.1,
    "bulge_radius": 0.15,
    "bulge_index": 2.0,
    "bulge_shape": "rounded",
    "bar": 0.0,
    "bar_length": 0.0,
    "arms": 0,
    "arm_contrast": 0.0,
    "pitch": 0.0,
    "handedness": 1,
    "flocculence": 0.0,
    "odd": "none",
    "oddness": 0.0,
    "defect": "none",
    "seed": 5,
}


@pytest.fixture
def plain() -> Callable[..., Morphology]:
    """A featureless bright disc, face-on, with whatever a test asks for."""
    return lambda **changes: Morphology(**{**PLAIN, **changes})


@pytest.fixture
def elliptical(plain: Callable[..., Morphology]) -> Callable[..., Morphology]:
    """A bright elliptical galaxy."""

    def make(**changes: Any) -> Morphology:
        return plain(
            **{
                "kind": "elliptical",
                "colour": 0.75,
                "bulge_fraction": 1.0,
                "bulge_radius": 0.5,
                "bulge_index": 2.0,
                **changes,
            }
        )

    return make
