"""Numbers about votes, worked by hand and against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyclass.exploration.votes import correlations, most_certain, summarise_votes
from galaxyclass.trees.read import load_tree

NAN = np.nan


def test_means_majorities_and_how_many_know() -> None:
    fractions = np.full((4, 37), NAN)
    fractions[:, 0] = 0.5, 0.499, 0.9, NAN
    fractions[:, 1] = 0.0, 0.1, 0.2, 0.3
    summary = summarise_votes(load_tree("galaxy_zoo_2"), fractions)
    assert summary.galaxies == 4
    assert summary.known[:3].tolist() == [3, 4, 0]
    np.testing.assert_allclose(summary.mean[:3], [1.899 / 3, 0.15, NAN])
    assert summary.majority[:3].tolist() == [2, 0, 0]


@given(st.integers(0, 2**32 - 1), st.floats(-1e3, 1e3))
def test_correlations_are_numpys_over_the_rows_that_know_both(seed: int, shift: float) -> None:
    generator = np.random.default_rng(seed)
    values = generator.random((30, 4)) + shift
    values[:, 2] += values[:, 0]
    values[generator.random(values.shape) < 0.3] = NAN
    found = correlations(values)
    for first in range(4):
        for other in range(4):
            both = ~np.isnan(values[:, [first, other]]).any(axis=1)
            expected = np.corrcoef(values[both, first], values[both, other])[0, 1]
            assert found[first, other] == pytest.approx(expected, abs=1e-8)


def test_what_does_not_vary_or_never_meets_has_no_correlation() -> None:
    values = np.array([[0.1, 1.0, NAN], [0.1, 2.0, NAN], [0.1, NAN, 1.0], [0.1, NAN, 3.0]])
    found = correlations(values)
    assert np.isnan(found[0]).all()
    assert np.isnan(found[1, 2])
    assert found[1, 1] == found[2, 2] == 1


def test_the_most_certain_come_first_and_those_without_image_never() -> None:
    fractions = np.array([[0.3, NAN], [0.8, NAN], [0.9, NAN], [0.8, NAN], [0.0, 0.0]])
    usable = np.array([True, True, False, True, True])
    first, second = most_certain(fractions, usable, depth=3)
    assert first.tolist() == [1, 3, 0]
    assert second.tolist() == []
