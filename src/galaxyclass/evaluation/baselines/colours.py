"""The colours of an image that baselines use: of its central pixel, of its centre, its mean."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.read import read_image
from galaxyclass.progress import Progress, silent
from galaxyclass.workers.processes import core_count

#: Side of the square around the central pixel that the challenge's benchmark averages, in pixels.
PATCH = 10

#: Images that are given to the threads together: enough to keep them busy, few enough for memory.
_IMAGES_AT_ONCE = 256


@dataclass(frozen=True)
class Colours:
    """Colours of some images, or of one (without the first axis).

    Attributes
    ----------
    pixel : (images, 3) uint8
        Red, green, blue of the central pixel, 0..255. Of an even number of rows (columns) it is
        the lower (right) one of the middle two: number ``size // 2``, counted from 0.
    centre : (images, 3) int64
        Mean of the ten rows and columns around it (5 before it, itself and 4 after), in 16 bits,
        0..65535, rounded down: what the challenge's benchmark calls the central pixel.
    mean : (images, 3) float64
        Mean of the whole image, 0..255.
    """

    pixel: NDArray[np.uint8]
    centre: NDArray[np.int64]
    mean: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.pixel)

    def take(self, indices: NDArray[np.int64]) -> Colours:
        """The colours of the images at (n,) indices."""
        return Colours(self.pixel[indices], self.centre[indices], self.mean[indices])


def colours_of(image: NDArray[np.uint8]) -> Colours:
    """The colours of one image, as it is, before any cutout.

    Parameters
    ----------
    image : (height, width, 3) uint8 array
        Red, green, blue.

    Returns
    -------
    Colours
        Arrays (3,). A square that would leave a very small image ends at its border.

    Examples
    --------
    >>> image = np.zeros((4, 6, 3), np.uint8)
    >>> image[2, 3] = (240, 120, 24)
    >>> colours = colours_of(image)
    >>> colours.pixel.tolist(), colours.mean.tolist()
    ([240, 120, 24], [10.0, 5.0, 1.0])
    """
    height, width = image.shape[:2]
    row, column = height // 2, width // 2
    half = PATCH // 2
    square = image[max(row - half, 0) : row + half, max(column - half, 0) : column + half]
    # An 8-bit value v is 257 v in 16 bits. The benchmark divided whole numbers, rounding down.
    sums = square.sum(axis=(0, 1), dtype=np.int64) * 257
    return Colours(
        pixel=image[row, column].copy(),
        centre=sums // (square.shape[0] * square.shape[1]),
        mean=image.mean(axis=(0, 1), dtype=np.float64),
    )


def measure_colours(
    paths: Sequence[str], *, workers: int | None = None, progress: Progress = silent
) -> Colours:
    """The colours of image files, each decoded once.

    Threads suffice, as decoding releases Python's global lock.

    Parameters
    ----------
    paths : sequence of str
    workers : int, optional
        Images that are decoded at the same time; by default one for each core.
    progress : Progress
        Stage ``colours``.

    Raises
    ------
    ImageError
        One of them cannot be decoded.
    """
    measured: list[Colours] = []
    with ThreadPoolExecutor(workers or core_count()) as pool:
        for start in range(0, len(paths), _IMAGES_AT_ONCE):
            measured += pool.map(_measure, paths[start : start + _IMAGES_AT_ONCE])
            progress("colours", len(measured), len(paths))
    return Colours(
        pixel=np.array([colours.pixel for colours in measured], np.uint8).reshape(-1, 3),
        centre=np.array([colours.centre for colours in measured], np.int64).reshape(-1, 3),
        mean=np.array([colours.mean for colours in measured], np.float64).reshape(-1, 3),
    )


def _measure(path: str) -> Colours:
    return colours_of(read_image(path))
