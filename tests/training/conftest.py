"""A small sky to train on, one thread each, and trainings that draw nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.sky import Sky
from tests.support.threads import one_thread  # noqa: F401


@pytest.fixture(scope="session")
def sky(small_sky: Sky) -> Sky:
    """Sixty galaxies of 64 pixels."""
    return small_sky


@pytest.fixture(autouse=True)
def without_curves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure costs as much as an epoch: those that are not looked at are empty files.

    `draws` is the mark of tests for which they are drawn.
    """

    def touch(_: Any, path: Path) -> None:
        path.touch()

    if request.node.get_closest_marker("draws") is None:
        monkeypatch.setattr("galaxyclass.training.history.curves", lambda *_, **__: None)
        monkeypatch.setattr("galaxyclass.training.history.save", touch)
