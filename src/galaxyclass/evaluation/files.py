"""The files of an evaluation: ``scores.csv`` and ``metrics.json``."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from galaxyclass.calibration.coverage import VALUE_EDGES, Coverage
from galaxyclass.evaluation.evaluation import Evaluation
from galaxyclass.io.atomic import write_text
from galaxyclass.io.csv_text import csv_text
from galaxyclass.io.result_files import PREDICTIONS, metrics_json
from galaxyclass.io.run_folder import METRICS, SCORES
from galaxyclass.tasks.scores.bootstrap import INTERVAL_LEVEL
from galaxyclass.tasks.task import Task
from galaxyclass.version import __version__

#: The files of an evaluation; the last is written last.
EVALUATION_FILES = (PREDICTIONS, SCORES, METRICS)


def write_evaluation(evaluation: Evaluation, folder: Path, *, quote_formulas: bool) -> None:
    """Write ``scores.csv`` and, last, ``metrics.json``.

    Raises
    ------
    OutputError
        No room on the disk, or no permission.
    """
    rows = evaluation.task.report_rows(evaluation.report)
    write_text(folder / SCORES, csv_text(rows, quote_formulas=quote_formulas))
    write_text(folder / METRICS, metrics_json(evaluation_metrics(evaluation)))


def evaluation_metrics(evaluation: Evaluation) -> dict[str, Any]:
    """The metrics of an evaluation as plain data; NaN where nothing was known."""
    prediction, table = evaluation.prediction, evaluation.dataset.table_path
    return {
        "scored": {
            "models": [str(model) for model in evaluation.models],
            "digests": list(evaluation.digests),
            "views": prediction.views,
            "precision": prediction.precision,
            **({"labelling": name} if (name := evaluation.task.labelling) else {}),
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
        **_coverage_figures(evaluation.task, evaluation.coverage),
        "notes": list(evaluation.notes),
        "warnings": list(prediction.warnings),
    }


def _coverage_figures(task: Task, coverage: Coverage | None) -> dict[str, Any]:
    """What the model's intervals hold, if it has any."""
    if coverage is None:
        return {}
    return {
        "interval_coverage": {
            "all": coverage.overall,
            **(
                {"questions": dict(zip(task.group_names, coverage.questions, strict=True))}
                if task.group_names
                else {}
            ),
            task.output_word: dict(zip(task.interval_names, coverage.answers, strict=True)),
            **_by_predicted_fraction(task, coverage),
            "most_uncertain_fifth_of_galaxies": coverage.uncertain_fifth,
            "mean_width": coverage.width,
        }
    }


def _by_predicted_fraction(task: Task, coverage: Coverage) -> dict[str, Any]:
    """The coverage by predicted fraction, of outputs that are fractions."""
    if not task.group_names:
        return {}
    return {
        "by_predicted_fraction": [
            {"from": low, "to": high, "coverage": share}
            for (low, high), share in zip(pairwise(VALUE_EDGES), coverage.by_value, strict=True)
        ]
    }
