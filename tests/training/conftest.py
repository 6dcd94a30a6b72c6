"""A small sky to train on, and one thread each."""

from __future__ import annotations

import pytest

from tests.support.sky import Sky
from tests.support.threads import one_thread  # noqa: F401


@pytest.fixture(scope="session")
def sky(small_sky: Sky) -> Sky:
    """Sixty galaxies of 64 pixels."""
    return small_sky
