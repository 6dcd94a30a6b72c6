"""What an evaluation leaves behind: its figures for machines, and a table of them."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyclass.io.atomic import write_text
from galaxyclass.io.run_folder import METRICS, SCORES
from galaxyclass.tasks.scores.bootstrap import INTERVAL_LEVEL
from galaxyclass.version import __version__

if TYPE_CHECKING:
    from galaxyclass.evaluation.evaluation import Evaluation

PREDICTIONS = "predictions.csv"
EVALUATION_FILES = (PREDICTIONS, SCORES, METRICS)


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write ``scores.csv`` and, last, ``metrics.json``.

    Raises
    ------
    OutputError
        No room on the disk, or no permission.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(evaluation.task.report_rows(evaluation.report))
    write_text(folder / SCORES, text.getvalue())
    data = json.dumps(_plain(metrics(evaluation)), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / METRICS, data + "\n")


def metrics(evaluation: Evaluation) -> dict[str, Any]:
    """The figures of an evaluation as plain data; NaN where nothing was known."""
    prediction, table = evaluation.prediction, evaluation.dataset.table_path
    return {
        "scored": {
            "runs": [str(run) for run in evaluation.runs],
            "models": list(evaluation.models),
            "views": prediction.views,
            "precision": prediction.precision,
            "images": str(evaluation.dataset.images),
            "table": None if table is None else str(table),
            "version": __version__,
        },
        "part": evaluation.part,
        "galaxies": evaluation.scores.galaxies,
        "galaxies_by_part": evaluation.galaxies_by_part,
        "images": prediction.images,
        "undecodable": prediction.failed,
        "interval_level": INTERVAL_LEVEL,
        **evaluation.task.report_figures(evaluation.report),
        "notes": list(evaluation.notes),
        "warnings": list(prediction.warnings),
    }


def _plain(value: Any) -> Any:
    """The same data with null for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
