"""A small sky to compare on, and settings that make a trial take a few seconds."""

from __future__ import annotations

import pytest

from tests.support.sky import Sky

#: The recipe `fast` on tiny cutouts: all of its layers, with a quarter of the channels.
TINY = (
    "images.size=16",
    "images.frame=none",
    "model.width=0.25",
    "training.batch_size=16",
    "training.precision=fp32",
    # As many as the tests have in their own process: sums in another order end elsewhere.
    "training.threads=1",
    "training.ema=0",
)


@pytest.fixture(scope="session")
def sky(small_sky: Sky) -> Sky:
    """Sixty galaxies of 64 pixels."""
    return small_sky


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run side by side; the processes of trials take what the environment tells them."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
