from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from galaxyclass.simulation.fit import (
    Goal,
    calibrate_volunteers,
    describe_fit,
    fit_counts,
    fit_volunteers,
)
from galaxyclass.simulation.morphology import draw_morphology
from galaxyclass.simulation.volunteers import load_volunteers, parse_volunteers, softmax, vote
from galaxyclass.trees.read import load_tree

TREE = load_tree("galaxy_zoo_2")


@pytest.mark.parametrize("alpha", [[0.5, 0.7], [2.0, 5.0, 1.0], [10.0, 30.0]])
def test_fit_counts_recovers_a_dirichlet_multinomial(alpha: list[float]) -> None:
    rng = np.random.default_rng(1)
    people = rng.integers(1, 60, 6000)
    shares = rng.dirichlet(alpha, 6000)
    counts = np.array([rng.multinomial(n, p) for n, p in zip(people, shares, strict=True)], float)
    means, correlation = fit_counts(counts)
    np.testing.assert_allclose(means, np.array(alpha) / sum(alpha), atol=0.015)
    np.testing.assert_allclose(correlation, 1 / (1 + sum(alpha)), rtol=0.06)


def test_calibrate_meets_means_and_variances() -> None:
    impressions = np.random.default_rng(2).normal(0, 1.5, (3000, 37))
    means = np.concatenate([softmax(np.arange(w.stop - w.start) * 0.3) for w in TREE.slices])
    goal = Goal(means, np.full(11, 0.15), np.full(11, 1e9), np.full(11, 0.05))
    sharpness, offsets = calibrate_volunteers(TREE, impressions, goal)
    first = TREE.slices[0]
    chances = softmax(sharpness[0] * impressions[:, first] + offsets[first])
    np.testing.assert_allclose(chances.mean(axis=0), means[first], atol=1e-5)
    # Panels of endless size and correlation 0.05 turn v + 0.05 (1 - v) into 0.15.
    spread = (means[first] * (1 - means[first])).sum()
    np.testing.assert_allclose(chances.var(axis=0).sum() / spread, 0.10 / 0.95, rtol=1e-3)


def test_describe_a_table_worked_by_hand() -> None:
    joint = np.zeros((2, 37))
    joint[0, :2] = 1.0, 0.0
    joint[1, :2] = 0.0, 1.0
    joint[1, 3] = 1.0  # edge-on
    joint[:, 14] = 1.0
    joint[0, 15:17] = 0.25, 0.75
    joint[1, 25:27] = 0.5
    # Nobody got to the later questions: a galaxy of even shares stands for them.
    joint = np.vstack([joint, np.full(37, np.nan)])
    joint[2, :4] = 0.0, 1.0, 0.0, 0.0
    joint[2, 4] = 1.0
    for where in TREE.slices[2:]:
        joint[2, where] = 1 / (where.stop - where.start)
    joint[2, TREE.slices[6]] = 0.0
    joint[2, TREE.slices[8]] = 0.0
    joint[2, TREE.slices[9]] = joint[2, TREE.slices[10]] = np.nan
    joint[2, TREE.slices[9]] = 1 / 6
    joint[2, TREE.slices[10]] = 1 / 12
    joint[2, TREE.slices[7]] = 1 / 14
    goal = describe_fit(TREE, joint, 40.0, np.zeros(11))
    np.testing.assert_allclose(goal.means[:3], [1 / 3, 2 / 3, 0])
    # Shares of 0 and 1 differ as much as single votes do.
    np.testing.assert_allclose(goal.variances[0], 1.0)
    np.testing.assert_allclose(goal.asked[0], 40.0)
    # Question 2 was reached by everybody who saw the second and the third galaxy.
    np.testing.assert_allclose(goal.means[3:5], [0.5, 0.5])
    np.testing.assert_allclose(goal.means[15:18], [0.25, 0.75, 0])
    np.testing.assert_allclose(goal.variances[6], 0.0, atol=1e-12)


@pytest.mark.galaxies
def test_the_shipped_parameters_are_those_of_the_tables(galaxies: Path) -> None:
    data = fit_volunteers(
        galaxies / "galaxy-zoo-2" / "stripe82_counts.csv.gz",
        galaxies / "galaxy-zoo-challenge" / "votes.csv",
        galaxies / "galaxy-zoo-2" / "hart16.csv",
    )
    found, shipped = parse_volunteers(data), load_volunteers()
    for name in ("sharpness", "offsets", "correlation", "panel"):
        np.testing.assert_allclose(getattr(found, name), getattr(shipped, name), atol=2e-3)


@pytest.mark.galaxies
def test_the_population_votes_like_the_challenge(galaxies: Path) -> None:
    from pyarrow import csv

    table = csv.read_csv(galaxies / "galaxy-zoo-challenge" / "votes.csv")
    columns = TREE.layout("challenge").columns
    real = np.stack([table[c].cast("double").to_numpy() for c in columns], axis=1)
    votes = []
    for index in range(1500):
        rng = np.random.default_rng((9, index))
        votes.append(vote(draw_morphology(rng), rng))
    simulated = np.array(votes)
    np.testing.assert_allclose(simulated.mean(axis=0), np.nanmean(real, axis=0), atol=0.025)
    # What the mean vector scores is the spread of the votes.
    complete = real[~np.isnan(real).any(axis=1)]
    spread = np.sqrt(complete.var(axis=0).mean())
    np.testing.assert_allclose(np.sqrt(simulated.var(axis=0).mean()), spread, rtol=0.06)
