"""Scores of classes in files and for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from galaxyclass.tasks.cells import file_cell, interval_cell, number_cell, score_cells
from galaxyclass.tasks.metric import ACCURACY
from galaxyclass.tasks.report import PrintedScores, TextTable
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.classes import ClassScores


def class_report_figures(
    classes: Sequence[str], scores: ClassScores, reference: ClassScores
) -> dict[str, Any]:
    """The figures of ``metrics.json``."""
    return {
        "score": ACCURACY.key,
        "accuracy": asdict(scores.accuracy),
        "balanced_accuracy": asdict(scores.balanced_accuracy),
        ACCURACY.simplest_key: asdict(reference.accuracy),
        "classes": list(classes),
        "precision": scores.precision.tolist(),
        "recall": scores.recall.tolist(),
        "confusion": scores.confusion.tolist(),
    }


def class_report_rows(classes: Sequence[str], scores: ClassScores) -> list[tuple[object, ...]]:
    """The rows of ``scores.csv``: a class each, with its row of the confusion matrix."""
    header = ("class", "galaxies", "precision", "recall", *(f"called {c}" for c in classes))
    rows = zip(classes, scores.confusion, scores.precision, scores.recall, strict=True)
    return [
        header,
        *(
            (name, int(counts.sum()), file_cell(precision), file_cell(recall), *counts.tolist())
            for name, counts, precision, recall in rows
        ),
    ]


def print_class_report(
    classes: Sequence[str], scores: ClassScores, reference: ClassScores
) -> PrintedScores:
    """What an evaluation prints: each class, what it is mostly taken for, and the accuracies."""
    rows = []
    for place, name in enumerate(classes):
        counts = scores.confusion[place].copy()
        total, counts[place] = int(counts.sum()), 0
        worst = int(counts.argmax())
        other = f"{classes[worst]} ({counts[worst]:,})" if counts[worst] else ""
        recall, precision = number_cell(scores.recall[place]), number_cell(scores.precision[place])
        rows.append((name, f"{total:,}", recall, precision, other))
    total_row = ("accuracy", f"{scores.galaxies:,}", *score_cells(scores.accuracy), "")
    header = ("class", "galaxies", "recall", "precision", "mostly taken for")
    return PrintedScores(
        TextTable(header, tuple(rows), (total_row,)),
        (f"balanced accuracy {scores.balanced_accuracy}",),
        f"{ACCURACY.label} {scores.accuracy.value:.4f} "
        f"({ACCURACY.simplest} {reference.accuracy.value:.4f})",
    )


def class_figures(scores: ClassScores) -> dict[str, Any]:
    """The figures of a baseline."""
    return {
        "accuracy": asdict(scores.accuracy),
        "balanced_accuracy": asdict(scores.balanced_accuracy),
        "confusion": scores.confusion.tolist(),
    }


def class_rows(
    classes: Sequence[str], scores: ClassScores
) -> Iterator[tuple[str, str, str, Score, int]]:
    """Kind, code, name, score and galaxies, row by row."""
    yield "accuracy", "", "", scores.accuracy, scores.galaxies
    yield "balanced_accuracy", "", "", scores.balanced_accuracy, scores.galaxies
    for kind, values in (("recall", scores.recall), ("precision", scores.precision)):
        totals = scores.confusion.sum(axis=1 if kind == "recall" else 0)
        for name, value, total in zip(classes, values, totals, strict=True):
            yield kind, "", name, Score(float(value), math.nan, math.nan), int(total)


def compare_class_scores(named: Sequence[tuple[str, Any, Any]]) -> tuple[TextTable, ...]:
    """Accuracies, a predictor a row."""
    lines = tuple(
        (name, interval_cell(scores.accuracy), interval_cell(scores.balanced_accuracy))
        for name, scores, _ in named
    )
    return (TextTable(("[95 % interval]", "accuracy", "balanced accuracy"), lines),)
