"""Frames: parts of a cutout about its middle, in each of which a network sees the galaxy.

A network sees a galaxy well at the scale that it was trained for, and something else of it at
another one. A finetuned model looks at each galaxy in several frames, all of them parts of one
cutout, and takes the mean of what the network says of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.recipes.preprocessing import Preprocessing


@dataclass(frozen=True)
class Frame:
    """A part of a cutout about its middle.

    Attributes
    ----------
    share : float
        Its side, as a share of the cutout's: above 0, at most 1.
    weight : float
        In the mean over all frames of a model, where weights sum to 1.
    """

    share: float
    weight: float


@lru_cache(maxsize=16)
def frame_weights(size: int, share: float, side: int) -> tuple[slice, NDArray[np.float32]]:
    """How the pixels of a part of a cutout, along one axis, are made of those of the cutout.

    Where the part shrinks, each pixel is the mean over the pixels that it covers; where it is
    enlarged, it is interpolated linearly.

    Parameters
    ----------
    size : int
        Side of the cutout, pixels.
    share : float
        Side of the part, as a share of the cutout's.
    side : int
        Pixels along the side of the part as the network takes it.

    Returns
    -------
    pixels : slice
        Those of the cutout that the part needs.
    weights : (side, pixels) float32
        Rows sum to 1.

    Examples
    --------
    >>> pixels, weights = frame_weights(8, 0.5, 2)
    >>> pixels, weights.tolist()
    (slice(2, 6, None), [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]])
    """
    step = share * size / side
    edges = (size - share * size) / 2 + step * np.arange(side + 1)
    pixels = np.arange(size)
    if step >= 1:
        covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
        weights = np.maximum(covered, 0)
    else:
        middles = np.clip((edges[1:] + edges[:-1]) / 2 - 0.5, 0, size - 1)
        weights = np.maximum(1 - np.abs(middles[:, None] - pixels), 0)
    weights[weights < 1e-9] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.flatnonzero(weights.any(axis=0))
    taken = slice(int(used[0]), int(used[-1]) + 1)
    return taken, weights[:, taken].astype(np.float32)


@lru_cache(maxsize=16)
def _taps(
    size: int, share: float, side: int
) -> tuple[slice, list[tuple[NDArray[np.int64], NDArray[np.float32]]]]:
    """The weights of `frame_weights` without its zeros: of each pixel, a few pixels and weights.

    To add these up takes a third of the time of a product with the whole matrix, and no threads.
    """
    pixels, weights = frame_weights(size, share, side)
    first = (weights > 0).argmax(axis=1)
    count = int((weights > 0).sum(axis=1).max())
    padded = np.pad(weights, ((0, 0), (0, count)))
    row = np.arange(side)
    return pixels, [
        (np.minimum(first + tap, weights.shape[1] - 1), padded[row, first + tap])
        for tap in range(count)
    ]


def cut_frames(cutouts: NDArray[np.uint8], frames: Sequence[Frame], side: int) -> NDArray[np.uint8]:
    """The parts of cutouts, as the network takes them.

    Parameters
    ----------
    cutouts : (galaxies, size, size, channels) uint8
    frames : sequence of Frame
        `Manifest.frames`; none: the cutouts themselves.
    side : int
        Pixels along the side of what the network takes.

    Returns
    -------
    (frames × galaxies, side, side, channels) uint8
        All galaxies in the first frame, then in the next.

    Examples
    --------
    >>> cut_frames(np.zeros((2, 8, 8, 3), np.uint8), [Frame(1, 0.5), Frame(0.5, 0.5)], 4).shape
    (4, 4, 4, 3)
    """
    if not frames:
        return cutouts
    galaxies, size, _, channels = cutouts.shape
    parts = np.empty((len(frames), galaxies, side, side, channels), np.uint8)
    for frame, part in zip(frames, parts, strict=True):
        pixels, taps = _taps(size, frame.share, side)
        for image, cut in zip(cutouts[:, pixels, pixels], part, strict=True):
            rows = sum(weight[:, None, None] * image[taken] for taken, weight in taps)
            mixed = sum(weight[:, None] * rows[:, taken] for taken, weight in taps)
            np.rint(mixed, out=cut, casting="unsafe")
    return parts.reshape(-1, side, side, channels)


def mean_over_frames(array: NDArray[np.floating], frames: Sequence[Frame]) -> Doubles:
    """(galaxies, …) the mean over the frames of an array (frames × galaxies, …).

    Examples
    --------
    >>> mean_over_frames(np.array([[0.0], [4.0]]), [Frame(1, 0.75), Frame(0.5, 0.25)]).tolist()
    [[1.0]]
    """
    weights = np.array([frame.weight for frame in frames])
    each = array.reshape(len(frames), -1, *array.shape[1:]).astype(np.float64)
    return np.asarray(np.tensordot(weights, each, axes=1))


def frame_sides(preprocessing: Preprocessing, frames: Sequence[Frame]) -> str:
    """The frames in words: in pixels of an image, or as shares of it.

    Examples
    --------
    >>> frames = [Frame(1, 0.5), Frame(0.7071, 0.5)]
    >>> frame_sides(Preprocessing(frame=290), frames)
    'frames of 290, 205 px'
    >>> frame_sides(Preprocessing(), frames)
    'frames of 100 %, 71 % of the image'
    """
    side = preprocessing.frame
    if side is None:
        return f"frames of {shares_in_words(frames)} of the image"
    return f"frames of {', '.join(f'{side * frame.share:.0f}' for frame in frames)} px"


def shares_in_words(frames: Sequence[Frame]) -> str:
    """The frames as shares of a cutout."""
    return ", ".join(f"{100 * frame.share:.0f} %" for frame in frames)
