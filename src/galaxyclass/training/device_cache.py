"""The device cache: galaxies that stay in a GPU's memory during a training, if there is room.

A batch is then a look-up on the GPU: a step reads no file and copies nothing to the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.training.data import BatchSource, PackedGalaxies, TrainingBatch

#: Share of the device's free memory for galaxies; the rest is for the network.
_SHARE = 0.25
#: Galaxies that are copied to the device at a time.
_CHUNK = 4096


@dataclass(frozen=True)
class CachedGalaxies:
    """Galaxies on a device, a row each: their cutouts, targets and auxiliary values."""

    cutouts: Tensor
    targets: Tensor
    auxiliary: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.cutouts)

    def batch(self, indices: NDArray[np.int64]) -> TrainingBatch:
        """The galaxies of some indices, on the device."""
        at = torch.from_numpy(indices).to(self.cutouts.device, non_blocking=self.cutouts.is_cuda)
        labels = tuple(labels[at] for labels in self.auxiliary)
        return TrainingBatch(self.cutouts[at], self.targets[at], labels)


def size_of(galaxies: Galaxies) -> int:
    """Bytes of the cutouts of some galaxies."""
    if not len(galaxies):
        return 0
    return len(galaxies) * galaxies.cutouts(np.zeros(1, np.int64)).size


def cache_on(galaxies: Galaxies, device: torch.device) -> CachedGalaxies:
    """The same galaxies with cutouts, targets and classes on a device."""
    shape = galaxies.cutouts(np.zeros(min(1, len(galaxies)), np.int64)).shape[1:]
    cutouts = torch.empty((len(galaxies), *shape), dtype=torch.uint8, device=device)
    for start in range(0, len(galaxies), _CHUNK):
        indices = np.arange(start, min(start + _CHUNK, len(galaxies)))
        chunk = torch.from_numpy(galaxies.cutouts(indices))
        cutouts[start : start + len(indices)] = chunk.to(device)
    return CachedGalaxies(
        cutouts,
        torch.from_numpy(galaxies.targets).to(device),
        tuple(torch.from_numpy(labels).to(device) for labels in galaxies.auxiliary),
    )


def cached_where_possible(
    parts: Mapping[str, Galaxies], device: torch.device, free: int | None = None
) -> dict[str, BatchSource]:
    """The parts of a training, cached on its device if that is a GPU with room for all of them.

    Parameters
    ----------
    parts : mapping
        Galaxies by part.
    device : torch.device
    free : int, optional
        Free memory of the device, bytes; by default asked of CUDA. Other devices share their memory
        with the CPU, where a pack's memory map is as fast.
    """
    if free is None:
        free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0
    if sum(map(size_of, parts.values())) > _SHARE * free:
        return {part: PackedGalaxies(galaxies) for part, galaxies in parts.items()}
    return {part: cache_on(galaxies, device) for part, galaxies in parts.items()}
