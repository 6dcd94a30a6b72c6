"""Scores beside those of the simplest predictor, and how they are printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.complete_subsets import Extent
from galaxyclass.tasks.scores.noise import NoiseFloor

#: A part of a table that has no gaps, and the score over it.
ScoredExtent = tuple[Extent, Score]


@dataclass(frozen=True)
class ScoreReport:
    """The scores of predictions beside those of the simplest predictor on the same entries.

    Attributes
    ----------
    scores, reference : Scores
        Of the predictions, and of the simplest predictor. Their type is that of `Task.score`.
    extents : tuple of (Extent, Score, Score)
        Where the truth has gaps, both scores over each of the parts that have none.
    noise : mapping of str to NoiseFloor
        The score that a perfect model would have: ``all``, and by the extents' keys; empty for a
        task that knows no noise floor.
    notes : tuple of str
        What was left out.
    """

    scores: Any
    reference: Any
    extents: tuple[tuple[Extent, Score, Score], ...] = ()
    noise: Mapping[str, NoiseFloor] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextTable:
    """A table for people: a header, rows, and rows below a line."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class PrintedScores:
    """What is printed of scores: a table, lines below it, and a last line that sums up."""

    table: TextTable
    lines: tuple[str, ...]
    summary: str
