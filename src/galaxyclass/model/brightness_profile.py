"""How bright and how uneven a galaxy is at each distance from its centre, in each channel.

Differences between these logarithms are colours, colour gradients, concentration and contrast: what
a network that was taught shapes passes on badly, and what tells types of galaxies apart.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles

#: Outer radii of the rings, as shares of half the side; the last one takes in the corners.
RADII = (0.08, 0.16, 0.28, 0.42, 0.6, 0.8, 1.5)

#: Added to brightnesses of 0..1, and their square to variances, so that logarithms are finite.
LEAST_BRIGHTNESS = 0.01


def profile_width(channels: int) -> int:
    """The number of columns of a profile: a mean and a spread for each ring and channel."""
    return 2 * len(RADII) * channels


@lru_cache(maxsize=8)
def ring_weights(height: int, width: int) -> NDArray[np.float32]:
    """(height × width, rings) weights of pixels in the mean over each ring.

    Examples
    --------
    >>> ring_weights(81, 81).sum(axis=0).round(4).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    y, x = np.mgrid[:height, :width]
    radius = np.hypot((y + 0.5) / height * 2 - 1, (x + 0.5) / width * 2 - 1).ravel()
    rings = []
    for inner, outer in zip((0.0, *RADII), RADII, strict=False):
        distance = np.abs(radius - (inner + outer) / 2)
        # Of small cutouts, the pixels that are nearest to a ring without any.
        inside = distance <= max((outer - inner) / 2, float(distance.min()) + 1e-9)
        rings.append(inside / inside.sum())
    return np.stack(rings, axis=1).astype(np.float32)


def brightness_profile(cutouts: NDArray[np.uint8]) -> Doubles:
    """The profiles of cutouts.

    Parameters
    ----------
    cutouts : (galaxies, height, width, channels) uint8

    Returns
    -------
    (galaxies, 2 × rings × channels) float64
        Natural logarithms: of the mean brightness (0..1) of each ring, all rings of the first
        channel first; then of the standard deviation within each ring.

    Examples
    --------
    >>> cutouts = np.full((1, 32, 32, 3), 255, np.uint8)
    >>> brightness_profile(cutouts)[0, [0, -1]].round(2).tolist()
    [0.01, -4.61]
    """
    galaxies, height, width, channels = cutouts.shape
    weights = ring_weights(height, width)
    flat = cutouts.reshape(galaxies, height * width, channels).swapaxes(1, 2)
    pixels = flat.astype(np.float32) * np.float32(1 / 255)
    means = pixels @ weights
    # About the outermost ring, the largest: squares of small numbers lose no digits.
    middle = means[:, :, -1:]
    squares = (pixels - middle) ** 2 @ weights
    variances = np.maximum(squares - (means - middle) ** 2, 0)
    profile = np.concatenate(
        [
            np.log(means + np.float32(LEAST_BRIGHTNESS)).reshape(galaxies, -1),
            np.log(variances + np.float32(LEAST_BRIGHTNESS**2)).reshape(galaxies, -1) / 2,
        ],
        axis=1,
    )
    return profile.astype(np.float64)
