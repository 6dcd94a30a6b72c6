"""A process of our own makes tables without pandas, and has it where it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import pyarrow as pa
from galaxyclass.data.tables.arrow_alone import leave_pandas_out

finders = list(sys.meta_path)
leave_pandas_out()
table = pa.table({"id": ["a", "b"], "value": pa.array([0.5, None], pa.float64())})
assert "pandas" not in sys.modules
assert sys.meta_path == finders
frame = table.to_pandas()
assert frame["id"].tolist() == ["a", "b"]
assert frame["value"].isna().tolist() == [False, True]
"""


def test_pandas_is_imported_when_it_is_asked_for() -> None:
    pytest.importorskip("pandas")
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=120)
