"""Stretches, against values worked by hand and against the formulas as they are published."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.visualization import ZScaleInterval
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError
from galaxyclass.images.colour_formulas import COLOUR_FORMULAS
from galaxyclass.images.stretch import Stretch, colour_order, stretch_pixels


def row(*values: float) -> NDArray[np.float64]:
    """A picture of one row and one band."""
    return np.array(values)[np.newaxis, :, np.newaxis]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("linear", [0, 0, 64, 255, 255]),
        ("sqrt", [0, 0, 128, 255, 255]),
        # asinh(0.25 / 0.05) / asinh(1 / 0.05) = 2.3124 / 3.6895
        ("asinh", [0, 0, 160, 255, 255]),
    ],
)
def test_stated_limits(name: Any, wanted: list[int]) -> None:
    stretch = Stretch(name, limits=(10.0, 14.0))
    assert stretch_pixels(row(-5, 10, 11, 14, 99), stretch)[0, :, 0].tolist() == wanted


def test_limits_of_each_band() -> None:
    pixels = np.ones((2, 2, 2))
    stretch = Stretch("linear", limits=((0.0, 2.0), (0.0, 1.0)))
    assert stretch_pixels(pixels, stretch)[0, 0].tolist() == [128, 255]


def test_a_bright_sky_keeps_its_levels() -> None:
    # A float32 has steps of 64 here.
    pixels = row(1e9, 1e9 + 10, 1e9 + 20)
    levels = stretch_pixels(pixels, Stretch("linear", limits=(1e9, 1e9 + 20)))
    assert levels[0, :, 0].tolist() == [0, 128, 255]


def test_black_is_the_sky_less_its_noise_and_white_the_brightest() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.normal(100, 5, (200, 200, 1))
    pixels[80:120, 80:120] = 1000  # 4 % of the pixels
    levels = stretch_pixels(pixels, Stretch("linear"))
    assert levels[100, 100, 0] == 255
    # The sky is 5 of 905 above black: 1 or 2 grey levels.
    assert np.median(levels) in (1, 2)
    assert (levels[:50] == 0).mean() == pytest.approx(0.16, abs=0.12)


def test_zscale_is_that_of_astropy() -> None:
    pixels = np.random.default_rng(1).gamma(2, 10, (100, 120, 1))
    low, high = ZScaleInterval().get_limits(pixels)
    levels = stretch_pixels(pixels, Stretch("zscale"))
    wanted = np.clip((pixels - low) / (high - low), 0, 1) * 255
    assert np.abs(levels - wanted).max() <= 0.51


@pytest.mark.parametrize("name", ["linear", "asinh", "zscale", "percentile", "lupton", "sdss"])
@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, np.inf])
def test_a_constant_picture_warns_of_nothing(name: Any, value: float) -> None:
    assert stretch_pixels(np.full((8, 8, 3), value), Stretch(name)).shape == (8, 8, 3)


@pytest.mark.parametrize("kind", [">f4", ">f8", ">i2", "<u2", "f2"])
def test_any_byte_order_and_type(kind: str) -> None:
    values = np.arange(60).reshape(4, 5, 3)
    stretch = Stretch("linear", limits=(0, 59))
    wanted = stretch_pixels(values.astype(np.float64), stretch)
    assert np.array_equal(stretch_pixels(values.astype(kind), stretch), wanted)


def test_grey_levels_stay() -> None:
    levels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert np.array_equal(stretch_pixels(levels, Stretch("none")), levels)


def test_missing_pixels_are_as_an_empty_sky() -> None:
    flux = np.zeros((1, 2, 3))
    flux[0, 0] = np.nan
    for name in COLOUR_FORMULAS:
        levels = stretch_pixels(flux, Stretch(name))  # type: ignore[arg-type]
        assert np.array_equal(levels[0, 0], levels[0, 1])


def as_published_by_galaxy_zoo_decals(flux: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Step by step, as in the project's description: g, r, z (height, width, 3) to bytes."""
    rgb = flux[..., ::-1] / (0.019, 0.014, 0.008)
    low, high = np.arcsinh(-0.5), np.arcsinh(300)
    rgb = (np.arcsinh(rgb) - low) / (high - low)
    mean = rgb.mean(axis=2, keepdims=True)
    saturation = np.minimum((rgb / mean / 2.5).max(axis=2, keepdims=True), 1)
    weight = np.sin((1 - saturation) * np.pi / 2)
    rgb = rgb * weight + mean * (1 - weight) + mean * (1 - weight) ** 2 * rgb
    return (np.clip(rgb, 0, 1) * 255).astype(np.uint8)


