"""The files of a comparison of baselines: ``scores.csv`` and ``metrics.json``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from galaxyclass.errors import OutputError
from galaxyclass.evaluation.baselines.scores import Baselines
from galaxyclass.io.atomic import write_text
from galaxyclass.io.csv_text import csv_text
from galaxyclass.io.result_files import metrics_json
from galaxyclass.io.run_folder import INFO, METRICS, SCORES, SPLIT
from galaxyclass.tasks.scores.bootstrap import INTERVAL_LEVEL

#: The files of a comparison of baselines; the last is written last.
BASELINE_FILES = (SPLIT, SCORES, METRICS)


def require_no_run(folder: Path) -> None:
    """Refuse the folder of a run, whose own files have the same names.

    Raises
    ------
    OutputError
        The folder is that of a run.
    """
    if (folder / INFO).exists():
        raise OutputError(f"{folder}: a run is here", hint="choose another `output`")


def write_baselines(baselines: Baselines, *, quote_formulas: bool) -> None:
    """Write ``scores.csv`` and, last, ``metrics.json``.

    Raises
    ------
    OutputError
        No room on the disk, or no permission.
    """
    figure, count = baselines.task.score_columns
    lines: list[list[object]] = [
        ["part", "baseline", "kind", "code", "name", figure, "low", "high", count]
    ]
    for baseline in baselines.scores:
        rows = baselines.task.rows(baseline.scores, baseline.subsets)
        for kind, code, name, score, known in rows:
            numbers = (score.value, score.low, score.high)
            cells = ["" if math.isnan(number) else f"{number:.6f}" for number in numbers]
            lines.append([baseline.part, baseline.key, kind, code, name, *cells, known])
    write_text(baselines.folder / SCORES, csv_text(lines, quote_formulas=quote_formulas))
    write_text(baselines.folder / METRICS, metrics_json(_metrics(baselines)))


def _metrics(baselines: Baselines) -> dict[str, Any]:
    parts: dict[str, dict[str, Any]] = {part: {} for part in baselines.galaxies if part != "train"}
    for baseline in baselines.scores:
        figures = baselines.task.figures(baseline.scores, baseline.subsets)
        parts[baseline.part][baseline.key] = {"name": baseline.name, **figures}
    return {
        "score": baselines.task.metric.key,
        "galaxies": dict(baselines.galaxies),
        "interval_level": INTERVAL_LEVEL,
        "noise_floor": dict(baselines.noise_floors),
        "parts": parts,
        "notes": list(baselines.notes),
    }
