"""Small folders of (empty) images and tables beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Folder = Callable[..., Path]


@pytest.fixture
def images(tmp_path: Path) -> Folder:
    """Make a folder with files of these names; nothing in `catalogs` looks inside them."""

    def make(*names: str) -> Path:
        folder = tmp_path / "images"
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return folder

    return make


@pytest.fixture
def table(tmp_path: Path) -> Folder:
    """Write a table, given as text, bytes or lines."""

    def write(content: str | bytes | list[str], name: str = "table.csv") -> Path:
        path = tmp_path / name
        if isinstance(content, list):
            content = "".join(f"{line}\n" for line in content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
