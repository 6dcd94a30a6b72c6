"""Scores of vote fractions in files and for people."""

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
from galaxyclass.tasks.report import PrintedScores, ScoredExtent, ScoreReport, TextTable
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.complete_subsets import Extent
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
            extent.key: {
                **_extent(extent),
                "rmse": asdict(score),
                RMSE.simplest_key: asdict(simplest),
                "noise_floor": report.noise[extent.key].value,
            }
            for extent, score, simplest in report.extents
        },
        "questions": _by_question(tree, scores),
        "answers": {
            name: asdict(score) for name, score in zip(layout.columns, scores.answers, strict=True)
        },
    }


def vote_report_rows(tree: Tree, report: ScoreReport) -> list[tuple[object, ...]]:
    """The rows of ``scores.csv``: all, each extent, each question, each answer."""
    noise = report.noise["all"]
    floors = [
        noise.value,
        *(report.noise[extent.key].value for extent, *_ in report.extents),
        *noise.questions,
        *noise.answers,
    ]
    scored = vote_rows(
        tree, report.scores, [(extent, score) for extent, score, _ in report.extents]
    )
    reference = vote_rows(
        tree, report.reference, [(extent, score) for extent, _, score in report.extents]
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
    """What an evaluation prints: each question, the extents, and what the noise floor assumes."""
    scores, reference, floor = report.scores, report.reference, report.noise["all"]
    table = TextTable(
        ("question", "RMSE", "interval", "mean vector", "floor", "entries"),
        tuple(
            (
                _question(tree, place),
                *score_cells(scores.questions[place]),
                number_cell(reference.questions[place].value),
                number_cell(floor.questions[place]),
                f"{sum(scores.answer_entries[where]):,}",
            )
            for place, where in enumerate(tree.slices)
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
        f"{extent.name}: {RMSE.label} {score} ({RMSE.simplest} {simplest.value:.4f}, "
        f"floor {report.noise[extent.key].value:.4f})"
        for extent, score, simplest in report.extents
    ]
    lines += [f"floor of the noise {floor}; it assumes:", *(f"  {a}" for a in floor.assumptions)]
    return PrintedScores(
        table,
        tuple(lines),
        f"{RMSE.label} {scores.overall.value:.4f} ({RMSE.simplest} "
        f"{reference.overall.value:.4f}, floor {floor.value:.4f})",
    )


def vote_figures(tree: Tree, scores: VoteScores, extents: Sequence[ScoredExtent]) -> dict[str, Any]:
    """The figures of a baseline."""
    return {
        "rmse": asdict(scores.overall),
        "entries": scores.entries,
        **{extent.key: {**_extent(extent), "rmse": asdict(score)} for extent, score in extents},
        "questions": _by_question(tree, scores),
    }


def vote_rows(
    tree: Tree, scores: VoteScores, extents: Sequence[ScoredExtent]
) -> Iterator[tuple[str, str, str, Score, int]]:
    """Kind, code, name, score and entries, row by row."""
    yield "all", "", "", scores.overall, scores.entries
    for extent, score in extents:
        yield extent.key, "", extent.name, score, int(extent.known.sum())
    for question, where, score in zip(tree.questions, tree.slices, scores.questions, strict=True):
        entries = sum(scores.answer_entries[where])
        yield "question", question.code, question.text, score, entries
    for answer, score, entries in zip(
        tree.answers, scores.answers, scores.answer_entries, strict=True
    ):
        yield "answer", answer.code, answer.name, score, entries


def compare_vote_scores(
    tree: Tree, named: Sequence[tuple[str, Any, Sequence[ScoredExtent]]]
) -> tuple[TextTable, ...]:
    """Overall scores, a predictor a row; scores by question, a predictor a column."""
    extents = [extent.name for extent, _ in named[0][2]]
    overall = TextTable(
        ("RMSE [95 % interval]", "everything that is known", *extents),
        tuple(
            (name, interval_cell(scores.overall), *(interval_cell(score) for _, score in parts))
            for name, scores, parts in named
        ),
    )
    by_question = TextTable(
        ("RMSE by question", *(name for name, *_ in named)),
        tuple(
            (
                _question(tree, place),
                *(number_cell(scores.questions[place].value) for _, scores, _ in named),
            )
            for place in range(len(tree.questions))
        ),
    )
    return overall, by_question


def question_names(tree: Tree) -> tuple[str, ...]:
    """The questions by code and key."""
    return tuple(_question(tree, place) for place in range(len(tree.questions)))


def _question(tree: Tree, place: int) -> str:
    question = tree.questions[place]
    return f"{question.code} {question.key.replace('_', ' ')}"


def _by_question(tree: Tree, scores: VoteScores) -> dict[str, Any]:
    keys = [question.key for question in tree.questions]
    return {key: asdict(score) for key, score in zip(keys, scores.questions, strict=True)}


def _extent(extent: Extent) -> dict[str, Any]:
    return {
        "name": extent.name,
        "answers": int(extent.known.any(axis=0).sum()),
        "galaxies": extent.galaxies,
    }
