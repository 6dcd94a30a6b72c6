"""What a training reads: batches from a pack, in an order drawn from the seed and the epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Galaxies:
    """Galaxies to train on or to score, as rows of a pack.

    Attributes
    ----------
    images : (packed, side, side, channels) uint8
        A pack's memory map; read only where a batch needs it.
    rows : (galaxies,) int64
        The row of each galaxy in `images`.
    targets : (galaxies, answers) float32 with NaN unknown, or (galaxies,) int64 with -1 unknown
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.int64]
    targets: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, places: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Cutouts ``(galaxies, side, side, channels)`` uint8 and targets at some places."""
        cutouts = torch.from_numpy(self.images[self.rows[places]])
        return cutouts, self.targets[torch.from_numpy(places)]


class Batches:
    """A pass over galaxies, batch by batch; a loader for Lightning.

    Parameters
    ----------
    galaxies : Galaxies
    batch_size : int
    seed : int or None
        None keeps the galaxies' order; otherwise each epoch has its own.
    shuffle_buffer : int
        Galaxies to draw the next one from (as TensorFlow's ``shuffle``); 0: from all of them.

    Notes
    -----
    `epoch` is set by the module when an epoch begins: the order depends on the seed and the epoch
    alone, so that a resumed training sees what an uninterrupted one would have seen.
    """

    def __init__(
        self, galaxies: Galaxies, batch_size: int, *, seed: int | None, shuffle_buffer: int = 0
    ) -> None:
        self.galaxies = galaxies
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle_buffer = shuffle_buffer
        self.epoch = 0

    def __len__(self) -> int:
        return math.ceil(len(self.galaxies) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = self.order()
        for start in range(0, len(order), self.batch_size):
            yield self.galaxies.batch(order[start : start + self.batch_size])

    def order(self) -> NDArray[np.int64]:
        """The order of this epoch."""
        count = len(self.galaxies)
        if self.seed is None:
            return np.arange(count)
        rng = np.random.default_rng([self.seed, self.epoch])
        if self.shuffle_buffer == 0 or self.shuffle_buffer >= count:
            return rng.permutation(count)
        return _buffered(count, self.shuffle_buffer, rng)


def _buffered(count: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Shuffle through a buffer that is refilled from the front of the line."""
    buffer = np.arange(size)
    order = np.empty(count, dtype=np.int64)
    picks = rng.integers(size, size=count - size)
    for place, pick in enumerate(picks):
        order[place] = buffer[pick]
        buffer[pick] = size + place
    order[count - size :] = rng.permutation(buffer)
    return order
