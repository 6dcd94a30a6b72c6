"""The log of a survey's run: a JSON object a line, which any program can follow."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from galaxyclass.errors import OutputError
from galaxyclass.io.atomic import translated


class EventLog:
    """Appends events to a file, whole lines at a time; several processes may write to it.

    Parameters
    ----------
    path : Path, optional
        None: nothing is written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        if path is not None:
            if path.suffix in (".parquet", ".csv"):
                raise OutputError(
                    f"{path}: not a name of a log", wanted="a name such as survey.jsonl"
                )
            with translated(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.open("ab").close()

    def write(self, event: str, **values: Any) -> None:
        """Append an event; a log that cannot be written does not stop the survey."""
        if self._path is None:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, "pid": os.getpid(), **values}) + "\n"
        with self._lock:
            try:
                with self._path.open("ab", buffering=0) as file:
                    file.write(line.encode())
            except OSError:
                return
