"""A folder of simulated galaxies, and settings that make a training on it take a second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: The recipe `fast` on tiny cutouts.
TINY = (
    "images.size=16",
    "images.frame=none",
    "training.batch_size=16",
    "training.epochs=4",
    "training.progressive_resizing=[]",
    "training.precision=fp32",
)


@dataclass(frozen=True)
class Sky:
    """Images, the table of their votes, and where their packs are kept."""

    images: Path
    table: Path
    cache: Path
