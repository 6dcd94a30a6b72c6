"""What the tests of prediction share."""

from __future__ import annotations

import pytest


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 16 images, so that a few images make several."""
    monkeypatch.setattr("galaxyclass.model.job.CHUNK_IMAGES", 16)
