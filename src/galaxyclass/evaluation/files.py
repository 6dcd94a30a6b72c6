"""What an evaluation leaves behind: its figures for machines, and a table of them."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyclass.errors import OutputError
from galaxyclass.io.atomic import write_text
from galaxyclass.tasks.outputs import ClassOutputs, VoteOutputs
from galaxyclass.tasks.scores.bootstrap import INTERVAL_LEVEL, Score
from galaxyclass.tasks.scores.classes import ClassScores
from galaxyclass.tasks.scores.votes import VoteScores
from galaxyclass.version import __version__

if TYPE_CHECKING:
    from galaxyclass.evaluation.evaluate import Evaluation

PREDICTIONS = "predictions.csv"
SCORES = "scores.csv"
METRICS = "metrics.json"


def require_free(folder: Path, *, overwrite: bool) -> None:
    """Refuse to write where the files of an evaluation are.

    Raises
    ------
    OutputError
        ``folder`` is a file, or has one of them and ``overwrite`` is False.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: a file", wanted="a folder", hint="choose another `output`")
    there = [name for name in (PREDICTIONS, SCORES, METRICS) if (folder / name).exists()]
    if there and not overwrite:
        raise OutputError(
            f"{folder}: {', '.join(there)} exist{'s' * (len(there) == 1)} already",
            hint="pass `overwrite=True`, or choose another `output`",
        )


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write ``scores.csv`` and, last, ``metrics.json``.

    Raises
    ------
    OutputError
        No room on the disk, or no permission.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_rows(evaluation))
    write_text(folder / SCORES, text.getvalue())
    data = json.dumps(_plain(metrics(evaluation)), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / METRICS, data + "\n")


def metrics(evaluation: Evaluation) -> dict[str, Any]:
    """The figures of an evaluation as plain data; NaN where nothing was known."""
    prediction = evaluation.prediction
    return {
        "scored": {
            "runs": [str(run) for run in evaluation.runs],
            "models": list(evaluation.models),
            "views": prediction.views,
            "precision": prediction.precision,
            "images": str(evaluation.images),
            "table": None if evaluation.table is None else str(evaluation.table),
            "version": __version__,
        },
        "part": evaluation.part,
        "galaxies": evaluation.scores.galaxies,
        "galaxies_by_part": evaluation.galaxies_by_part,
        "images": prediction.images,
        "undecodable": prediction.failed,
        "interval_level": INTERVAL_LEVEL,
        **_figures(evaluation),
        "notes": list(evaluation.notes),
        "warnings": list(prediction.warnings),
    }


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    outputs, scores, reference = evaluation.outputs, evaluation.scores, evaluation.reference
    if isinstance(scores, VoteScores) and isinstance(reference, VoteScores):
        assert isinstance(outputs, VoteOutputs)
        keys = [question.key for question in outputs.tree.questions]
        noise = evaluation.noise["all"]
        columns = outputs.layout.columns
        return {
            "score": "rmse",
            "entries": scores.entries,
            "rmse": asdict(scores.overall),
            "mean_vector_rmse": asdict(reference.overall),
            "noise_floor": {
                **asdict(noise),
                "questions": list(noise.questions),
                "answers": list(noise.answers),
                "assumptions": list(noise.assumptions),
            },
            **{
                extent.key: {
                    "name": extent.name,
                    "answers": int(extent.known.any(axis=0).sum()),
                    "galaxies": extent.galaxies,
                    "rmse": asdict(mine),
                    "mean_vector_rmse": asdict(theirs),
                    "noise_floor": evaluation.noise[extent.key].value,
                }
                for extent, mine, theirs in evaluation.extents
            },
            "questions": {k: asdict(e) for k, e in zip(keys, scores.questions, strict=True)},
            "answers": {k: asdict(e) for k, e in zip(columns, scores.answers, strict=True)},
        }
    assert isinstance(scores, ClassScores)
    assert isinstance(reference, ClassScores)
    assert isinstance(outputs, ClassOutputs)
    return {
        "score": "accuracy",
        "accuracy": asdict(scores.accuracy),
        "balanced_accuracy": asdict(scores.balanced_accuracy),
        "largest_class_accuracy": asdict(reference.accuracy),
        "classes": list(outputs.classes),
        "precision": scores.precision.tolist(),
        "recall": scores.recall.tolist(),
        "confusion": scores.confusion.tolist(),
    }


def _rows(evaluation: Evaluation) -> list[tuple[object, ...]]:
    outputs, scores, reference = evaluation.outputs, evaluation.scores, evaluation.reference
    if isinstance(scores, VoteScores) and isinstance(reference, VoteScores):
        assert isinstance(outputs, VoteOutputs)
        tree = outputs.tree
        by_question = [sum(scores.answer_entries[where]) for where in tree.slices]
        rows: list[tuple[object, ...]] = [
            ("kind", "code", "name", "rmse", "low", "high", "mean_vector_rmse", "entries",
             "noise_floor")
        ]  # fmt: skip
        noise = evaluation.noise["all"]
        groups = [
            ("all", [("", "")], [scores.overall], [reference.overall], [scores.entries],
             [noise.value]),
            *(
                (extent.key, [("", extent.name)], [mine], [theirs], [extent.known.sum()],
                 [evaluation.noise[extent.key].value])
                for extent, mine, theirs in evaluation.extents
            ),
            ("question", [(q.code, q.text) for q in tree.questions], scores.questions,
             reference.questions, by_question, noise.questions),
            ("answer", [(a.code, a.name) for a in tree.answers], scores.answers,
             reference.answers, scores.answer_entries, noise.answers),
        ]  # fmt: skip
        for kind, names, mine, theirs, entries, floors in groups:
            rows += [
                (kind, *name, *_three(estimate), _cell(other.value), count, _cell(floor))
                for name, estimate, other, count, floor in zip(
                    names, mine, theirs, entries, floors, strict=True
                )
            ]
        return rows
    assert isinstance(scores, ClassScores)
    assert isinstance(outputs, ClassOutputs)
    header = ("class", "galaxies", "precision", "recall", *(f"called {c}" for c in outputs.classes))
    return [
        header,
        *(
            (name, int(counts.sum()), _cell(precision), _cell(recall), *counts.tolist())
            for name, counts, precision, recall in zip(
                outputs.classes, scores.confusion, scores.precision, scores.recall, strict=True
            )
        ),
    ]


def _three(estimate: Score) -> tuple[str, str, str]:
    return _cell(estimate.value), _cell(estimate.low), _cell(estimate.high)


def _cell(value: float) -> str:
    """Six decimals; empty where nothing was known."""
    return "" if math.isnan(value) else f"{value:.6f}"


def _plain(value: Any) -> Any:
    """The same data with null for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
