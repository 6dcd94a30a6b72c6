"""Galaxies that lie on a GPU for the whole of a training, where there is room for them.

A batch is then a look-up there: nothing is read, and nothing crosses to the device, in a step.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from galaxyclass.training.data import Galaxies

#: Of the device's free memory, so much may be galaxies: the rest is for the network.
_SHARE = 0.25
#: Galaxies that cross to the device at a time.
_CHUNK = 4096


def size_of(galaxies: Galaxies) -> int:
    """Bytes of the cutouts of some galaxies."""
    if not len(galaxies):
        return 0
    return len(galaxies) * galaxies.batch(np.zeros(1, np.int64)).cutouts.numel()


def resident(galaxies: Galaxies, device: torch.device) -> Galaxies:
    """The same galaxies with cutouts, targets and classes on a device."""
    shape = galaxies.batch(np.zeros(min(1, len(galaxies)), np.int64)).cutouts.shape[1:]
    images = torch.empty((len(galaxies), *shape), dtype=torch.uint8, device=device)
    for start in range(0, len(galaxies), _CHUNK):
        places = np.arange(start, min(start + _CHUNK, len(galaxies)))
        images[start : start + len(places)] = galaxies.batch(places).cutouts.to(device)
    return replace(
        galaxies,
        images=images,
        rows=np.arange(len(galaxies)),
        targets=galaxies.targets.to(device),
        auxiliary=tuple(labels.to(device) for labels in galaxies.auxiliary),
    )


def brought_near(
    parts: dict[str, Galaxies], device: torch.device, free: int | None = None
) -> dict[str, Galaxies]:
    """The parts of a training, on its device where that is a GPU with room for all of them.

    Parameters
    ----------
    parts : dict
        Galaxies by part.
    device : torch.device
    free : int, optional
        Free memory of the device, bytes; asked of CUDA unless told otherwise. Other devices share
        their memory with the processor, or are it: there, a pack's memory map is as near.
    """
    if free is None:
        free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0
    if sum(map(size_of, parts.values())) > _SHARE * free:
        return parts
    return {part: resident(galaxies, device) for part, galaxies in parts.items()}
