"""Arrow without pandas, for a process that nobody hands a DataFrame to.

Arrow imports pandas with the first array that it makes, to know a Series when it sees it. That is a
third of the time that a prediction of a few images takes.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import Any


class _NoPandas(MetaPathFinder):
    """A place to look for modules that says of pandas that it is not installed."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name=fullname)


def leave_pandas_out() -> None:
    """Have Arrow look for pandas now, and find none; for the rest of this process.

    What asks for pandas later gets it: ``import pandas``, and Arrow's ``to_pandas``. Only a Series
    or a DataFrame that is handed to Arrow is no longer known as such, so this is for commands and
    for processes of their own, never for a program of a user. Nothing is done where pandas has been
    imported.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(finder)
