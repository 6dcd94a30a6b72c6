"""How sets of images differ from those of a calibration, on drawn galaxies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from galaxyclass.calibration.comparison import (
    TRAITS,
    TraitSums,
    find_differences,
    parse_traits,
    sum_traits,
)
from galaxyclass.calibration.image_statistics import image_statistics
from galaxyclass.calibration.out_of_distribution import (
    OutOfDistribution,
    fit_out_of_distribution,
)
from tests.support.drawn import draw_galaxies

Images = NDArray[np.uint8]


@pytest.fixture(scope="module")
def fit() -> OutOfDistribution:
    galaxies = draw_galaxies(300, 48, seed=1)
    features = np.random.default_rng(0).normal(size=(300, 6))
    return fit_out_of_distribution(features, image_statistics(galaxies))


def _found(fit: OutOfDistribution, galaxies: Images) -> list[str]:
    sums = sum_traits(fit, image_statistics(galaxies), np.zeros(len(galaxies)))
    return [difference.words() for difference in find_differences(fit, sums)]


@pytest.mark.parametrize("count", [5, 50, 400])
def test_a_fair_sample_does_not_differ(fit: OutOfDistribution, count: int) -> None:
    assert _found(fit, draw_galaxies(count, 48, seed=2)) == []


def _fainter(galaxies: Images) -> Images:
    return (galaxies * 0.4).astype(np.uint8)


def _blurred(galaxies: Images) -> Images:
    return np.stack([cv2.GaussianBlur(galaxy, (0, 0), 2) for galaxy in galaxies])


def _noisier(galaxies: Images) -> Images:
    noise = np.random.default_rng(0).normal(0, 12, galaxies.shape)
    return np.clip(galaxies + noise, 0, 255).astype(np.uint8)


def _brighter_sky(galaxies: Images) -> Images:
    return np.clip(galaxies.astype(int) + 60, 0, 255).astype(np.uint8)


def _cut_off(galaxies: Images) -> Images:
    cut = galaxies.copy()
    cut[:, :20] = 0
    return cut


def _swapped(galaxies: Images) -> Images:
    return np.ascontiguousarray(galaxies[..., ::-1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_fainter, "galaxies are fainter"),
        (_blurred, "images are less sharp, or have less noise"),
        (_noisier, "there is more noise"),
        (_brighter_sky, "the background is brighter"),
        (_cut_off, "parts of the images are black"),
        (_swapped, "colours are bluer"),
    ],
)
def test_a_changed_sample_is_described_by_its_change(
    fit: OutOfDistribution, change: Callable[[Images], Images], words: str
) -> None:
    assert _found(fit, change(draw_galaxies(60, 48, seed=3)))[0] == words


def test_galaxies_that_are_smaller_or_larger(fit: OutOfDistribution) -> None:
    assert _found(fit, draw_galaxies(60, 48, seed=3, size=0.5))[0] == "galaxies appear smaller"
    assert _found(fit, draw_galaxies(60, 48, seed=3, size=2.2))[0] == "galaxies appear larger"


def test_a_few_wrong_images_make_no_difference(fit: OutOfDistribution) -> None:
    galaxies = draw_galaxies(60, 48, seed=3)
    galaxies[:3] = 255
    assert _found(fit, galaxies) == []


def test_fewer_than_five_images_tell_nothing(fit: OutOfDistribution) -> None:
    assert _found(fit, _fainter(draw_galaxies(4, 48, seed=3))) == []


def test_sums_of_chunks_are_the_sums_of_all(fit: OutOfDistribution) -> None:
    statistics = image_statistics(draw_galaxies(30, 48, seed=3))
    scores = np.linspace(0, 2, 30)
    whole = sum_traits(fit, statistics, scores)
    parts = [sum_traits(fit, statistics[rows], scores[rows]) for rows in (slice(9), slice(9, 30))]
    together = parts[0] + parts[1]
    assert (together.images, together.flagged) == (whole.images, whole.flagged) == (30, 15)
    np.testing.assert_allclose(together.sums, whole.sums)
    np.testing.assert_allclose(together.squares, whole.squares)
    assert parse_traits(json.loads(json.dumps(asdict(whole)))) == whole
    assert len(TraitSums().means) == len(TRAITS)


def test_grey_images_have_no_colours() -> None:
    grey = draw_galaxies(80, 48, seed=1)[..., 1:2]
    fit = fit_out_of_distribution(
        np.random.default_rng(0).normal(size=(80, 6)), image_statistics(grey)
    )
    assert _found(fit, draw_galaxies(40, 48, seed=2)[..., 1:2]) == []
