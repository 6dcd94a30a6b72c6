"""Training batches from a pack, in an order drawn from the seed and the epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from galaxyclass.data.dataset.galaxies import Galaxies


class BatchSource(Protocol):
    """A source of batches: a pack (`PackedGalaxies`) or the device cache."""

    def __len__(self) -> int: ...

    def batch(self, indices: NDArray[np.int64]) -> TrainingBatch:
        """The galaxies at (n,) indices."""


class PackedGalaxies:
    """Galaxies of a pack, whose cutouts are read when a batch needs them."""

    def __init__(self, galaxies: Galaxies) -> None:
        self.galaxies = galaxies

    def __len__(self) -> int:
        return len(self.galaxies)

    def batch(self, indices: NDArray[np.int64]) -> TrainingBatch:
        """The galaxies at (n,) indices, as tensors on the CPU."""
        galaxies = self.galaxies
        return TrainingBatch(
            torch.from_numpy(galaxies.cutouts(indices)),
            torch.from_numpy(galaxies.targets[indices]),
            tuple(torch.from_numpy(labels[indices]) for labels in galaxies.auxiliary),
        )


class TrainingBatch(NamedTuple):
    """Some galaxies: cutouts, targets and auxiliary classes.

    Attributes
    ----------
    cutouts : (galaxies, side, side, channels) uint8
    targets : (galaxies, answers) float32 with NaN unknown, or (galaxies,) int64 with -1 unknown
    auxiliary : tuple of (galaxies, …)
        The values of each for each auxiliary task, of the same types as targets.
    """

    cutouts: Tensor
    targets: Tensor
    auxiliary: tuple[Tensor, ...] = ()


def on_device(batch: TrainingBatch, device: str) -> TrainingBatch:
    """A batch on a device."""
    return TrainingBatch(
        batch.cutouts.to(device),
        batch.targets.to(device),
        tuple(labels.to(device) for labels in batch.auxiliary),
    )


@dataclass(frozen=True)
class Replica:
    """One of several processes that train the same network."""

    number: int = 0
    count: int = 1


ALONE = Replica()


class Batches:
    """A pass over galaxies, batch by batch; a loader for Lightning.

    Several replicas share each step: ``count`` replicas with ``batch_size`` process the same
    galaxies as one with ``count * batch_size``.

    Parameters
    ----------
    galaxies : Galaxies or BatchSource
    batch_size : int
    seed : int or None
        None keeps the galaxies' order; otherwise each epoch has its own.
    shuffle_buffer : int
        Galaxies to draw the next one from (as TensorFlow's ``shuffle``); 0: from all of them.
    replica : Replica
        Of several processes that train together, each takes its share of every step.

    Notes
    -----
    `epoch` is set by the module when an epoch begins. The order depends only on the seed and the
    epoch, so that a resumed training has the batches of an uninterrupted one.
    """

    def __init__(
        self,
        galaxies: Galaxies | BatchSource,
        batch_size: int,
        *,
        seed: int | None,
        shuffle_buffer: int = 0,
        replica: Replica = ALONE,
    ) -> None:
        self.galaxies = PackedGalaxies(galaxies) if isinstance(galaxies, Galaxies) else galaxies
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle_buffer = shuffle_buffer
        self.replica = replica
        self.epoch = 0

    def __len__(self) -> int:
        return math.ceil(len(self.galaxies) / (self.batch_size * self.replica.count))

    def __iter__(self) -> Iterator[TrainingBatch]:
        order, count = self.order(), self.replica.count
        if self.seed is not None:
            # Every replica must take part in every step: the first galaxies pad the last step.
            order = np.resize(order, math.ceil(len(order) / count) * count)
        step = self.batch_size * count
        for start in range(0, len(order), step):
            share = np.array_split(order[start : start + step], count)[self.replica.number]
            yield self.galaxies.batch(share)

    def order(self) -> NDArray[np.int64]:
        """(galaxies,) indices in the order of this epoch."""
        count = len(self.galaxies)
        if self.seed is None:
            return np.arange(count)
        rng = np.random.default_rng([self.seed, self.epoch])
        if self.shuffle_buffer == 0 or self.shuffle_buffer >= count:
            return rng.permutation(count)
        return _buffered(count, self.shuffle_buffer, rng)


def _buffered(count: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Shuffle through a buffer that is refilled in order."""
    buffer = np.arange(size)
    order = np.empty(count, dtype=np.int64)
    picks = rng.integers(size, size=count - size)
    for index, pick in enumerate(picks):
        order[index] = buffer[pick]
        buffer[pick] = size + index
    order[count - size :] = rng.permutation(buffer)
    return order
