"""Views: exactly numpy's where they are exact, and where they are not, what geometry says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from galaxyclass.model.views import make_views, turn

NOISE = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_first_eight_are_numpys_and_all_of_the_square(channels: int) -> None:
    cutouts = NOISE[..., :channels]
    views = list(make_views(cutouts, 8))
    assert np.array_equal(views[0], cutouts)
    mirrored = np.flip(cutouts, axis=2)
    all_eight = [np.rot90(one, k, axes=(1, 2)) for one in (cutouts, mirrored) for k in range(4)]
    assert {view.tobytes() for view in views} == {one.tobytes() for one in all_eight}
    assert len({view.tobytes() for view in views}) == 8
    for view in views:
        assert view.flags.c_contiguous
        assert view.dtype == np.uint8


def test_one_view_is_the_very_array() -> None:
    (view,) = make_views(NOISE, 1)
    assert view is NOISE or np.shares_memory(view, NOISE)


@pytest.mark.parametrize("count", [1, 2, 5, 8, 9, 16, 40])
def test_as_many_as_are_wanted_and_all_different(count: int) -> None:
    views = list(make_views(NOISE, count))
    assert len({view.tobytes() for view in views}) == count
    assert all(view.shape == NOISE.shape for view in views)
    for first, view in zip(make_views(NOISE, 8), views, strict=False):
        assert np.array_equal(first, view)


@pytest.mark.parametrize("count", [1, 4, 8, 16])
def test_without_mirrors_no_view_is_a_mirror_image(count: int) -> None:
    """A red dot to the right and a green one above: a turn keeps the way from red to green."""
    cutouts = np.zeros((1, 33, 33, 3), np.uint8)
    cutouts[0, 14:19, 24:29, 0] = 255
    cutouts[0, 4:9, 14:19, 1] = 255

    def handed(view: NDArray[Any]) -> float:
        y, x = np.mgrid[:33, :33] - 16.0
        (rx, gx), (ry, gy) = (
            [float((view[0, ..., colour] * axis).sum()) for colour in (0, 1)] for axis in (x, y)
        )
        return np.sign(rx * gy - ry * gx)

    expected = handed(cutouts)
    assert expected != 0
    assert handed(cutouts[:, :, ::-1]) == -expected
    assert {handed(view) for view in make_views(cutouts, count, mirrors=False)} == {expected}
    if count > 1:
        assert {handed(view) for view in make_views(cutouts, count)} == {expected, -expected}


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("quarters", range(4))
def test_turning_by_quarters_is_numpys(quarters: int, mirror: bool) -> None:
    source = NOISE[:, :, ::-1] if mirror else NOISE
    expected = np.rot90(source, quarters, axes=(1, 2))
    np.testing.assert_array_equal(turn(NOISE, 90 * quarters, mirror=mirror), expected)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(("angle", "zoom"), [(30, 1.0), (77, 1.1), (200, 0.9), (0, 1.25)])
def test_a_slope_is_turned_as_geometry_says(angle: int, zoom: float, mirror: bool) -> None:
    """A plane is what bilinear sampling keeps exactly, but for rounding to whole grey levels."""
    side = 41
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    slope = np.array([2.0, -1.2])  # grey levels a pixel, to the right and down
    plane = 128 + slope[0] * x + slope[1] * y
    seen = turn(np.round(plane).astype(np.uint8)[None, ..., None], angle, zoom, mirror=mirror)
    radians = np.radians(angle)
    if mirror:
        slope = slope * [-1, 1]
    # counterclockwise with y down: (1, 0) becomes (cos, -sin)
    turned = np.array(
        [
            np.cos(radians) * slope[0] + np.sin(radians) * slope[1],
            -np.sin(radians) * slope[0] + np.cos(radians) * slope[1],
        ]
    )
    expected = 128 + (turned[0] * x + turned[1] * y) / zoom
    inside = np.hypot(x, y) < 0.8 * side / 2
    assert np.abs(seen[0, ..., 0] - expected)[inside].max() < 1.2


def test_a_round_galaxy_stays_as_it_is_when_turned_and_grows_by_the_zoom() -> None:
    y, x = np.mgrid[:64, :64] - 31.5
    galaxy = (250 * np.exp(-(x**2 + y**2) / (2 * 6**2))).astype(np.uint8)[None, ..., None]
    for angle in (10, 45, 123):
        assert np.abs(turn(galaxy, angle).astype(int) - galaxy).max() <= 4
    grown = turn(galaxy, 30, 1.1).astype(float).sum() / galaxy.sum()
    assert grown == pytest.approx(1.1**2, rel=0.02)


def test_beyond_the_edge_is_what_training_sees_there() -> None:
    """The transform and the reflection of the augmentation, by torch."""
    torch = pytest.importorskip("torch")
    from galaxyclass.networks.augmentation.affine import warp

    rng = np.random.default_rng(1)
    smooth = rng.integers(0, 256, (2, 6, 6, 3)).astype(np.uint8).repeat(6, 1).repeat(6, 2)
    angle, zoom = 33.0, 0.9
    cosine, sine = np.cos(np.radians(angle)) / zoom, np.sin(np.radians(angle)) / zoom
    matrix = torch.tensor([[[cosine, -sine, 0], [sine, cosine, 0]]] * 2, dtype=torch.float32)
    images = torch.from_numpy(smooth).permute(0, 3, 1, 2).float()
    expected = warp(images, matrix, 36, "reflect").permute(0, 2, 3, 1).numpy()
    difference = np.abs(turn(smooth, angle, zoom) - expected)
    assert difference.mean() < 1  # OpenCV samples at 32nds of a pixel
    assert np.quantile(difference, 0.999) < 8


def test_further_angles_are_spread_evenly_between_the_quarters() -> None:
    """Of a bar, whose angle can be read off the view."""
    cutouts = np.zeros((1, 65, 65, 1), np.uint8)
    cutouts[0, 31:34, 12:53] = 255
    y, x = np.mgrid[:65, :65] - 32.0

    def angle(view: NDArray[Any]) -> float:
        light = view[0, ..., 0].astype(float)
        return np.degrees(np.arctan2(2 * (light * x * y).sum(), (light * (x**2 - y**2)).sum())) / 2

    turned = sorted(angle(view) % 90 for view in list(make_views(cutouts, 16))[8:])
    steps = np.minimum(np.array(turned), 90 - np.array(turned))
    np.testing.assert_allclose(sorted(steps), np.repeat([10, 20, 30, 40], 2), atol=0.5)


def test_views_of_a_network_to_which_the_exact_ones_are_one() -> None:
    (view,) = make_views(NOISE, 1, invariant=True)
    assert np.array_equal(view, NOISE)
    views = list(make_views(NOISE, 4, invariant=True))
    exact = {view.tobytes() for view in make_views(NOISE, 8)}
    assert not exact & {view.tobytes() for view in views}
    assert len({view.tobytes() for view in views}) == 4
    disc = np.zeros((1, 33, 33, 1), np.uint8)
    y, x = np.mgrid[:33, :33] - 16.0
    disc[0, np.hypot(x, y) < 10, 0] = 200
    plain, larger = (int(view.sum(dtype=np.int64)) for view in make_views(disc, 2, invariant=True))
    assert plain == pytest.approx(int(disc.sum(dtype=np.int64)), rel=0.02)
    assert larger / plain == pytest.approx(1.15**2, rel=0.02)
