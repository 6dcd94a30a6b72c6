"""Scores of vote fractions, in files and as printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from galaxyclass.tasks.cells import (
    file_cell,
    file_cells,
    interval_cell,
    number_cell,
    score_cells,
)
from galaxyclass.tasks.metric import RMSE
from galaxyclass.tasks.report import PrintedScores, ScoredSubset, ScoreReport, TextTable
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.complete_subsets import CompleteSubset
from galaxyclass.tasks.scores.votes import VoteScores
from galaxyclass.trees.tree import Layout, Tree


def vote_report_figures(tree: Tree, layout: Layout, report: ScoreReport) -> dict[str, Any]:
    """The figures of ``metrics.json``."""
    scores, reference, noise = report.scores, report.reference, report.noise["all"]
    return {
        "score": RMSE.key,
        "entries": scores.entries,
        "rmse": asdict(scores.overall),
        RMSE.simplest_key: asdict(reference.overall),
        "noise_floor": {
            **asdict(noise),
            "questions": list(noise.questions),
            "answers": list(noise.answers),
            "assumptions": list(noise.assumptions),
        },
        **{
            subset.key: {
                **_subset_figures(subset),
                "rmse": asdict(score),
                RMSE.simplest_key: asdict(simplest),
                "noise_floor": report.noise[subset.key].value,
            }
            for subset, score, simplest in report.subsets
        },
        "questions": _by_question_name(tree, scores),
        "answers": {
            name: asdict(score) for name, score in zip(layout.columns, scores.answers, strict=True)
        },
    }


def vote_report_rows(tree: Tree, report: ScoreReport) -> list[tuple[object, ...]]:
    """The rows of ``scores.csv``: all, each subset, each question, each answer."""
    noise = report.noise["all"]
    floors = [
        noise.value,
        *(report.noise[subset.key].value for subset, *_ in report.subsets),
        *noise.questions,
        *noise.answers,
    ]
    scored = vote_rows(
        tree, report.scores, [(subset, score) for subset, score, _ in report.subsets]
    )
    reference = vote_rows(
        tree, report.reference, [(subset, score) for subset, _, score in report.subsets]
    )
    return [
        ("kind", "code", "name", "rmse", "low", "high", RMSE.simplest_key, "entries",
         "noise_floor"),
        *(
            (kind, code, name, *file_cells(score), file_cell(simplest.value), entries,
             file_cell(floor))
            for (kind, code, name, score, entries), (*_, simplest, _entries), floor in zip(
                scored, reference, floors, strict=True
            )
        ),
    ]  # fmt: skip


def print_vote_report(tree: Tree, report: ScoreReport) -> PrintedScores:
    """The tables that an evaluation prints: questions, complete subsets, noise floor."""
    scores, reference, floor = report.scores, report.reference, report.noise["all"]
    table = TextTable(
        ("question", "RMSE", "interval", "mean vector", "floor", "entries"),
        tuple(
            (
                tree.questions[index].title,
                *score_cells(scores.questions[index]),
                number_cell(reference.questions[index].value),
                number_cell(floor.questions[index]),
                f"{sum(scores.answer_entries[where]):,}",
            )
            for index, where in enumerate(tree.slices)
        ),
        (
            (
                "all",
                *score_cells(scores.overall),
                number_cell(reference.overall.value),
                number_cell(floor.value),
                f"{scores.entries:,}",
            ),
        ),
    )
    lines = [
        f"{subset.name}: {RMSE.label} {score} ({RMSE.simplest} {simplest.value:.4f}, "
        f"floor {report.noise[subset.key].value:.4f})"
        for subset, score, simplest in report.subsets
    ]
    lines += [f"noise floor {floor}; it assumes:", *(f"  {text}" for text in floor.assumptions)]
    return PrintedScores(
        table,
        tuple(lines),
        f"{RMSE.label} {scores.overall.value:.4f} ({RMSE.simplest} "
        f"{reference.overall.value:.4f}, floor {floor.value:.4f})",
    )


def vote_figures(tree: Tree, scores: VoteScores, subsets: Sequence[ScoredSubset]) -> dict[str, Any]:
    """The figures of a baseline."""
    return {
        "rmse": asdict(scores.overall),
        "entries": scores.entries,
        **{
            subset.key: {**_subset_figures(subset), "rmse": asdict(score)}
            for subset, score in subsets
        },
        "questions": _by_question_name(tree, scores),
    }


def vote_rows(
    tree: Tree, scores: VoteScores, subsets: Sequence[ScoredSubset]
) -> Iterator[tuple[str, str, str, Score, int]]:
    """Kind, code, name, score and entries, row by row."""
    yield "all", "", "", scores.overall, scores.entries
    for subset, score in subsets:
        yield subset.key, "", subset.name, score, int(subset.known.sum())
    for question, where, score in zip(tree.questions, tree.slices, scores.questions, strict=True):
        entries = sum(scores.answer_entries[where])
        yield "question", question.code, question.text, score, entries
    for answer, score, entries in zip(
        tree.answers, scores.answers, scores.answer_entries, strict=True
    ):
        yield "answer", answer.code, answer.name, score, entries


def compare_vote_scores(
    tree: Tree, named: Sequence[tuple[str, Any, Sequence[ScoredSubset]]]
) -> tuple[TextTable, ...]:
    """Overall scores, a predictor a row; scores by question, a predictor a column."""
    subsets = [subset.name for subset, _ in named[0][2]]
    overall = TextTable(
        ("RMSE [95 % interval]", "all known entries", *subsets),
        tuple(
            (name, interval_cell(scores.overall), *(interval_cell(score) for _, score in parts))
            for name, scores, parts in named
        ),
    )
    by_question = TextTable(
        ("RMSE by question", *(name for name, *_ in named)),
        tuple(
            (
                tree.questions[index].title,
                *(number_cell(scores.questions[index].value) for _, scores, _ in named),
            )
            for index in range(len(tree.questions))
        ),
    )
    return overall, by_question


def _by_question_name(tree: Tree, scores: VoteScores) -> dict[str, Any]:
    keys = [question.key for question in tree.questions]
    return {key: asdict(score) for key, score in zip(keys, scores.questions, strict=True)}


def _subset_figures(subset: CompleteSubset) -> dict[str, Any]:
    return {
        "name": subset.name,
        "answers": int(subset.known.any(axis=0).sum()),
        "galaxies": subset.galaxies,
    }
