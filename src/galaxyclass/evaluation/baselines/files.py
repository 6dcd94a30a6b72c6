"""The files of a comparison of baselines: ``scores.csv`` and ``metrics.json``."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyclass.errors import OutputError
from galaxyclass.io.atomic import write_text
from galaxyclass.io.run_folder import INFO, METRICS, SCORES, SPLIT
from galaxyclass.tasks.scores.bootstrap import INTERVAL_LEVEL

if TYPE_CHECKING:
    from galaxyclass.evaluation.baselines.scores import Baselines

BASELINE_FILES = (SPLIT, SCORES, METRICS)


def require_no_run(folder: Path) -> None:
    """Refuse the folder of a run, whose own files have the same names.

    Raises
    ------
    OutputError
        It is one.
    """
    if (folder / INFO).exists():
        raise OutputError(f"{folder}: a run is here", hint="choose another `output`")


def write_baselines(done: Baselines) -> None:
    """Write ``scores.csv`` and, last, ``metrics.json``.

    Raises
    ------
    OutputError
        No room on the disk, or no permission.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figure, count = done.task.score_columns
    writer.writerow(["part", "baseline", "kind", "code", "name", figure, "low", "high", count])
    for one in done.scores:
        for kind, code, name, estimate, known in done.task.rows(one.scores, one.extents):
            numbers = (estimate.value, estimate.low, estimate.high)
            cells = ["" if math.isnan(number) else f"{number:.6f}" for number in numbers]
            writer.writerow([one.part, one.key, kind, code, name, *cells, known])
    write_text(done.folder / SCORES, text.getvalue())
    data = json.dumps(_plain(_metrics(done)), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(done.folder / METRICS, data + "\n")


def _metrics(done: Baselines) -> dict[str, Any]:
    parts: dict[str, dict[str, Any]] = {part: {} for part in done.galaxies if part != "train"}
    for one in done.scores:
        figures = done.task.figures(one.scores, one.extents)
        parts[one.part][one.key] = {"name": one.name, **figures}
    return {
        "score": done.task.metric.key,
        "galaxies": dict(done.galaxies),
        "interval_level": INTERVAL_LEVEL,
        "noise_floor": dict(done.noise_floors),
        "parts": parts,
        "notes": list(done.notes),
    }


def _plain(value: Any) -> Any:
    """The same data with null for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
