from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxyclass.images.cutouts import (
    CUTOUTS,
    centre_cutout,
    contour_cutout,
    make_cutout,
    object_cutout,
)
from galaxyclass.images.read import read_image
from galaxyclass.recipes.preprocessing import Preprocessing


def quarters(side: int = 64) -> NDArray[Any]:
    """Four colours: red, green, blue, white."""
    image = np.zeros((side, side, 3), np.uint8)
    half = side // 2
    image[:half, :half, 0] = 200
    image[:half, half:, 1] = 200
    image[half:, :half, 2] = 200
    image[half:, half:] = 200
    return image


def test_every_choice_of_the_settings_is_a_cutout() -> None:
    choices = Preprocessing.model_fields["cutout"].annotation.__args__
    assert set(CUTOUTS) == set(choices)


def test_shrinking_by_a_whole_number_averages() -> None:
    image = np.zeros((8, 8, 1), np.uint8)
    image[0, 0], image[0, 1], image[1, 0], image[1, 1] = 10, 20, 30, 40
    cutout = centre_cutout(image, 4)
    assert cutout[0, 0, 0] == 25  # the mean of the four
    assert cutout.sum() == 25


def test_centre_takes_the_middle() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[16:48, 16:48] = quarters(32)
    assert np.array_equal(centre_cutout(image, 32, 32), quarters(32))


def test_centre_beyond_the_image_is_filled_with_the_borders_colour() -> None:
    image = np.full((32, 32, 3), (7, 8, 9), np.uint8)
    image[12:20, 12:20] = 200
    cutout = centre_cutout(image, 64, 64)
    assert cutout[0, 0].tolist() == cutout[63, 63].tolist() == [7, 8, 9]
    assert np.array_equal(cutout[16:48, 16:48], image)


def test_contour_crops_and_shrinks_by_area() -> None:
    image = np.zeros((200, 200, 1), np.uint8)
    image[60:100, 50:130] = 200
    # The frame is (42, 52) to (138, 148), 96 a side: a cutout of 48 averages 2 x 2. The rectangle
    # fills columns (50 - 42) / 2 = 4 to (130 - 42) / 2 = 44 and rows 4 to (100 - 52) / 2 = 24.
    expected = np.zeros((48, 48, 1), np.uint8)
    expected[4:24, 4:44] = 200
    assert np.array_equal(contour_cutout(image, 48), expected)


def test_contour_of_colour_is_found_in_grey() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    image[60:100, 50:130] = (0, 0, 87)  # grey 0.114 * 87 = 9.9: rounded 10, not above 10
    assert contour_cutout(image, 50)[0, 0].tolist() == [0, 0, 0]
    assert contour_cutout(image, 50)[20, 20].tolist() == [0, 0, 87]  # the whole, 4 x 4 averaged
    image[60:100, 50:130] = (0, 0, 97)  # grey 11.06: above
    assert contour_cutout(image, 48)[4, 4].tolist() == [0, 0, 97]


def test_contour_squeezes_a_whole_image_that_is_not_square() -> None:
    image = np.zeros((50, 100, 1), np.uint8)
    image[:, :50] = 9
    cutout = contour_cutout(image, 25)
    assert cutout[:, :12].min() == 9
    assert cutout[:, 13:].max() == 0


def test_object_puts_the_object_in_the_middle() -> None:
    image = np.full((300, 300, 3), 5, np.uint8)
    image[100:160, 120:180] = 150  # its centre is (130, 150)
    cutout = object_cutout(image, 40, margin=0.5)  # a frame of about 120: the object is half of it
    bright = np.argwhere(cutout[..., 0] > 75)
    assert np.abs(bright.min(axis=0) - 10).max() <= 2
    assert np.abs(bright.max(axis=0) - 29).max() <= 2


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 80),
    width=st.integers(1, 80),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 1000),
    cutout=st.sampled_from(sorted(CUTOUTS)),
    colour=st.sampled_from(["rgb", "grey"]),
    size=st.integers(8, 40),
    frame=st.none() | st.integers(8, 100),
)
def test_any_image_gives_the_shape_of_the_settings(
    height: int,
    width: int,
    channels: int,
    seed: int,
    cutout: str,
    colour: str,
    size: int,
    frame: int | None,
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    settings = Preprocessing(cutout=cutout, colour=colour, size=size, frame=frame)
    prepared = make_cutout(image, settings)
    assert prepared.shape == settings.shape
    assert prepared.dtype == np.uint8


@pytest.mark.parametrize("cutout", sorted(CUTOUTS))
def test_the_image_is_left_as_it_was(cutout: str) -> None:
    image = quarters()
    make_cutout(image, Preprocessing(cutout=cutout, size=16))
    assert np.array_equal(image, quarters())


def test_grey_is_the_weighted_mean() -> None:
    image = np.full((32, 32, 3), (255, 0, 0), np.uint8)
    assert np.unique(make_cutout(image, Preprocessing(size=8, colour="grey"))).tolist() == [76]


@pytest.mark.galaxies
def test_real_galaxies_in_grey_and_colour_have_the_same_contour_frame(galaxies: Path) -> None:
    for path in sorted((galaxies / "galaxy-zoo-challenge" / "images").glob("*.jpg"))[:20]:
        grey = contour_cutout(read_image(path, "grey"), 150)
        colour = make_cutout(
            read_image(path), Preprocessing(cutout="contour", size=150, colour="grey")
        )
        # The mean of a mean is rounded once more.
        assert np.abs(grey.astype(int) - colour).max() <= 1
