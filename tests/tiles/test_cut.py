"""Cutting a field: the right pixels, at the right size."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.nddata import Cutout2D

from galaxyclass.errors import ImageError
from galaxyclass.tiles.cut import cut_field, slice_field


@pytest.fixture
def plane() -> np.ndarray:
    return np.random.default_rng(1).normal(1, 0.1, (60, 80)).astype(">f4")


@pytest.mark.parametrize(("x", "y"), [(40, 30), (12.3, 45.2), (3.0, 57.0)])
def test_a_field_of_its_own_size_has_the_pixels_of_astropys_cutout(
    plane: np.ndarray, x: float, y: float
) -> None:
    cut = cut_field([plane], x, y, 15, 15)
    expected = Cutout2D(plane, (x, y), 15, mode="partial", fill_value=np.nan).data
    whole = np.isfinite(expected)
    np.testing.assert_array_equal(cut.pixels[..., 0][whole], expected[whole])
    assert cut.missing == pytest.approx(1 - whole.mean())
    assert cut.beyond == pytest.approx(1 - whole.mean())


def test_shrinking_takes_the_mean_of_pixels() -> None:
    plane = np.arange(64.0, dtype=np.float32).reshape(8, 8)
    cut = cut_field([plane], 3.5, 3.5, 8, 4)
    expected = plane.reshape(4, 2, 4, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(cut.pixels[..., 0], expected)


def test_enlarging_is_centred_on_the_position_to_a_fraction_of_a_pixel() -> None:
    ramp = np.tile(np.arange(100.0, dtype=np.float32), (100, 1))
    cut = cut_field([ramp, ramp.T], 40.25, 61.75, 10, 40)
    along = 40.25 + (np.arange(40) - 19.5) * 10 / 40
    down = 61.75 + (np.arange(40) - 19.5) * 10 / 40
    np.testing.assert_allclose(cut.pixels[..., 0], np.tile(along, (40, 1)), atol=0.02)
    np.testing.assert_allclose(cut.pixels[..., 1], np.tile(down, (40, 1)).T, atol=0.02)


@pytest.mark.parametrize("kind", ["nan", "zeros", "fill"])
def test_gaps_are_measured_and_filled(plane: np.ndarray, kind: str) -> None:
    plane = plane.astype(np.float32)
    plane[:, 45:] = {"nan": np.nan, "zeros": 0, "fill": 1e30}[kind]
    cut = cut_field([plane], 40, 30, 20, 10)
    assert cut.missing == pytest.approx(5 / 20)
    assert cut.beyond == 0
    assert np.isfinite(cut.pixels).all()
    if kind != "zeros":  # the median of the rest
        assert cut.pixels[:, -1, 0] == pytest.approx(np.nanmedian(plane[20:40, 30:45]))


def test_a_gap_in_one_band_is_a_gap(plane: np.ndarray) -> None:
    other = plane.astype(np.float32)
    other[:, :35] = np.nan
    assert cut_field([plane, other], 40, 30, 20, 10).missing == pytest.approx(5 / 20)


def test_zeros_here_and_there_are_data() -> None:
    counts = np.random.default_rng(0).poisson(2, (40, 40)).astype(np.float32)
    assert (counts == 0).mean() > 0.1
    assert cut_field([counts], 20, 20, 20, 10).missing == 0


def test_whole_numbers_of_zero_are_data() -> None:
    assert cut_field([np.zeros((40, 40), np.int16)], 20, 20, 20, 10).missing == 0


def test_no_data_at_the_position_is_refused(plane: np.ndarray) -> None:
    plane = plane.astype(np.float32)
    plane[25:36, 35:46] = np.nan
    with pytest.raises(ImageError, match="in a gap of the tile"):
        cut_field([plane], 40, 30, 20, 10)


@pytest.mark.parametrize("side", [2.9, 1e9, float("nan")])
def test_impossible_sides_are_refused(plane: np.ndarray, side: float) -> None:
    with pytest.raises(ImageError, match="pixels of the tile"):
        cut_field([plane], 40, 30, side, 10)


def test_a_slice_has_the_very_pixels_and_says_where_it_begins(plane: np.ndarray) -> None:
    field, column, row = slice_field([plane, plane], 5.2, 30.4, 21)
    assert (column, row) == (-5, 20)
    assert field.pixels.shape == (21, 21, 2)
    np.testing.assert_array_equal(field.pixels[:, 5:, 0], plane[20:41, :16])
    assert np.isnan(field.pixels[:, :5]).all()
    assert field.missing == pytest.approx(5 / 21)
    assert field.beyond == pytest.approx(5 / 21)
