"""A small sky to compare on, and settings that make a trial take a few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from galaxyclass.simulation.folders import simulate

#: The recipe `fast` on tiny cutouts.
TINY = (
    "images.size=16",
    "images.frame=none",
    "training.batch_size=16",
    "training.precision=fp32",
    # As many as the tests have in their own process: sums in another order end elsewhere.
    "training.threads=1",
    "training.ema=0",
)


@dataclass(frozen=True)
class Sky:
    """A folder of simulated galaxies with votes."""

    images: Path
    table: Path
    cache: Path


@pytest.fixture(scope="session")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Sky:
    """Sixty galaxies of 64 pixels."""
    folder = tmp_path_factory.mktemp("sky")
    simulate(60, output=folder / "sky", size=64, seed=3, workers=1)
    return Sky(folder / "sky" / "images", folder / "sky" / "votes.csv", folder / "cache")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run side by side; the processes of trials take what the environment tells them."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
