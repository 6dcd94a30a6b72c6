"""Progressive resizing: training on smaller cutouts first, which is faster."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def side_in(epoch: int, epochs: int, side: int, steps: Sequence[tuple[int, float]]) -> int:
    """The side of the cutouts in an epoch, pixels.

    Parameters
    ----------
    epoch : int
        Counted from 0.
    epochs : int
        Of the whole training.
    side : int
        Of the full cutouts.
    steps : sequence of (side, share)
        A smaller side, and the share of the epochs after which it ends.

    Examples
    --------
    >>> [side_in(epoch, 10, 80, [(48, 0.4), (64, 0.7)]) for epoch in range(10)]
    [48, 48, 48, 48, 64, 64, 64, 80, 80, 80]
    """
    for smaller, share in steps:
        if epoch < share * epochs:
            return min(smaller, side)
    return side


def shrunk(cutouts: Tensor, side: int) -> Tensor:
    """Cutouts shrunk by area averaging, as in cutting out.

    Parameters
    ----------
    cutouts : (galaxies, height, width, channels) uint8
    side : int

    Returns
    -------
    (galaxies, side, side, channels) uint8
    """
    if cutouts.shape[1] == side:
        return cutouts
    small = functional.interpolate(cutouts.permute(0, 3, 1, 2).float(), size=side, mode="area")
    return small.round_().to(torch.uint8).permute(0, 2, 3, 1)
