"""A small sky to train on, and one thread each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.support.sky import Sky


@pytest.fixture(scope="session")
def sky(small_sky: Sky) -> Sky:
    """Sixty galaxies of 64 pixels."""
    return small_sky


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tests run side by side; a network that waits for a second core is slower than with one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
