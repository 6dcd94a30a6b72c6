"""Scores of numbers, in files and as printed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from galaxyclass.tasks.cells import file_cell, file_cells, interval_cell, number_cell
from galaxyclass.tasks.metric import NRMSE
from galaxyclass.tasks.numbers.column import NumberColumn
from galaxyclass.tasks.report import PrintedScores, ScoredSubset, ScoreReport, TextTable
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.noise import NoiseFloor
from galaxyclass.tasks.scores.numbers import NumberScores

#: Columns that `compare_number_scores` shows one by one.
_SHOWN = 6


def number_figures(columns: Sequence[NumberColumn], scores: NumberScores) -> dict[str, Any]:
    """The figures of one predictor in ``metrics.json``."""
    return {
        "nrmse": asdict(scores.overall),
        "entries": scores.entries,
        "columns": {
            column.name: {**asdict(of_column), "step": column.step or None}
            for column, of_column in zip(columns, scores.columns, strict=True)
        },
    }


def number_report_figures(columns: Sequence[NumberColumn], report: ScoreReport) -> dict[str, Any]:
    """The figures of an evaluation in ``metrics.json``."""
    figures = {"score": NRMSE.key, **number_figures(columns, report.scores)}
    figures[NRMSE.simplest_key] = asdict(report.reference.overall)
    for column, of_column in zip(columns, report.reference.columns, strict=True):
        figures["columns"][column.name]["mean_rmse"] = asdict(of_column.rmse)
    if (floor := report.noise.get("all")) is not None:
        figures["noise_floor"] = {
            "nrmse": floor.value,
            "columns": {column.name: error for column, error in _floors(columns, report.noise)},
            "assumptions": list(floor.assumptions),
        }
    return figures


def number_report_rows(
    columns: Sequence[NumberColumn], report: ScoreReport
) -> list[tuple[object, ...]]:
    """The rows of ``scores.csv``: all columns together, then each in its own unit."""
    scores, reference, floor = report.scores, report.reference, report.noise.get("all")
    header = ("kind", "name", "rmse", "low", "high", "mean_rmse", "mae", "bias", "r2", "r2_low",
              "r2_high", "within_step", "galaxies", "noise_floor")  # fmt: skip
    overall = ("all, in standard deviations", "", *file_cells(scores.overall),
               file_cell(reference.overall.value), "", "", "", "", "", "", scores.galaxies,
               "" if floor is None else file_cell(floor.value))  # fmt: skip
    rows = [
        (
            "column",
            column.name,
            *file_cells(of_column.rmse),
            file_cell(simplest.rmse.value),
            file_cell(of_column.mae),
            file_cell(of_column.bias),
            *file_cells(of_column.r2),
            file_cell(of_column.within_step),
            of_column.galaxies,
            file_cell(error),
        )
        for column, of_column, simplest, (_, error) in zip(
            columns, scores.columns, reference.columns, _floors(columns, report.noise), strict=True
        )
    ]
    return [header, overall, *rows]


def print_number_report(columns: Sequence[NumberColumn], report: ScoreReport) -> PrintedScores:
    """The table that an evaluation prints: each column in its own unit."""
    scores, reference, noise = report.scores, report.reference, report.noise
    stepped = any(column.step for column in columns)
    floored = "all" in noise
    header: tuple[str, ...] = ("column", "RMSE [95 % interval]", "RMSE of the mean", "MAE", "R²")
    header += ("within a step",) * stepped + ("floor",) * floored + ("galaxies",)
    rows = []
    for column, of_column, simplest, (_, error) in zip(
        columns, scores.columns, reference.columns, _floors(columns, noise), strict=True
    ):
        share = of_column.within_step
        row: tuple[str, ...] = (
            column.name,
            interval_cell(of_column.rmse),
            number_cell(simplest.rmse.value),
            number_cell(of_column.mae),
            "" if math.isnan(of_column.r2.value) else f"{of_column.r2.value:.3f}",
        )
        row += ("" if math.isnan(share) else f"{share:.1%}",) * stepped
        row += (number_cell(error),) * floored
        rows.append((*row, f"{of_column.galaxies:,}"))
    lines = []
    if stepped:
        steps = {column.name: f"{column.step:g}" for column in columns if column.step}
        lines.append(
            "within a step: the share of predictions no further from the truth than the table's "
            f"step ({', '.join(f'{name} {step}' for name, step in steps.items())})"
        )
    every = "all columns: " if len(columns) > 1 else ""
    lines.append(f"{every}{NRMSE.label} {scores.overall} (mean {reference.overall.value:.4f})")
    if floored:
        lines += ["the floor is the error of a perfect model; it assumes:"]
        lines += [f"  {text}" for text in noise["all"].assumptions]
    lines.append(f"{NRMSE.meaning}; the RMSE of each column is in its own unit")
    summary = f"{NRMSE.label} {scores.overall.value:.4f} (mean {reference.overall.value:.4f})"
    return PrintedScores(TextTable(header, tuple(rows)), tuple(lines), summary)


def number_rows(
    columns: Sequence[NumberColumn], scores: NumberScores
) -> Iterator[tuple[str, str, str, Score, int]]:
    """Kind, code, name, score and galaxies, row by row."""
    yield "nrmse", "", "", scores.overall, scores.galaxies
    for column, of_column in zip(columns, scores.columns, strict=True):
        single = (("mae", of_column.mae), ("bias", of_column.bias))
        yield "rmse", "", column.name, of_column.rmse, of_column.galaxies
        for kind, value in single:
            score = Score(value, math.nan, math.nan)
            yield kind, "", column.name, score, of_column.galaxies
        yield "r2", "", column.name, of_column.r2, of_column.galaxies


def compare_number_scores(
    columns: Sequence[NumberColumn],
    named: Sequence[tuple[str, Any, Sequence[ScoredSubset]]],
) -> tuple[TextTable, ...]:
    """The errors of several predictors, one a row; of one column in its own unit too, with R²."""
    if len(columns) == 1:
        rmse = f"RMSE of {columns[0].name}"
        header: tuple[str, ...] = ("[95 % interval]", NRMSE.label, rmse, "MAE", "R²")
        rows = tuple(
            (
                name,
                interval_cell(scores.overall),
                number_cell(scores.columns[0].rmse.value),
                number_cell(scores.columns[0].mae),
                "" if math.isnan(r2 := scores.columns[0].r2.value) else f"{r2:.3f}",
            )
            for name, scores, _ in named
        )
        return (TextTable(header, rows),)
    shown = range(min(len(columns), _SHOWN))
    header = ("[95 % interval]", NRMSE.label, *(f"RMSE of {columns[i].name}" for i in shown))
    lines = tuple(
        (
            name,
            interval_cell(scores.overall),
            *(number_cell(scores.columns[i].rmse.value) for i in shown),
        )
        for name, scores, _ in named
    )
    return (TextTable(header, lines),)


def _floors(
    columns: Sequence[NumberColumn], noise: Mapping[str, NoiseFloor]
) -> list[tuple[NumberColumn, float]]:
    """Each column and the error of a perfect model; NaN where it is not known."""
    floor = noise.get("all")
    errors = [math.nan] * len(columns) if floor is None else floor.answers
    return list(zip(columns, errors, strict=True))
