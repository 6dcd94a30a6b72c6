"""A small sky to train on, and settings that make a training take a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from galaxyclass.data.catalog.catalog import Catalog, Ids
from galaxyclass.simulation.folders import simulate

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
    """A folder of simulated galaxies with votes."""

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


@pytest.fixture(scope="session")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Sky:
    """Sixty galaxies of 64 pixels."""
    folder = tmp_path_factory.mktemp("sky")
    simulate(60, output=folder / "sky", size=64, seed=3, workers=1)
    return Sky(folder / "sky" / "images", folder / "sky" / "votes.csv", folder / "cache")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tests run side by side; a network that waits for a second core is slower than with one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
