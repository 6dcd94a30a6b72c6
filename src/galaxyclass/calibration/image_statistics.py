"""Image statistics: what a cutout looks like, in a few numbers that need no network.

A network predicts something for any image, and its features of a cat may lie among its features of
galaxies. These numbers do not: a galaxy is a light in the middle of a dark sky, brighter towards
its centre, smooth, of few colours.

They are computed for every image that is predicted, so that they must cost little beside a network:
all cutouts of a batch at once, each channel by itself, in memory in which it lies side by side.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.channels import to_three

#: Half a step of brightness in 255, so that the logarithm of black is finite.
_BLACK = np.float32(0.004)
#: Brightness that counts as white.
_WHITE = np.float32(0.98)
#: From a byte to 0..1.
_UNIT = np.float32(1 / 255)

#: What is measured of the grey image, and then of each of two colour differences.
STATISTICS = (
    "border: median", "border: spread", "border: brightest",
    "middle: mean", "middle: spread",
    "all: mean", "all: spread", "all: 5 %", "all: 50 %", "all: 95 %", "all: 99 %", "all: brightest",
    "light within 1/4", "light within 1/2", "light within 3/4", "light above the border",
    "steps between neighbours", "the same, of the spread",
    "bends at the pixel", "the same, in the border",
    "difference from the image upside down", "the same, of the spread",
    "share that is white", "share that is black",
)  # fmt: skip
COLOUR_STATISTICS = ("of the light", "everywhere", "in the border")


def statistic_names(channels: int) -> tuple[str, ...]:
    """The names of the `image_statistics` of cutouts with so many channels.

    Examples
    --------
    >>> len(statistic_names(1)), len(statistic_names(3))
    (24, 30)
    """
    if channels == 1:
        return STATISTICS
    return STATISTICS + tuple(
        f"{pair}: {where}" for pair in ("R-G", "B-G") for where in COLOUR_STATISTICS
    )


def image_statistics(cutouts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Describe cutouts by their brightness, where it is, their roughness and their colours.

    Parameters
    ----------
    cutouts : (galaxies, height, width, channels) uint8
        8 pixels or more each way. Of bands that are not red, green and blue, the last, the middle
        and the first stand for these.

    Returns
    -------
    (galaxies, statistics) float32
        In the order of `statistic_names`; brightnesses and differences as natural logarithms (of
        0..1), shares as they are.

    Raises
    ------
    ImageError
        The array is not one of cutouts.

    Examples
    --------
    >>> blank, noise = np.zeros((2, 1, 32, 32, 3), np.uint8)
    >>> noise = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    >>> statistics = image_statistics(np.concatenate([blank, noise]))
    >>> statistics.shape, bool(statistics[1, 6] > statistics[0, 6])  # the spread
    ((2, 30), True)
    """
    if cutouts.ndim != 4 or not cutouts.shape[3] or min(cutouts.shape[1:3]) < 8:
        raise ImageError(
            "not an array of cutouts",
            wanted="(galaxies, height, width, channels), 8 pixels or more a side",
            got=str(cutouts.shape),
        )
    cutouts = to_three(cutouts)
    if not len(cutouts):
        return np.empty((0, len(statistic_names(cutouts.shape[3]))), np.float32)
    galaxies, height, width = len(cutouts), cutouts.shape[1] // 2, cutouts.shape[2] // 2
    halved, bends = _reduce(cutouts)
    regions, grey = _regions(height, width), _grey(halved)
    pixels = grey.shape[1]
    border, middle = _taken(grey, regions.border), _taken(grey, regions.middle)
    of_border = np.sort(border.T, axis=1)
    sky = _median(of_border)
    light, total, within = _measure_light(grey, sky, regions)
    ordered = np.sort(grey, axis=1)
    mean, spread = _mean_and_spread(ordered)
    shares = [ordered[:, int(share * (pixels - 1))] for share in (0.05, 0.5, 0.95, 0.99, 1)]
    images = grey.reshape(galaxies, height, width)
    steps = (_steps(images, 1) + _steps(images, 2)) / 2
    turned = _mean(_absolute(grey - grey[:, ::-1]))
    statistics = [
        *_logs(sky, _spread_of(border), of_border[:, -1]),
        *_logs(_mean_of(middle), _spread_of(middle)),
        *_logs(mean, spread, *shares),
        *within,
        *_logs(total),
        *_logs(steps),
        steps / (spread + np.float32(0.01)),
        *_logs(_mean(bends), _mean_of(_taken(bends, regions.pixels))),
        *_logs(turned),
        turned / (spread + np.float32(0.01)),
        [(pixels - row.searchsorted(_WHITE)) / pixels for row in ordered],
        [row.searchsorted(_BLACK, "right") / pixels for row in ordered],
    ]
    if halved.shape[1] == 3:
        for channel in (0, 2):
            colour = halved[:, channel] - halved[:, 1]
            of_the_light = 5 * _mean(light * colour) / total
            depth = _absolute(colour)
            statistics += [
                of_the_light,
                *_logs(_mean(depth), _mean_of(_taken(depth, regions.border))),
            ]
    return np.stack(statistics, axis=1, dtype=np.float32)