def as_published_by_the_legacy_surveys(flux: NDArray[np.float64]) -> NDArray[np.uint8]:
    rgb = flux[..., ::-1] * (2.2, 3.4, 6.0) + 0.03
    bright = np.maximum(rgb, 0).mean(axis=2, keepdims=True)
    rgb = rgb * np.arcsinh(20 * bright) / np.sqrt(20) / bright
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("galaxy-zoo-decals", as_published_by_galaxy_zoo_decals),
        ("legacy-surveys", as_published_by_the_legacy_surveys),
    ],
)
def test_published_formulas(name: Any, formula: Any) -> None:
    rng = np.random.default_rng(2)
    flux = rng.normal(0, 0.01, (50, 50, 3)) + rng.exponential(0.2, (50, 50, 1))
    flux[:10] = rng.normal(0, 0.005, (10, 50, 3))  # sky: means below zero, single bright bands
    levels = stretch_pixels(flux, Stretch(name), ("g", "r", "z")).astype(int)
    difference = np.abs(levels - formula(flux))
    assert difference.max() <= 1
    assert difference.mean() < 0.002  # the last digit of single precision


def test_lupton_keeps_the_colour() -> None:
    """The ratio of two bands is that of the fluxes, faint and bright."""
    flux = np.array([[[0.4, 0.8, 1.2]], [[0.004, 0.008, 0.012]]])
    levels = stretch_pixels(flux, Stretch("lupton", limits=(0.0, 1.0), softening=0.002))
    assert levels[0, 0].tolist() == [255, 170, 85]  # red is the last band
    assert levels[1, 0] / levels[1, 0, 2] == pytest.approx([3, 2, 1], rel=0.02)


def test_bands_by_name() -> None:
    assert colour_order(("z", "u", "g", "r"), 4, "galaxy-zoo-decals") == [0, 3, 2]
    flux = np.zeros((1, 1, 4))
    flux[..., 1] = 100.0  # u is not used
    levels = stretch_pixels(flux, Stretch("legacy-surveys"), ("z", "u", "g", "r"))
    assert levels[0, 0].tolist() == [32, 32, 32]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: Stretch("log"), "no stretch 'log'"),  # type: ignore[arg-type]
        (lambda: Stretch(limits=(1, 1)), "black is not below white"),
        (lambda: Stretch(limits=(1, 2, 3)), "not .black, white."),  # type: ignore[arg-type]
        (lambda: Stretch(percentiles=(99, 1)), "not two increasing shares"),
        (lambda: Stretch(softening=0), "`softening`: not above 0"),
        (
            lambda: stretch_pixels(np.zeros((2, 2, 3)), Stretch("sdss"), ("g", "r", "z")),
            "'sdss' has no band i",
        ),
        (lambda: stretch_pixels(np.zeros((2, 2, 4)), Stretch("lupton")), "three bands"),
        (
            lambda: stretch_pixels(np.zeros((2, 2, 3)), Stretch(limits=((0, 1), (0, 1)))),
            "not one pair for each band",
        ),
        (lambda: stretch_pixels(row(2.0), Stretch("none")), "is for grey levels"),
    ],
)
def test_wrong_settings(call: Any, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        call()


def test_sdss_is_the_formula_of_idlutils() -> None:
    """Its programs nw_scale_rgb, nw_arcsinh, nw_cut_to_box and nw_float_to_byte, in float64."""
    flux = np.random.default_rng(0).lognormal(-3, 2, (40, 50, 3))
    flux[:20] -= 0.05
    g, r, i = np.moveaxis(flux, 2, 0)
    colours = np.dstack([4.9 * i, 5.7 * r, 7.8 * g])
    radius = colours.sum(axis=2, keepdims=True)
    colours *= np.arcsinh(3 * radius) / 3 / radius
    colours /= np.maximum(colours.max(axis=2, keepdims=True), 1)
    wanted = np.clip(np.floor(colours * 256), 0, 255)
    levels = stretch_pixels(flux, Stretch("sdss"), ("g", "r", "i"))
    assert np.abs(levels - wanted).max() <= 1  # idlutils rounds down, of 256
