"""Bundles, images and backends without torch: those of the tests of prediction."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_NAME = "galaxyclass_test_fake"


@pytest.fixture(scope="session")
def fake():
    if _NAME not in sys.modules:
        file = Path(__file__).parent.parent / "model" / "fake.py"
        spec = importlib.util.spec_from_file_location(_NAME, file)
        sys.modules[_NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[_NAME])
    return sys.modules[_NAME]