def central_light(cutouts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(galaxies,) The image statistic ``light within 1/4`` alone: how large galaxies appear.

    ``cutouts`` are those of `image_statistics`; of none there is nothing to tell.
    """
    grey = _grey(_reduce(to_three(cutouts))[0])
    regions = _regions(cutouts.shape[1] // 2, cutouts.shape[2] // 2)
    sky = _median(np.sort(grey.take(regions.border, axis=1), axis=1))
    return np.asarray(_measure_light(grey, sky, regions).within[0], np.float32)


class _Regions:
    """Where border and middle are in a halved image of that size.

    ``border`` and ``middle`` are indices of its pixels, row by row; ``pixels`` are those of the
    border in the image itself, without its outermost columns; ``discs`` are (pixels, 3) float32
    weights of the discs of 1/4, 1/2 and 3/4 of the half side.
    """

    def __init__(self, height: int, width: int) -> None:
        square, radius = _distances(height, width)
        # Of the smallest cutouts, the outermost and the innermost pixels.
        border = square > min(0.8, square.max() - 1e-6)
        self.border = np.flatnonzero(border)
        self.middle = np.flatnonzero(radius < max(0.25, radius.min() + 1e-6))
        discs = [radius.ravel() < share for share in (0.25, 0.5, 0.75)]
        self.discs = np.stack(discs, axis=1).astype(np.float32)
        self.pixels = np.flatnonzero(border.repeat(2, axis=0).repeat(2, axis=1)[:, 1:-1])


@lru_cache(maxsize=8)
def _regions(height: int, width: int) -> _Regions:
    return _Regions(height, width)


def _distances(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far each pixel is from the centre, along the farther axis and in a straight line."""
    y, x = np.mgrid[:height, :width]
    v, u = (y + 0.5) / height * 2 - 1, (x + 0.5) / width * 2 - 1
    return np.maximum(abs(u), abs(v)), np.hypot(u, v)


def _reduce(cutouts: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is described of cutouts: halved images, and the bends of the images themselves.

    One cutout after the other, each channel by itself: so much fits into a core's first cache.

    Returns
    -------
    halved : (galaxies, channels, pixels) float32
        The mean of each two by two pixels, 0..1: enough for most statistics, four times as fast.
    bends : (galaxies, pixels) float32
        How much the green (or grey) of each pixel differs from the mean of those beside it, 0..1,
        without the first and the last pixel of each row.
    """
    galaxies, height, width, channels = cutouts.shape
    rows, columns = height // 2, width // 2
    planes = np.empty((channels, height, width), np.uint8)
    even = np.empty((channels, 2 * rows, 2 * columns), np.float32)
    halved = np.empty((galaxies, channels * rows, columns), np.float32)
    bends = np.empty((galaxies, 2 * rows, 2 * columns - 2), np.float32)
    # Second differences of the green, of all rows as if they were one.
    green = even[channels // 2].reshape(-1)
    second = np.empty_like(green)
    inner = second.reshape(2 * rows, 2 * columns)[:, 1:-1]
    below = even.reshape(-1, 2 * columns)
    images = np.ascontiguousarray(cutouts)
    for cutout, means, differences in zip(images, halved, bends, strict=True):
        cv2.split(cutout, list(planes))
        even[...] = planes[:, : 2 * rows, : 2 * columns]
        # OpenCV's mean of four pixels is exact.
        cv2.resize(below, (columns, channels * rows), dst=means, interpolation=cv2.INTER_AREA)
        np.add(green[:-2], green[2:], out=second[1:-1])
        second[1:-1] -= green[1:-1]
        second[1:-1] -= green[1:-1]
        np.abs(inner, out=differences)
    halved *= _UNIT
    bends *= _UNIT
    return halved.reshape(galaxies, channels, -1), bends.reshape(galaxies, -1)


def _grey(halved: NDArray[np.float32]) -> NDArray[np.float32]:
    """(galaxies, pixels) The mean of the channels."""
    total = halved[:, 0].copy()
    for channel in range(1, halved.shape[1]):
        total += halved[:, channel]
    total /= np.float32(halved.shape[1])
    return total


class _Light(NamedTuple):
    """What is brighter than the sky, and by how much.

    ``pixels`` is (galaxies, pixels), ``total`` their mean (galaxies,), ``within`` the shares within
    1/4, 1/2 and 3/4 of the half side (3, galaxies).
    """

    pixels: NDArray[np.float32]
    total: NDArray[np.float32]
    within: NDArray[np.float32]


def _measure_light(
    grey: NDArray[np.float32], sky: NDArray[np.float32], regions: _Regions
) -> _Light:
    light = grey - sky[:, None]
    np.maximum(light, 0, out=light)
    total = _mean(light) + np.float32(1e-3)
    return _Light(light, total, (light @ regions.discs).T / total / grey.shape[1])


def _taken(images: NDArray[np.float32], indices: NDArray[np.intp]) -> NDArray[np.float32]:
    """(indices, galaxies) Some pixels of (galaxies, pixels)."""
    return np.ascontiguousarray(images.take(indices, axis=1).T)


def _median(ordered: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median of numbers in order."""
    last = ordered.shape[1] - 1
    return (ordered[:, last // 2] + ordered[:, (last + 1) // 2]) / np.float32(2)


def _steps(images: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    steps = _absolute(np.diff(images, axis=axis))
    return _mean(steps.reshape(len(images), -1))


def _absolute(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The absolute values, in the same memory."""
    np.abs(values, out=values)
    return values


def _mean(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of each image; numpy's own takes three times as long for so few."""
    means: NDArray[np.float32] = np.add.reduce(images, axis=1)
    means /= np.float32(images.shape[1])
    return means


def _mean_of(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean over (places, galaxies)."""
    if places.shape[1] == 1:
        return _mean(places.T)
    # One place after the other, as numpy does it, in a fourth of its time.
    means = np.asarray(cv2.reduce(places, 0, cv2.REDUCE_SUM)[0], np.float32)
    means /= np.float32(len(places))
    return means


def _spread_of(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """The standard deviation over (places, galaxies)."""
    away = places - _mean_of(places)
    away *= away
    return np.sqrt(_mean_of(away))


def _mean_and_spread(
    images: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean and the standard deviation of each image."""
    mean = _mean(images)
    away = images - mean[:, None]
    away *= away
    return mean, np.sqrt(_mean(away))


def _logs(*values: NDArray[np.floating]) -> list[NDArray[np.float32]]:
    return [np.log(value + _BLACK, dtype=np.float32) for value in values]
