"""What lies in a folder, as far as it is the same whenever a command ends."""

from __future__ import annotations

import contextlib
import csv
import json
from pathlib import Path
from typing import Any

#: What differs between two runs of the same command, in any JSON file and any table.
TIMES = {
    *("seconds", "images_per_second", "command", "runtime", "version", "versions", "machine"),
    "fresh",  # pictures of a shard that were not done before a kill
    *("minutes", "peak_memory", "peak_memory_mib"),
    "modified",  # when the predictions were written that an index is of
    "time",  # when a label was given
}
#: Files of which only the names of what is in them is the same each time.
MEASURED = ("benchmark.json",)


def contents(folder: Path) -> dict[str, object]:
    """Every file and folder below a folder, with what must be the same each time."""
    return {
        str(path.relative_to(folder)): _content(path)
        for path in sorted(folder.rglob("*"))
        # TensorBoard begins a file whenever a training goes on.
        if "logs" not in path.relative_to(folder).parts[1:]
    }


def differences(wanted: dict[str, object], got: dict[str, object]) -> list[str]:
    """How two folders differ."""
    return [
        *(f"missing: {name}" for name in wanted if name not in got),
        *(f"left behind: {name}" for name in got if name not in wanted),
        *(f"other: {name}" for name in wanted if name in got and wanted[name] != got[name]),
    ]


def _content(path: Path) -> object:
    if path.is_dir() or path.suffix in (".ckpt", ".png", ".svg", ".html", ".log"):
        return path.suffix  # that they are there; what they show is in the tables
    if path.suffix in (".json", ".jsonl"):
        with contextlib.suppress(ValueError):  # a kill may cut it short
            text = path.read_text(encoding="utf-8")
            lines = text.splitlines() if path.suffix == ".jsonl" else [text]
            content = [_timeless(json.loads(line)) for line in lines]
            return _names(content) if path.name in MEASURED else content
    if path.name in ("history.csv", "compare.csv", "tune.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            return [_timeless(row) for row in csv.DictReader(file)]
    return path.read_bytes()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(each) for name, each in value.items() if name not in TIMES}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


def _names(value: Any) -> Any:
    """The keys of a mapping and of those in it."""
    if isinstance(value, list):
        return [_names(each) for each in value if isinstance(each, dict)]
    return {name: _names(each) if isinstance(each, dict) else "" for name, each in value.items()}
