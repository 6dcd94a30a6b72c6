from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyclass.simulation.morphology import Morphology, draw_morphology


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_is_drawn_makes_sense(seed: int) -> None:
    galaxy = draw_morphology(np.random.default_rng(seed))
    assert 0 < galaxy.axis_ratio <= 1
    assert 0 <= galaxy.bulge_fraction + galaxy.bar <= 1
    assert (galaxy.odd == "none") == (galaxy.oddness == 0)
    assert galaxy.handedness in (-1, 1)
    assert galaxy.magnitude <= 17
    if galaxy.kind != "disc":
        assert galaxy.inclination == galaxy.arms == galaxy.bar == 0
    if galaxy.arms:
        assert 5 < galaxy.pitch < 46
    if galaxy.edge_on:
        assert galaxy.axis_ratio < 0.4


def test_every_kind_of_truth_is_drawn() -> None:
    population = [draw_morphology(np.random.default_rng(i)) for i in range(1500)]
    assert {g.kind for g in population} == {"elliptical", "disc", "irregular", "star"}
    assert len({g.odd for g in population}) == 8
    assert {g.defect for g in population} == {"none", "seam", "glare", "trail"}
    assert {g.bulge_shape for g in population if g.edge_on} == {"rounded", "boxy", "none"}
    assert {g.arms for g in population} == set(range(7))


def test_discs_are_tilted_at_random() -> None:
    tilts = [draw_morphology(np.random.default_rng(i)) for i in range(1500)]
    cosines = np.cos(np.radians([g.inclination for g in tilts if g.kind == "disc"]))
    # Uniform in the cosine: mean 1/2, deviation 1/sqrt(12).
    np.testing.assert_allclose(cosines.mean(), 0.5, atol=0.04)
    np.testing.assert_allclose(cosines.std(), 12**-0.5, atol=0.03)


def test_surface_brightness_of_a_hand_worked_galaxy(plain: Callable[..., Morphology]) -> None:
    # 15 + 2.5 log10(pi 10^2)
    assert round(plain(radius=10.0, magnitude=15.0).surface_brightness, 2) == 21.24
