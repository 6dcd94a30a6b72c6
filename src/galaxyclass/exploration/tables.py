"""What a table holds, as CSV files: the name of each, and its rows, the header first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from galaxyclass.arrays import Floats
from galaxyclass.exploration.classes import ClassSummary
from galaxyclass.exploration.examples import Example
from galaxyclass.exploration.numbers import QUANTILES, NumberSummary
from galaxyclass.exploration.votes import VoteSummary

SUMMARY = "summary.csv"
CORRELATIONS = "correlations.csv"

Rows = Sequence[Sequence[object]]


def vote_tables(
    summary: VoteSummary, fractions: Floats, examples: Sequence[Example]
) -> dict[str, Rows]:
    """The statistics and the most certain galaxy of each answer; the correlations of all.

    Parameters
    ----------
    summary : VoteSummary
    fractions : (galaxies, answers) float
        Joint fractions.
    examples : sequence of Example
        The most certain galaxy for each answer.
    """
    rows: list[list[object]] = [
        ["code", "name", "galaxies", "mean", "majority", "most_certain", "its_fraction"]
    ]
    for index, answer in enumerate(summary.tree.answers):
        mean, example = summary.mean[index], examples[index]
        rows.append(
            [
                answer.code,
                answer.name,
                summary.known[index],
                "" if math.isnan(mean) else f"{mean:.6f}",
                summary.majority[index],
                example.id,
                "" if example.index < 0 else f"{fractions[example.index, index]:.6f}",
            ]
        )
    correlations = _correlation_table(summary.tree.codes, summary.correlations)
    return {SUMMARY: rows, CORRELATIONS: correlations}


def class_tables(summary: ClassSummary) -> dict[str, Rows]:
    """The number of galaxies of each class."""
    counts = zip(summary.classes, summary.counts.tolist(), strict=True)
    return {SUMMARY: [("class", "galaxies"), *counts]}


def number_tables(summary: NumberSummary) -> dict[str, Rows]:
    """The distribution of each column; of several, their correlations."""
    rows: list[list[object]] = [
        ["column", "known", "mean", "spread", "step", *(f"q{share:g}" for share in QUANTILES)]
    ]
    for column, known, quantiles in zip(
        summary.columns, summary.known.tolist(), summary.quantiles.tolist(), strict=True
    ):
        figures = (column.mean, column.spread, column.step, *quantiles)
        cells = ("" if math.isnan(value) else f"{value:.6g}" for value in figures)
        rows.append([column.name, known, *cells])
    tables: dict[str, Rows] = {SUMMARY: rows}
    if len(summary.columns) > 1:
        names = [column.name for column in summary.columns]
        tables[CORRELATIONS] = _correlation_table(names, summary.correlations)
    return tables


def _correlation_table(names: Sequence[str], correlations: Floats) -> Rows:
    rows: list[list[object]] = [["code", *names]]
    for name, row in zip(names, correlations, strict=True):
        rows.append([name, *("" if math.isnan(value) else f"{value:.6f}" for value in row)])
    return rows
