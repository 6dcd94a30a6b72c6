"""Where cutouts lie: values worked by hand on drawn images."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxyclass.images.cutout_boxes import CutoutBox, centre_box, contour_box


def dark(height: int = 200, width: int = 200) -> NDArray[Any]:
    return np.zeros((height, width), np.uint8)


def test_centre_of_even_and_odd_sides() -> None:
    assert centre_box(424, 424, 256) == CutoutBox(84, 84, 256, 256)
    assert centre_box(423, 423, 256) == CutoutBox(83, 83, 256, 256)
    assert centre_box(100, 300) == CutoutBox(100, 0, 100, 100)
    assert centre_box(100, 100, 120) == CutoutBox(-10, -10, 120, 120)


def test_contour_of_a_rectangle() -> None:
    grey = dark()
    grey[60:100, 50:130] = 200  # x 50, y 60, 80 wide, 40 high
    # longer 80, padding int(0.1 * 80) = 8: from (42, 52) to (50 + 80 + 8, 60 + 80 + 8) =
    # (138, 148), a square of 96. The rectangle is not in its middle: rows 52..147, its own 60..99.
    assert contour_box(grey) == CutoutBox(42, 52, 96, 96)


def test_contour_padding_is_rounded_down() -> None:
    grey = dark()
    grey[60:79, 50:60] = 200  # 10 wide, 19 high: padding int(1.9) = 1
    assert contour_box(grey) == CutoutBox(49, 59, 21, 21)


def test_contour_of_a_small_object_has_no_padding() -> None:
    grey = dark()
    grey[60:69, 50:59] = 200  # 9 wide: padding int(0.9) = 0
    assert contour_box(grey) == CutoutBox(50, 60, 9, 9)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ((0, 40), (80, 120)),  # at the top: starts at row -4
        ((80, 120), (2, 42)),  # 2 from the left, with a padding of 4
        ((80, 120), (160, 200)),  # at the right
        ((150, 170), (20, 120)),  # wide, near the bottom: the square ends at 150 + 100 + 10 = 260
    ],
)
def test_contour_that_leaves_the_image_takes_it_whole(
    rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    grey = dark()
    grey[slice(*rows), slice(*columns)] = 200
    assert contour_box(grey) == CutoutBox(0, 0, 200, 200)


def test_contour_square_that_just_fits() -> None:
    grey = dark()
    # 50 wide, padding 5: ends at 145 + 50 + 5 = 200, the image's own end; one further is too far.
    grey[145:195, 145:195] = 200
    assert contour_box(grey) == CutoutBox(140, 140, 60, 60)
    assert contour_box(grey[:199]) == CutoutBox(0, 0, 200, 199)


def test_contour_takes_the_largest_box_not_the_centre_nor_the_most_pixels() -> None:
    grey = dark()
    grey[95:105, 95:105] = 255  # the galaxy: box 100
    grey[20:60, 20] = 255  # an L-shaped streak: 79 pixels, box 1600
    grey[59, 20:60] = 255
    assert contour_box(grey) == CutoutBox(16, 16, 48, 48)


def test_contour_of_a_ring_and_its_hole() -> None:
    grey = dark()
    grey[50:150, 50:150] = 200
    grey[70:130, 70:130] = 0
    assert contour_box(grey) == CutoutBox(40, 40, 120, 120)


def test_contour_needs_more_than_ten() -> None:
    grey = dark()
    grey[60:100, 60:100] = 10
    assert contour_box(grey) == CutoutBox(0, 0, 200, 200)
    grey[60:100, 60:100] = 11
    assert contour_box(grey) == CutoutBox(56, 56, 48, 48)


def test_contour_of_black_and_of_white_takes_the_whole() -> None:
    # Black: there is no contour, hence no box to crop to. White: the crop leaves the image.
    assert contour_box(dark(100, 150)) == CutoutBox(0, 0, 150, 100)
    assert contour_box(np.full((100, 150), 255, np.uint8)) == CutoutBox(0, 0, 150, 100)


def test_contour_tie_is_settled_by_the_order_of_opencv() -> None:
    grey = dark()
    grey[20:40, 20:40] = 200
    grey[120:140, 150:170] = 200  # OpenCV lists contours from the bottom up
    assert contour_box(grey) == CutoutBox(148, 118, 24, 24)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.01, 0.99))
def test_contour_agrees_with_all_contours_on_noise(seed: int, share: float) -> None:
    """Regions stand for contours inside; OpenCV's own list of contours is the reference."""
    grey = (np.random.default_rng(seed).random((24, 31)) < share).astype(np.uint8) * 255
    contours, _ = cv2.findContours(grey, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    expected = CutoutBox(0, 0, 31, 24)
    best = 0
    for contour in contours:
        x, y, width, height = cv2.boundingRect(contour)
        if width * height > best:
            best, longer = width * height, max(width, height)
            pad = longer // 10
            end = longer + 2 * pad
            fits = x >= pad and y >= pad and x - pad + end <= 31 and y - pad + end <= 24
            expected = CutoutBox(x - pad, y - pad, end, end) if fits else CutoutBox(0, 0, 31, 24)
    assert contour_box(grey) == expected
