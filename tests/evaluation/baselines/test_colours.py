"""Colours of images, against pixels that were put there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from galaxyclass.errors import ImageError
from galaxyclass.evaluation.baselines.colours import colours_of, measure_colours
from galaxyclass.images.read import read_image


@pytest.mark.parametrize(
    ("height", "width", "row", "column"), [(424, 424, 212, 212), (423, 30, 211, 15), (1, 2, 0, 1)]
)
def test_the_central_pixel_of_even_and_odd_sizes(
    height: int, width: int, row: int, column: int
) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    image[row, column] = (250, 120, 30)
    assert colours_of(image).pixel.tolist() == [250, 120, 30]


def test_the_centre_is_ten_by_ten_pixels_in_16_bits_rounded_down() -> None:
    image = np.full((424, 424, 3), 255, np.uint8)
    image[207:217, 207:217] = 0  # rows and columns 207 to 216 around pixel 212, as in the benchmark
    assert colours_of(image).centre.tolist() == [0, 0, 0]
    image[207, 216] = (1, 2, 255)
    # 1 of 100 pixels: 257/100, 514/100 and 65535/100, rounded down
    assert colours_of(image).centre.tolist() == [2, 5, 655]


def test_the_mean_is_of_the_whole_image() -> None:
    image = np.zeros((3, 4, 3), np.uint8)
    image[0, 0], image[2, 3] = (240, 12, 0), (0, 12, 6)
    assert colours_of(image).mean.tolist() == [20.0, 2.0, 0.5]


def test_files_are_measured_in_order(tmp_path: Path) -> None:
    paths = []
    for number in range(7):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.new("RGB", (20, 20), (number, 10 * number, 0)).save(paths[-1])
    seen = []
    colours = measure_colours(paths, workers=3, progress=lambda *a, **k: seen.append(a))
    assert colours.pixel.tolist() == [[n, 10 * n, 0] for n in range(7)]
    assert colours.mean.tolist() == colours.pixel.tolist()
    assert seen[-1] == ("colours", 7, 7)
    assert len(colours.take(np.array([6, 1]))) == 2


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no image")
    with pytest.raises(ImageError, match=r"a\.jpg"):
        measure_colours([str(tmp_path / "a.jpg")])


def test_of_real_galaxies(galaxies: Path) -> None:
    path = galaxies / "galaxy-zoo-challenge" / "images" / "100008.jpg"
    image, colours = read_image(path), measure_colours([str(path)])
    assert image.shape == (424, 424, 3)
    np.testing.assert_array_equal(colours.pixel[0], image[212, 212])
    np.testing.assert_allclose(colours.mean[0], image.reshape(-1, 3).mean(axis=0))
    square = image[207:217, 207:217].reshape(-1, 3).mean(axis=0) * 257
    np.testing.assert_array_equal(colours.centre[0], np.floor(square + 1e-9))
