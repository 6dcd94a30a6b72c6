"""A small survey: tar shards of coloured pictures, and a model that predicts by colour."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import galaxyclass
from galaxyclass import Survey
from tests.support import fake
from tests.support.by_hand import save_small_model

#: Pictures of the small survey, of an archive, and of a shard: shards begin within archives.
COUNT, IN_TAR, IN_SHARD = 60, 16, 25


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return fake.save_images(tmp_path_factory.mktemp("loose"), COUNT)


@pytest.fixture
def tars(tmp_path: Path, pictures: list[Path]) -> Path:
    return save_tars(tmp_path / "tars", pictures)


def save_tars(folder: Path, pictures: list[Path]) -> Path:
    folder.mkdir()
    for first in range(0, len(pictures), IN_TAR):
        with tarfile.open(folder / f"{first // IN_TAR:05}.tar", "w") as archive:
            for picture in pictures[first : first + IN_TAR]:
                archive.add(picture, picture.name)
                label = tarfile.TarInfo(picture.with_suffix(".json").name)
                archive.addfile(label, io.BytesIO())
    return folder


@pytest.fixture
def planned(tmp_path: Path, tars: Path, small_model: Path) -> Callable[..., Survey]:
    """Plan the tars, or another source, into ``night``."""

    def plan(source: Any = None, name: str = "night", **more: Any) -> Survey:
        settings = {"shard_size": IN_SHARD, "measured": False, "model": small_model, **more}
        galaxyclass.plan_survey(source or tars, output=tmp_path / name, **settings)
        return galaxyclass.open_survey(tmp_path / name)

    return plan
