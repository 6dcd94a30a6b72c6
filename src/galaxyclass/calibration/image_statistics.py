"""Image statistics: what a cutout looks like, in a few numbers that need no network.

A network predicts something for any image, and its features of a cat may lie among its features of
galaxies. These numbers do not: a galaxy is a light in the middle of a dark sky, brighter towards
its centre, smooth, of few colours.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.channels import to_three

#: Half a step of brightness in 255, so that the logarithm of black is finite.
_BLACK = np.float32(0.004)

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
    halved = _halve(cutouts)
    grey = _grey(halved)
    regions = _regions(*grey.shape[1:])
    border, middle = grey[:, regions.border], grey[:, regions.middle]
    pixels = grey.shape[1] * grey.shape[2]
    flat = np.sort(grey.reshape(len(grey), pixels), axis=1)
    spread = flat.std(axis=1)
    sky = np.median(border, axis=1)
    light = np.maximum(grey - sky[:, None, None], 0)
    total = light.mean(axis=(1, 2)) + np.float32(1e-3)
    steps = (_steps(grey, 1) + _steps(grey, 2)) / 2
    bends = _bends(cutouts)
    turned = np.abs(grey - grey[:, ::-1, ::-1]).mean(axis=(1, 2))
    ordered = [flat[:, int(share * (pixels - 1))] for share in (0.05, 0.5, 0.95, 0.99, 1)]
    statistics = [
        *_logs(sky, border.std(axis=1), border.max(axis=1)),
        *_logs(middle.mean(axis=1), middle.std(axis=1)),
        *_logs(flat.mean(axis=1), spread, *ordered),
        *(light.reshape(len(light), pixels) @ regions.discs).T / total / pixels,
        *_logs(total),
        *_logs(steps),
        steps / (spread + np.float32(0.01)),
        *_logs(bends.mean(axis=(1, 2)), bends[:, regions.pixels].mean(axis=1)),
        *_logs(turned),
        turned / (spread + np.float32(0.01)),
        (flat >= 0.98).mean(axis=1),
        (flat <= _BLACK).mean(axis=1),
    ]
    if cutouts.shape[3] == 3:
        for channel in (0, 2):
            colour = halved[..., channel] - halved[..., 1]
            statistics += [
                5 * (light * colour).mean(axis=(1, 2)) / total,
                *_logs(np.abs(colour).mean(axis=(1, 2))),
                *_logs(np.abs(colour[:, regions.border]).mean(axis=1)),
            ]
    return np.stack(statistics, axis=1, dtype=np.float32)


class _Regions:
    """Where border and middle are in a halved image of that size.

    ``pixels`` is the border in the image itself, without its outermost columns; ``discs`` are
    (pixels, 3) float32 weights of the discs of 1/4, 1/2 and 3/4 of the half side.
    """

    def __init__(self, height: int, width: int) -> None:
        square, radius = _distances(height, width)
        # Of the smallest cutouts, the outermost and the innermost pixels.
        self.border = square > min(0.8, square.max() - 1e-6)
        self.middle = radius < max(0.25, radius.min() + 1e-6)
        discs = [radius.ravel() < share for share in (0.25, 0.5, 0.75)]
        self.discs = np.stack(discs, axis=1).astype(np.float32)
        self.pixels = self.border.repeat(2, axis=0).repeat(2, axis=1)[:, 1:-1]


@lru_cache(maxsize=8)
def _regions(height: int, width: int) -> _Regions:
    return _Regions(height, width)


def _distances(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far each pixel is from the centre, along the farther axis and in a straight line."""
    y, x = np.mgrid[:height, :width]
    v, u = (y + 0.5) / height * 2 - 1, (x + 0.5) / width * 2 - 1
    return np.maximum(abs(u), abs(v)), np.hypot(u, v)


def _halve(cutouts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The mean of each two by two pixels, 0..1: enough for most statistics, four times as fast."""
    height, width = (side // 2 for side in cutouts.shape[1:3])
    even = cutouts[:, : 2 * height, : 2 * width].astype(np.float32)
    halved = np.empty((len(cutouts), height, width, cutouts.shape[3]), np.float32)
    # OpenCV's mean of four is exact, and takes half the time of numpy's sums of strided pixels.
    for image, means in zip(even, halved, strict=True):
        shrunk = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        means[...] = shrunk.reshape(means.shape)
    return halved * np.float32(1 / 255)


def _grey(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the channels; numpy's own is slow where there are only three."""
    total = images[..., 0]
    for channel in range(1, images.shape[3]):
        total = total + images[..., channel]
    return np.asarray(total / np.float32(images.shape[3]), np.float32)


def _bends(cutouts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much the green (or grey) of each pixel differs from the mean of those beside it, 0..1."""
    height, width = (side // 2 * 2 for side in cutouts.shape[1:3])
    plane = cutouts[:, :height, :width, cutouts.shape[3] // 2].astype(np.int16)
    bends = np.abs(2 * plane[:, :, 1:-1] - plane[:, :, :-2] - plane[:, :, 2:])
    return np.asarray(bends * np.float32(1 / 255), np.float32)


def _steps(grey: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    return np.asarray(np.abs(np.diff(grey, axis=axis)).mean(axis=(1, 2)), np.float32)


def _logs(*values: NDArray[np.floating]) -> list[NDArray[np.float32]]:
    return [np.log(value + _BLACK, dtype=np.float32) for value in values]
