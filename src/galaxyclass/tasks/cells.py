"""Scores as cells of tables, empty where a score is NaN."""

from __future__ import annotations

import math

from galaxyclass.tasks.scores.bootstrap import Score


def file_cell(value: float) -> str:
    """A number with six decimals, for a file."""
    return "" if math.isnan(value) else f"{value:.6f}"


def file_cells(score: Score) -> tuple[str, str, str]:
    """A score and the ends of its interval, for a file."""
    return file_cell(score.value), file_cell(score.low), file_cell(score.high)


def number_cell(value: float) -> str:
    """A number with four decimals, to print."""
    return "" if math.isnan(value) else f"{value:.4f}"


def score_cells(score: Score) -> tuple[str, str]:
    """A score and its interval, to print."""
    if math.isnan(score.value):
        return "", ""
    return f"{score.value:.4f}", f"{score.low:.4f} to {score.high:.4f}"


def interval_cell(score: Score) -> str:
    """A score with its interval in one cell, to print."""
    if math.isnan(score.value):
        return ""
    return f"{score.value:.4f} [{score.low:.4f}, {score.high:.4f}]"
