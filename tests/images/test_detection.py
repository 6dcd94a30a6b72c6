"""The object at the centre, on drawn skies whose truth is known and on real galaxies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxyclass.images.cutout_boxes import CutoutBox
from galaxyclass.images.detection import object_box
from galaxyclass.images.read import read_image


def sky(side: int = 424, level: float = 6.0, noise: float = 4.0, seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).normal(level, noise, (side, side))


def blob(
    side: int,
    row: float,
    column: float,
    radius: int,
    peak: int,
    flat: float = 1.0,
    angle: float = 0.0,
) -> NDArray[Any]:
    """A Gaussian of that radius (its sigma along the long axis), squeezed and turned."""
    rows, columns = np.mgrid[0:side, 0:side]
    down, along = rows - row, columns - column
    turned = np.cos(angle) * along + np.sin(angle) * down
    across = (np.cos(angle) * down - np.sin(angle) * along) / flat
    return peak * np.exp(-(turned**2 + across**2) / (2 * radius**2))


def picture(*layers: Any) -> NDArray[Any]:
    grey = np.clip(sum(layers), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def covers(frame: CutoutBox, row: int, column: int, reach: float) -> bool:
    return (
        frame.left <= column - reach
        and frame.top <= row - reach
        and frame.left + frame.width >= column + reach
        and frame.top + frame.height >= row + reach
    )


def middle(frame: CutoutBox) -> tuple[float, float]:
    return frame.top + frame.height / 2, frame.left + frame.width / 2


@pytest.mark.parametrize("peak", [25, 80, 220])
def test_a_round_galaxy_is_framed_about_its_middle(peak: int) -> None:
    frame = object_box(picture(sky(), blob(424, 212, 212, 20, peak)), margin=0.25)
    assert np.abs(np.subtract(middle(frame), 212)).max() < 8
    assert covers(frame, 212, 212, 40)  # two sigmas: 86 % of the light
    assert frame.width < 260


def test_the_frame_follows_the_galaxy_off_the_centre() -> None:
    frame = object_box(picture(sky(), blob(424, 180, 250, 20, 120)))
    assert np.abs(np.subtract(middle(frame), (180, 250))).max() < 8


@pytest.mark.parametrize("angle", [0.0, 0.8, 1.57])
def test_an_edge_on_disc_is_not_cut_off(angle: float) -> None:
    frame = object_box(picture(sky(), blob(424, 212, 212, 60, 150, flat=0.08, angle=angle)))
    reach = 120 * max(abs(np.cos(angle)), abs(np.sin(angle)))  # two sigmas, along an axis
    assert covers(frame, 212, 212, reach)


def test_a_bright_star_beside_the_galaxy_is_left_aside() -> None:
    alone = object_box(picture(sky(), blob(424, 212, 212, 18, 90)))
    star = blob(424, 212, 330, 9, 900)
    beside = object_box(picture(sky(), blob(424, 212, 212, 18, 90), star))
    assert np.abs(np.subtract(middle(beside), 212)).max() < 20
    assert beside.width < 1.3 * alone.width
    assert covers(beside, 212, 212, 36)


def test_a_neighbour_whose_light_touches_is_told_apart() -> None:
    ours, theirs = blob(424, 212, 212, 16, 100), blob(424, 212, 290, 16, 160)
    frame = object_box(picture(sky(), ours, theirs))
    assert covers(frame, 212, 212, 32)
    assert abs(middle(frame)[1] - 212) < 20  # without telling apart it would be 251


def test_a_close_pair_is_framed_as_one() -> None:
    frame = object_box(picture(sky(), blob(424, 212, 195, 16, 120), blob(424, 212, 225, 16, 120)))
    assert covers(frame, 212, 195, 30)
    assert covers(frame, 212, 225, 30)


def test_a_galaxy_larger_than_the_image_gives_the_whole() -> None:
    frame = object_box(picture(sky(128), blob(128, 64, 64, 50, 200)))
    assert (frame.left, frame.top, frame.width, frame.height) == (0, 0, 128, 128)


def test_the_frame_is_moved_into_the_image_not_filled_with_sky() -> None:
    frame = object_box(picture(sky(), blob(424, 130, 212, 30, 150)), margin=0.6)
    assert frame.top == 0
    assert frame.inside(424, 424)
    assert covers(frame, 130, 212, 60)


def test_more_margin_more_sky() -> None:
    image = picture(sky(), blob(424, 212, 212, 15, 120))
    sides = [object_box(image, margin).width for margin in (0.0, 0.25, 0.5, 1.0)]
    box = sides[0]
    assert sides == pytest.approx([box, 1.5 * box, 2 * box, 3 * box], abs=2)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((424, 424, 3), np.uint8),
        np.full((424, 424, 3), 255, np.uint8),
        np.full((424, 424, 1), 7, np.uint8),
        picture(sky(level=10)),
        picture(sky(), blob(424, 20, 20, 8, 200)),  # something, but far from the centre
    ],
    ids=["black", "white", "flat", "noise", "corner"],
)
def test_where_nothing_stands_out_the_centre_is_taken(image: NDArray[Any]) -> None:
    frame = object_box(image)
    assert (frame.left, frame.top, frame.width, frame.height) == (0, 0, 424, 424)


def test_the_largest_square_of_an_oblong_image_is_taken() -> None:
    frame = object_box(np.zeros((100, 300, 3), np.uint8))
    assert (frame.left, frame.top, frame.width, frame.height) == (100, 0, 100, 100)


def test_a_nearly_black_image_still_shows_its_galaxy() -> None:
    frame = object_box(picture(sky(level=0, noise=0.3), blob(424, 212, 212, 20, 14)))
    assert np.abs(np.subtract(middle(frame), 212)).max() < 8
    assert frame.width < 200


def test_black_strips_at_the_edge_of_a_survey_are_not_taken_for_sky() -> None:
    image = picture(sky(level=14), blob(424, 212, 212, 20, 120))
    image[:, :100] = 0
    frame = object_box(image)
    assert np.abs(np.subtract(middle(frame), 212)).max() < 10
    assert frame.width < 250


@settings(max_examples=30, deadline=None)
@given(quarters=st.integers(1, 3), seed=st.integers(0, 100))
def test_a_turned_image_has_a_turned_frame(quarters: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    row, column = rng.uniform(195, 229, 2)
    galaxy = blob(424, row, column, 25, 120, flat=rng.uniform(0.3, 1))
    image = picture(sky(seed=seed), galaxy)
    frame = object_box(image)
    turned = object_box(np.ascontiguousarray(np.rot90(image, quarters)))
    assert abs(frame.width - turned.width) <= 0.15 * frame.width


@pytest.mark.galaxies
def test_real_galaxies_are_framed_near_the_centre_and_not_by_chance(galaxies: Path) -> None:
    """The challenge's cutouts are centred and scaled by the galaxy's radius: so are the frames."""
    paths = sorted((galaxies / "galaxy-zoo-challenge" / "images").glob("*.jpg"))[::50]
    frames = [object_box(read_image(path)) for path in paths]
    offsets = [np.abs(np.subtract(middle(frame), 212)).max() for frame in frames]
    sides = np.array([frame.width for frame in frames])
    assert np.mean(np.array(offsets) < 30) > 0.9
    assert 150 < np.median(sides) < 300
    assert np.mean(sides > 400) < 0.2  # the whole image: only large galaxies and bright haloes
