"""What the tests of prediction share: `fake`, loaded by its path (tests are not a package)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "galaxyclass_test_fake", Path(__file__).parent / "fake.py"
)
fake_module = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = fake_module
_SPEC.loader.exec_module(fake_module)


@pytest.fixture
def fake():
    return fake_module


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of 16 images, so that a few images make several."""
    monkeypatch.setattr("galaxyclass.model.job.CHUNK_IMAGES", 16)
