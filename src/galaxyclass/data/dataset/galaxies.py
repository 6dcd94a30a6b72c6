"""The galaxies of a training or of a scoring, as rows of packs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.tasks.targets import Values


class Chain:
    """The images of several packs as one sequence."""

    def __init__(self, packs: Sequence[NDArray[np.uint8]]) -> None:
        self.packs = packs
        self.ends = np.cumsum([len(pack) for pack in packs])

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        pack_of_row = np.searchsorted(self.ends, rows, side="right")
        images = np.empty((len(rows), *self.packs[0].shape[1:]), dtype=np.uint8)
        for pack in np.unique(pack_of_row):
            in_pack = pack_of_row == pack
            first = self.ends[pack] - len(self.packs[pack])
            images[in_pack] = self.packs[pack][rows[in_pack] - first]
        return images


@dataclass(frozen=True)
class Galaxies:
    """Galaxies to train on or to score, as rows of packs.

    Attributes
    ----------
    images : (packed, side, side, channels) uint8
        A pack's memory map, or a `Chain` of several; read only where it is needed.
    rows : (galaxies,) int64
        The row of each galaxy in `images`.
    targets : (galaxies, answers) float32 with NaN unknown, or (galaxies,) int64 with -1 unknown
    auxiliary : tuple of (galaxies, …)
        The values of each for each auxiliary task, of the same types as targets.
    """

    images: NDArray[np.uint8] | Chain
    rows: NDArray[np.int64]
    targets: NDArray[np.float32] | NDArray[np.int64]
    auxiliary: tuple[Values, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def cutouts(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(indices, side, side, channels) uint8 cutouts of some galaxies."""
        return self.images[self.rows[indices]]
