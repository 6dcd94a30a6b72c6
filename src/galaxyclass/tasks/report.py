"""`ScoreReport`: scores beside those of the simplest predictor; and tables to print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.complete_subsets import CompleteSubset
from galaxyclass.tasks.scores.noise import NoiseFloor

#: A complete subset of a table, and the score over it.
ScoredSubset = tuple[CompleteSubset, Score]


@dataclass(frozen=True)
class ScoreReport:
    """The scores of predictions beside those of the simplest predictor on the same entries.

    Attributes
    ----------
    scores, reference : Scores
        Of the predictions, and of the simplest predictor; of the type that `Task.score` returns.
    subsets : tuple of (CompleteSubset, Score, Score)
        Where the truth has gaps, both scores over each of its complete subsets.
    noise : mapping of str to NoiseFloor
        The score that a perfect model would have: ``all``, and by the subsets' keys; empty for a
        task without a noise floor.
    notes : tuple of str
        What was left out.
    """

    scores: Any
    reference: Any
    subsets: tuple[tuple[CompleteSubset, Score, Score], ...] = ()
    noise: Mapping[str, NoiseFloor] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextTable:
    """A table to print: a header, rows, and rows of totals."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class PrintedScores:
    """Scores to print: a table, lines below it, and a summary line."""

    table: TextTable
    lines: tuple[str, ...]
    summary: str
