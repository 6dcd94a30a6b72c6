"""Bootstrap intervals: hand-worked cases, scipy as a peer, coverage of the truth, speed."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats

from galaxyclass.tasks.scores.bootstrap import (
    bootstrap_interval,
    bootstrap_ratios,
    percentile_interval,
)


def test_percentiles_by_hand() -> None:
    low, high = percentile_interval(np.arange(201.0)[:, None], level=0.95)
    assert low[0] == pytest.approx(5.0)
    assert high[0] == pytest.approx(195.0)


def test_one_galaxy_has_no_spread() -> None:
    low, high = bootstrap_interval(np.array([[0.09]]), np.array([[1.0]]))
    assert (low[0], high[0]) == (pytest.approx(0.3), pytest.approx(0.3))


def test_no_galaxy_and_nothing_known_are_nan() -> None:
    low, high = bootstrap_interval(np.zeros((0, 2)), np.zeros((0, 2)))
    assert np.isnan([*low, *high]).all()
    low, high = bootstrap_interval(
        np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    )
    assert np.isnan([low[1], high[1]]).all()
    assert low[0] == 1.0


def test_two_galaxies_by_hand() -> None:
    # Draws of two of {0, 1}: sums 0, 1, 1, 2 of 2, so ratios 0, 0.5, 1 with shares 1/4, 1/2, 1/4.
    ratios = bootstrap_ratios(np.array([[0.0], [1.0]]), np.ones((2, 1)), resamples=20_000, seed=3)
    values, counts = np.unique(ratios, return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    np.testing.assert_allclose(counts / 20_000, [0.25, 0.5, 0.25], atol=0.02)


def test_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    errors = rng.normal(0, 0.1, (400, 37))
    known = rng.random((400, 37)) < 0.6
    sums = (errors**2 * known).sum(axis=1)
    counts = known.sum(axis=1).astype(float)
    low, high = bootstrap_interval(sums[:, None], counts[:, None], resamples=4000, seed=1)
    peer = stats.bootstrap(
        (sums, counts),
        lambda s, c, axis=-1: np.sqrt(s.sum(axis=axis) / c.sum(axis=axis)),
        paired=True,
        n_resamples=4000,
        method="percentile",
        rng=np.random.default_rng(2),
    ).confidence_interval
    width = peer.high - peer.low
    assert low[0] == pytest.approx(peer.low, abs=0.1 * width)
    assert high[0] == pytest.approx(peer.high, abs=0.1 * width)


def test_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(200):
        squares = rng.normal(0, 0.2, (150, 1)) ** 2
        low, high = bootstrap_interval(squares, np.ones((150, 1)), resamples=300, seed=trial)
        covered += bool(low[0] <= 0.2 <= high[0])
    assert 0.89 <= covered / 200 <= 0.99


def test_galaxies_are_drawn_not_entries() -> None:
    # 50 galaxies whose 20 entries are all equally wrong: as wide as 50 entries, not as 1,000.
    rng = np.random.default_rng(7)
    squares = rng.normal(0, 1, (50, 1)) ** 2
    one = bootstrap_interval(squares, np.ones((50, 1)))
    twenty = bootstrap_interval(squares * 20, np.full((50, 1), 20.0))
    np.testing.assert_allclose(one, twenty)


def test_same_seed_same_interval_and_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    sums, counts = np.random.default_rng(1).random((40, 3)), np.ones((40, 3))
    whole = bootstrap_interval(sums, counts, seed=4)
    monkeypatch.setattr("galaxyclass.tasks.scores.bootstrap.BOOTSTRAP_CELLS", 100)
    np.testing.assert_allclose(bootstrap_interval(sums, counts, seed=4), whole)
    assert not np.allclose(bootstrap_interval(sums, counts, seed=5), whole)


def test_sixty_thousand_galaxies_are_quick() -> None:
    sums = np.random.default_rng(0).random((60_000, 49))
    start = time.process_time()
    bootstrap_interval(sums, np.ones_like(sums))
    # 0.9 s on a busy machine. Threads that wait for each other took 16 s there, and a loop that
    # gathers the rows of each draw takes minutes.
    assert time.process_time() - start < 6
