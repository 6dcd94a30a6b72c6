from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxyclass.simulation.fit import fit_counts
from galaxyclass.simulation.morphology import Morphology, draw_morphology
from galaxyclass.simulation.volunteer_model import impress
from galaxyclass.simulation.volunteers import Volunteers, expect, load_volunteers, vote
from galaxyclass.trees.read import load_tree
from tests.support.sums import broken_sums

TREE = load_tree("galaxy_zoo_2")


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_votes_obey_the_tree_in_six_decimals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fractions = vote(draw_morphology(rng), rng)
    written = np.array([float(f"{fraction:.6f}") for fraction in fractions])
    np.testing.assert_array_equal(written, np.round(fractions, 6))
    assert not broken_sums(TREE, written, 1e-9).any()
    assert written.min() >= 0
    # Question 6 is asked of everyone.
    np.testing.assert_allclose(written[TREE.slices[5]].sum(), 1, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_expected_answers_of_a_question_sum_to_one(seed: int) -> None:
    chances = expect(impress(draw_morphology(np.random.default_rng(seed))))
    assert chances.min() > 0
    for where in TREE.slices:
        np.testing.assert_allclose(chances[where].sum(), 1)


def counts_of(galaxy: Morphology, panels: int, volunteers: Volunteers) -> NDArray[Any]:
    """Votes on question 1, (panels, 3), whatever the panel's size."""
    fractions = [vote(galaxy, np.random.default_rng(i), volunteers)[:3] for i in range(panels)]
    return np.round(np.array(fractions) * 40)


def test_panels_have_the_probabilities_and_the_overdispersion_that_are_fitted() -> None:
    galaxy = draw_morphology(np.random.default_rng(3))
    fitted = load_volunteers()
    wide = dataclasses.replace(
        fitted, correlation=np.full(11, 0.2), panel=np.array([40.0, 40.0]), offsets=np.zeros(37)
    )
    means, correlation = fit_counts(counts_of(galaxy, 1500, wide))
    np.testing.assert_allclose(means, expect(impress(galaxy), wide)[:3], atol=0.03)
    np.testing.assert_allclose(correlation, 0.2, atol=0.02)


def test_about_forty_people_look_at_a_galaxy() -> None:
    panel = load_volunteers().panel
    assert 35 < np.median(panel) < 50
    assert (np.diff(panel) >= 0).all()
    rng = np.random.default_rng(0)
    fractions = [vote(draw_morphology(rng), rng)[:3] for _ in range(40)]
    smallest = [row[row > 0].min() for row in np.array(fractions)]
    assert min(smallest) < 1 / 30  # one vote


def expected(galaxy: Morphology) -> dict[str, float]:
    return dict(zip(TREE.codes, expect(impress(galaxy)), strict=True))


def test_what_can_be_seen_moves_the_votes(
    plain: Callable[..., Morphology], elliptical: Callable[..., Morphology]
) -> None:
    clear = {"magnitude": 14.0, "radius": 12.0}
    featureless = expected(plain(**clear))
    arms = {"arms": 2, "arm_contrast": 0.9, "pitch": 15.0}
    spiral = expected(plain(**clear, **arms))
    assert spiral["1.2"] > featureless["1.2"] + 0.2
    assert spiral["4.1"] > 0.8 > 0.5 > featureless["4.1"]
    assert spiral["11.2"] > 0.6
    assert max(["10.1", "10.2", "10.3"], key=spiral.__getitem__) != "10.3"
    loose = expected(plain(**clear, **{**arms, "pitch": 38.0}))
    assert loose["10.3"] > 2 * spiral["10.3"]
    bar = expected(plain(**clear, bar=0.25, bar_length=0.5))
    assert bar["3.1"] > featureless["3.1"] + 0.4
    side = expected(plain(**clear, inclination=87.0, axis_ratio=0.15))
    assert side["2.1"] > 0.8 > 0.2 > featureless["2.1"]
    round_, cigar = expected(elliptical(**clear)), expected(elliptical(**clear, axis_ratio=0.3))
    assert round_["1.1"] > featureless["1.1"]
    assert round_["7.1"] > 0.8
    assert cigar["7.3"] > 0.5
    star = expected(plain(**clear, kind="star"))
    assert star["1.3"] > 0.3 > featureless["1.3"]


def test_odd_features_are_called_by_their_names(plain: Callable[..., Morphology]) -> None:
    codes = {"ring": "8.1", "lens": "8.2", "disturbed": "8.3", "irregular": "8.4"}
    codes |= {"other": "8.5", "merger": "8.6", "dust_lane": "8.7"}
    calm = expected(plain(magnitude=14.0, radius=12.0))
    for name, code in codes.items():
        odd = expected(plain(magnitude=14.0, radius=12.0, odd=name, oddness=1.0))
        assert odd["6.1"] > calm["6.1"] + 0.3, name
        assert odd[code] > calm[code] + 0.2, name


def test_small_and_faint_spirals_get_fewer_votes(plain: Callable[..., Morphology]) -> None:
    arms = {"arms": 2, "arm_contrast": 0.6, "pitch": 15.0, "seeing": 1.3}
    near = expected(plain(magnitude=13.5, radius=15.0, **arms))
    far = expected(plain(magnitude=17.0, radius=3.0, **arms))
    assert near["4.1"] > far["4.1"] + 0.3
    assert near["1.2"] > far["1.2"] + 0.2
    assert far["11.6"] > near["11.6"]
