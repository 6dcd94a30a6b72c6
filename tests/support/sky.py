"""A folder of simulated galaxies, and settings that make a training on it take a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galaxyclass.data.catalog.catalog import Catalog, Ids

#: The recipe `fast` on tiny cutouts: all of its layers, with a quarter of the channels.
TINY = (
    "images.size=16",
    "images.frame=none",
    "model.width=0.25",
    "training.batch_size=16",
    "training.epochs=4",
    "training.progressive_resizing=[]",
    "training.precision=fp32",
)


def changed(settings: Sequence[str], *changes: str) -> tuple[str, ...]:
    """Settings, some of them with other values: none may stand twice."""
    return tuple({text.partition("=")[0]: text for text in (*settings, *changes)}.values())


@dataclass(frozen=True)
class Sky:
    """Images, the table of their votes, and where their packs are kept."""

    images: Path
    table: Path
    cache: Path


def no_catalog() -> Catalog:
    """A catalog of no galaxies, for a job of which only the network matters."""
    nothing = np.empty(0, dtype=object)
    return Catalog(
        ids=Ids("id", nothing, integer=False),
        paths=nothing,
        rows=np.empty(0, dtype=np.int64),
        targets=None,
        other=None,
        problems=(),
        unlisted=(),
        images=Path("images"),
        table=None,
    )
