"""A folder of small pictures, each of its own colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from galaxyclass.images.packs.shards import MadeShard, make_shard
from galaxyclass.recipes.preprocessing import Preprocessing

SETTINGS = Preprocessing(cutout="centre", size=16)


def draw(folder: Path, count: int, side: int = 24) -> list[str]:
    """Small PNG pictures: number, number // 256 and noise in the three channels."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(count)
    paths = []
    for number in range(count):
        pixels = rng.integers(0, 256, (side, side, 3), np.uint8)
        pixels[..., 0], pixels[..., 1] = number % 256, number // 256
        paths.append(str(folder / f"{number:04d}.png"))
        Image.fromarray(pixels).save(paths[-1], compress_level=0)
    return paths


@pytest.fixture
def few(tmp_path: Path) -> list[str]:
    return draw(tmp_path / "images", 5)


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Enough for several processes: 500 pictures, eight shards."""
    return draw(tmp_path_factory.mktemp("many"), 500)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first image of each shard that is made in this process, as it is made."""
    from galaxyclass.images.packs import write

    made: list[str] = []

    def count(paths: list[str], *others: Any) -> MadeShard:
        made.append(paths[0])
        return make_shard(paths, *others)

    monkeypatch.setattr(write, "make_shard", count)
    return made


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every shard is made by another process, however few there are."""
    from galaxyclass.images.packs import write
    from galaxyclass.workers import processes

    def work(*arguments: Any, in_thread: Callable[..., Any]) -> Iterator[Any]:
        assert callable(in_thread)
        return processes.work_in_processes(*arguments)

    monkeypatch.setattr(write, "work_in_processes", work)


def content(folder: Path) -> dict[str, bytes]:
    """All files of a pack but its lock, byte for byte."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}
