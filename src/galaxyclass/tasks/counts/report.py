"""Scores of counts, in files and as printed: those of fractions, and the likelihood beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from galaxyclass.short import counted
from galaxyclass.tasks.cells import file_cell, interval_cell, number_cell
from galaxyclass.tasks.report import PrintedScores, ScoredSubset, ScoreReport, TextTable
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.counts import COVERED, CountScores, VoteBin
from galaxyclass.tasks.votes.report import (
    compare_vote_scores,
    print_vote_report,
    vote_figures,
    vote_report_figures,
    vote_report_rows,
    vote_rows,
)
from galaxyclass.trees.tree import Layout, Tree


def _of_fractions(report: ScoreReport) -> ScoreReport:
    """The report of the expected joint fractions."""
    return replace(
        report, scores=report.scores.fractions, reference=report.reference.fractions, subsets=()
    )


def count_figures(tree: Tree, scores: CountScores) -> dict[str, Any]:
    """The figures of one predictor in ``metrics.json``."""
    return {
        **vote_figures(tree, scores.fractions, ()),
        "log_likelihood": asdict(scores.log_likelihood),
        "log_likelihood_by_question": dict(
            zip((q.key for q in tree.questions), scores.questions, strict=True)
        ),
        "count_coverage": {"level": COVERED, "value": scores.coverage},
        "by_votes": [asdict(each) for each in scores.by_votes],
    }


def count_report_figures(tree: Tree, layout: Layout, report: ScoreReport) -> dict[str, Any]:
    """The figures of an evaluation in ``metrics.json``."""
    return {
        **vote_report_figures(tree, layout, _of_fractions(report)),
        **{
            name: value
            for name, value in count_figures(tree, report.scores).items()
            if name not in ("rmse", "entries", "questions")
        },
        "mean_log_likelihood": asdict(report.reference.log_likelihood),
    }


def count_report_rows(tree: Tree, report: ScoreReport) -> list[tuple[object, ...]]:
    """The rows of ``scores.csv``: those of fractions, then likelihoods."""
    header, *rows = vote_report_rows(tree, _of_fractions(report))
    scores, reference = report.scores, report.reference
    likelihoods = {
        "": (scores.log_likelihood.value, reference.log_likelihood.value),
        **{
            question.code: pair
            for question, *pair in zip(
                tree.questions, scores.questions, reference.questions, strict=True
            )
        },
    }
    cells = []
    for row in rows:
        pair = likelihoods.get(str(row[1]), ()) if row[0] in ("all", "question") else ()
        cells.append((*row, *(map(file_cell, pair) if pair else ("", ""))))
    by_votes = [
        ("votes", "", f"{each.least} to {each.most}", file_cell(each.rmse), "", "", "",
         each.galaxies, "", file_cell(each.log_likelihood), "")
        for each in scores.by_votes
    ]  # fmt: skip
    return [(*header, "log_likelihood", "mean_log_likelihood"), *cells, *by_votes]


def print_count_report(tree: Tree, report: ScoreReport) -> PrintedScores:
    """The table of fractions, and lines on the likelihood, the coverage, and numbers of votes."""
    printed = print_vote_report(tree, _of_fractions(report))
    scores, reference = report.scores, report.reference
    table = TextTable(
        (*printed.table.header, "log-likelihood"),
        tuple(
            (*row, number_cell(value))
            for row, value in zip(printed.table.rows, scores.questions, strict=True)
        ),
        tuple((*row, number_cell(scores.log_likelihood.value)) for row in printed.table.totals),
    )
    lines = (
        f"log-likelihood of a galaxy's votes {scores.log_likelihood} (mean vector "
        f"{reference.log_likelihood.value:.4f}; higher is better)",
        f"the {COVERED:.0%} intervals of votes hold {scores.coverage:.1%} of them (mean vector "
        f"{reference.coverage:.1%})",
        *(
            _vote_line(each, simplest)
            for each, simplest in zip(scores.by_votes, reference.by_votes, strict=True)
        ),
    )
    summary = f"{printed.summary}, log-likelihood {scores.log_likelihood.value:.2f}"
    return PrintedScores(table, (*lines, *printed.lines), summary)


def _vote_line(scores: VoteBin, simplest: VoteBin) -> str:
    return (
        f"  {counted(scores.galaxies, 'galaxy')} of {scores.least} to {scores.most} votes: RMSE "
        f"{scores.rmse:.4f} ({simplest.rmse:.4f}), log-likelihood {scores.log_likelihood:.2f} "
        f"({simplest.log_likelihood:.2f})"
    )


def count_rows(tree: Tree, scores: CountScores) -> Iterator[tuple[str, str, str, Score, int]]:
    """Kind, code, name, score and entries, row by row."""
    yield from vote_rows(tree, scores.fractions, ())
    yield "log_likelihood", "", "", scores.log_likelihood, scores.galaxies
    coverage = Score(scores.coverage, math.nan, math.nan)
    yield "count_coverage", "", f"{COVERED:.0%}", coverage, scores.galaxies


def compare_count_scores(
    tree: Tree, named: Sequence[tuple[str, Any, Sequence[ScoredSubset]]]
) -> tuple[TextTable, ...]:
    """Overall scores and likelihoods, a predictor a row; scores by question."""
    overall, by_question = compare_vote_scores(
        tree, [(name, scores.fractions, ()) for name, scores, _ in named]
    )
    rows = tuple(
        (*row, interval_cell(scores.log_likelihood), f"{scores.coverage:.1%}")
        for row, (_, scores, _) in zip(overall.rows, named, strict=True)
    )
    header = (*overall.header, "log-likelihood", f"{COVERED:.0%} of votes")
    return TextTable(header, rows), by_question
