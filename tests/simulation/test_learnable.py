"""Votes must be predictable from pixels, or nothing could be learned from the simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsRegressor

from galaxyclass.simulation.morphology import draw_morphology
from galaxyclass.simulation.rendering import render
from galaxyclass.simulation.volunteers import vote


@pytest.mark.slow
def test_neighbours_in_pixels_beat_the_mean_vector() -> None:
    cutouts, votes = [], []
    for index in range(700):
        rng = np.random.default_rng((5, index))
        galaxy = draw_morphology(rng)
        votes.append(vote(galaxy, rng))
        cutouts.append(render(galaxy, 24, field=0.4).ravel())
    pixels, fractions = np.array(cutouts, float), np.array(votes)
    known, asked = slice(0, 550), slice(550, None)
    parts = PCA(30, random_state=0).fit(pixels[known])
    model = KNeighborsRegressor(12).fit(parts.transform(pixels[known]), fractions[known])
    predicted = model.predict(parts.transform(pixels[asked]))

    def rmse(prediction: NDArray[Any]) -> float:
        return np.sqrt(np.mean((prediction - fractions[asked]) ** 2))

    # Measured: 0.145 against 0.160. A network does far better; this is the least that must hold.
    assert rmse(predicted) < 0.94 * rmse(fractions[known].mean(axis=0))
