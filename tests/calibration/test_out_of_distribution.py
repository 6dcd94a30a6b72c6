"""The out-of-distribution score and the image statistics behind it, on known images."""

from __future__ import annotations

import numpy as np
import pytest

from galaxyclass.calibration.image_statistics import (
    central_light,
    image_statistics,
    statistic_names,
)
from galaxyclass.calibration.out_of_distribution import (
    FEW,
    OutOfDistribution,
    fit_out_of_distribution,
)
from galaxyclass.errors import ImageError, ScoreError
from galaxyclass.simulation.morphology import draw_morphology
from galaxyclass.simulation.rendering import render

SIDE = 48


def galaxies(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([render(draw_morphology(rng), SIDE, field=0.5) for _ in range(count)])


def features(cutouts: np.ndarray) -> np.ndarray:
    """A network that was never trained: what random filters see, averaged over the image."""
    filters = np.random.default_rng(0).normal(size=(8 * 8 * 3, 40))
    tiles = cutouts.reshape(len(cutouts), SIDE // 8, 8, SIDE // 8, 8, 3).swapaxes(2, 3)
    seen = tiles.reshape(len(cutouts), -1, 8 * 8 * 3) / 255 @ filters
    return np.maximum(seen, 0).mean(axis=1)


def odd_images() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    star = 3 * 255 / (1 + (np.hypot(x, y) / 4) ** 2) + 255 * np.exp(-np.abs(x)) + 20
    field = np.full((SIDE, SIDE, 3), 8.0)
    for row, column in rng.integers(2, SIDE - 2, (40, 2)):
        field[row - 1 : row + 2, column - 1 : column + 2] += rng.uniform(50, 250)
    diagram = np.full((SIDE, SIDE, 3), 255.0)
    diagram[10:40, 8:10] = diagram[38:40, 8:42] = 0
    cat = np.full((SIDE, SIDE, 3), 180.0)
    cat[np.hypot(x, y) < 15] = 200, 120, 40
    cat[(np.hypot(np.abs(x) - 6, y + 3) < 3)] = 20, 160, 60
    images = {
        "black": np.zeros((SIDE, SIDE, 3)),
        "white": np.full((SIDE, SIDE, 3), 255.0),
        "grey": np.full((SIDE, SIDE, 3), 40.0),
        "noise": rng.uniform(0, 256, (SIDE, SIDE, 3)),
        "slope": np.repeat(np.linspace(0, 255, SIDE)[:, None], SIDE, 1)[..., None] * np.ones(3),
        "star": star[..., None] * np.ones(3),
        "stars": field,
        "diagram": diagram,
        "cat": cat,
        "negative": 255.0 - galaxies(1, 9)[0],
    }
    return {name: np.clip(image, 0, 255).astype(np.uint8) for name, image in images.items()}


@pytest.fixture(scope="module")
def fitted() -> OutOfDistribution:
    cutouts = galaxies(500, 1)
    return fit_out_of_distribution(features(cutouts), image_statistics(cutouts), false_alarms=0.02)


@pytest.mark.parametrize("name", odd_images())
def test_what_is_no_galaxy_is_flagged(fitted: OutOfDistribution, name: str) -> None:
    image = odd_images()[name][None]
    assert fitted.score(features(image), image_statistics(image))[0] > 1


def test_other_galaxies_are_flagged_as_often_as_promised(fitted: OutOfDistribution) -> None:
    others = galaxies(600, 2)
    flagged = fitted.score(features(others), image_statistics(others)) > 1
    assert 0.005 < flagged.mean() < 0.04


def test_false_alarms_in_known_distributions() -> None:
    """Whatever the limit is made of: one in twenty of new galaxies lies beyond it."""
    rng = np.random.default_rng(3)
    mixed = rng.normal(size=(30, 30))

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.standard_t(5, (count, 30)) @ mixed, rng.exponential(size=(count, 6))

    fitted = fit_out_of_distribution(*draw(1500), false_alarms=0.05)
    assert (fitted.score(*draw(5000)) > 1).mean() == pytest.approx(0.05, abs=0.015)


def test_the_score_grows_with_the_distance() -> None:
    rng = np.random.default_rng(4)
    fitted = fit_out_of_distribution(rng.normal(size=(300, 10)), rng.normal(size=(300, 4)))
    away = np.outer(np.arange(1, 5), np.ones(10))  # no galaxy has the mean of every feature
    score = fitted.score(away, np.zeros((4, 4)))
    assert (np.diff(score) > 0).all()
    assert score.dtype == np.float32


def test_features_that_are_not_finite_are_flagged() -> None:
    rng = np.random.default_rng(4)
    fitted = fit_out_of_distribution(rng.normal(size=(300, 10)), rng.normal(size=(300, 4)))
    broken = np.zeros((2, 10))
    broken[1, 3] = np.nan
    score = fitted.score(broken, np.zeros((2, 4)))
    assert np.isfinite(score[0])
    assert np.isinf(score[1])


def test_a_feature_that_is_constant_tells_nothing() -> None:
    rng = np.random.default_rng(4)
    seen = rng.normal(size=(300, 10))
    seen[:, 2] = 7
    fitted = fit_out_of_distribution(seen, rng.normal(size=(300, 4)))
    assert np.isfinite(fitted.score(seen, np.zeros((300, 4)))).all()


def test_too_few_galaxies() -> None:
    with pytest.raises(ScoreError, match=r"40 or more(?s:.*)39"):
        fit_out_of_distribution(np.zeros((FEW - 1, 3)), np.zeros((FEW - 1, 2)))


def test_statistics_of_other_galaxies() -> None:
    with pytest.raises(ScoreError, match="not of the same galaxies"):
        fit_out_of_distribution(np.zeros((50, 3)), np.zeros((49, 2)))


def test_features_of_another_model() -> None:
    rng = np.random.default_rng(4)
    fitted = fit_out_of_distribution(rng.normal(size=(300, 10)), rng.normal(size=(300, 4)))
    with pytest.raises(ScoreError, match=r"features \(images, 10\) and statistics \(images, 4\)"):
        fitted.score(np.zeros((2, 11)), np.zeros((2, 4)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 33])
def test_statistics_by_hand(channels: int, side: int) -> None:
    """Half of the image is white, half black."""
    cutout = np.zeros((1, side, side, channels), np.uint8)
    cutout[:, : side // 2] = 255
    statistics = dict(zip(statistic_names(channels), image_statistics(cutout)[0], strict=True))
    assert statistics["share that is white"] == pytest.approx(0.5)
    assert statistics["share that is black"] == pytest.approx(0.5)
    assert statistics["all: mean"] == pytest.approx(np.log(0.5 + 0.004), abs=1e-4)
    assert statistics["all: spread"] == pytest.approx(np.log(0.5 + 0.004), abs=1e-4)
    assert statistics["all: brightest"] == pytest.approx(np.log(1.004), abs=1e-4)
    assert statistics["difference from the image upside down"] == pytest.approx(
        np.log(1.004), abs=1e-4
    )
    assert statistics["bends at the pixel"] == pytest.approx(np.log(0.004), abs=1e-4)
    if channels == 3:
        assert statistics["R-G: everywhere"] == pytest.approx(np.log(0.004), abs=1e-4)


def test_light_in_the_middle_is_within_the_discs() -> None:
    cutout = np.full((1, 40, 40, 1), 10, np.uint8)
    cutout[0, 19:21, 19:21] = 200
    statistics = dict(zip(statistic_names(1), image_statistics(cutout)[0], strict=True))
    assert statistics["light within 1/4"] == pytest.approx(statistics["light within 3/4"])
    assert statistics["border: median"] == pytest.approx(np.log(10 / 255 + 0.004), abs=1e-4)
    assert statistics["border: spread"] == pytest.approx(np.log(0.004), abs=1e-3)


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("side", [SIDE, SIDE - 3])
def test_statistics_are_those_of_plain_numpy(count: int, side: int) -> None:
    cutouts = galaxies(count, seed=8)[:, :side, :side]
    made = dict(zip(statistic_names(3), image_statistics(cutouts).T, strict=True))
    even = side // 2 * 2
    pixels = cutouts[:, :even, :even].astype(float) / 255
    halved = pixels.reshape(count, even // 2, 2, even // 2, 2, 3).mean(axis=(2, 4))
    grey = halved.mean(axis=3)
    places = (np.arange(even // 2) + 0.5) / (even // 2) * 2 - 1
    border = np.maximum(abs(places)[:, None], abs(places)) > 0.8
    rows = pixels[..., 1]
    bends = abs(2 * rows[:, :, 1:-1] - rows[:, :, :-2] - rows[:, :, 2:])
    wide = border.repeat(2, axis=0).repeat(2, axis=1)[:, 1:-1]
    blue = halved[..., 2] - halved[..., 1]
    wanted = {
        "border: median": np.median(grey[:, border], axis=1),
        "border: spread": grey[:, border].std(axis=1),
        "border: brightest": grey[:, border].max(axis=1),
        "all: spread": grey.std(axis=(1, 2)),
        "steps between neighbours": (
            abs(np.diff(grey, axis=1)).mean(axis=(1, 2))
            + abs(np.diff(grey, axis=2)).mean(axis=(1, 2))
        )
        / 2,
        "bends at the pixel": bends.mean(axis=(1, 2)),
        "the same, in the border": bends[:, wide].mean(axis=1),
        "B-G: everywhere": abs(blue).mean(axis=(1, 2)),
        "B-G: in the border": abs(blue[:, border]).mean(axis=1),
    }
    for name, values in wanted.items():
        assert made[name] == pytest.approx(np.log(values + 0.004), abs=1e-4), name


def test_the_size_of_galaxies_alone() -> None:
    cutouts = galaxies(6, seed=9)
    column = statistic_names(3).index("light within 1/4")
    assert central_light(cutouts).tolist() == image_statistics(cutouts)[:, column].tolist()
    assert central_light(cutouts[..., :2]).shape == (6,)


def test_statistics_of_no_images() -> None:
    assert image_statistics(np.zeros((0, 16, 16, 3), np.uint8)).shape == (0, 30)


@pytest.mark.parametrize("shape", [(16, 16, 3), (1, 16, 16, 0), (1, 4, 16, 3)])
def test_what_is_no_array_of_cutouts(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="not an array of cutouts"):
        image_statistics(np.zeros(shape, np.uint8))
