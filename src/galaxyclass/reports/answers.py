"""What is in a folder without labels: the predicted answers or classes, and a gallery of each."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.plots.panel import AxisScale, ChartPanel, round_numbers, rows_of_bars
from galaxyclass.reports.examples import read_gallery
from galaxyclass.reports.parts import Cell, Figure, Gallery, ReportSection, ReportTable
from galaxyclass.reports.predicted import PredictedFolder
from galaxyclass.short import percent
from galaxyclass.trees.tree import Tree

#: Pictures of each answer or class; answers or classes that have a gallery.
_PICTURES, _MOST_GALLERIES = 4, 40
#: A gallery shows only galaxies of which at least this share is predicted to give the answer.
_LEAST = 0.1
#: A fraction that counts as a majority.
_MAJORITY = 0.5


@dataclass(frozen=True)
class AnswerSummary:
    """The predictions of an answer over a folder.

    ``mean`` is the mean joint fraction, ``majority`` how many galaxies have 0.5 or more, and
    ``highest`` the largest fraction of any galaxy.
    """

    code: str
    name: str
    question: str
    mean: float
    majority: int
    highest: float


def answer_summaries(tree: Tree, predictions: Doubles) -> list[AnswerSummary]:
    """A summary of each answer.

    Parameters
    ----------
    tree : Tree
    predictions : (galaxies, answers) float64, joint
        NaN unknown.
    """
    questions = {question.code: question.words for question in tree.questions}
    summaries = []
    for index, answer in enumerate(tree.answers):
        values = predictions[:, index]
        values = values[~np.isnan(values)]
        is_known = len(values) > 0
        summaries.append(
            AnswerSummary(
                answer.code,
                answer.name,
                questions[answer.question],
                float(values.mean()) if is_known else math.nan,
                int((values >= _MAJORITY).sum()),
                float(values.max()) if is_known else math.nan,
            )
        )
    return summaries


def vote_overview(folder: PredictedFolder) -> list[ReportSection]:
    """The distribution of answers, and a gallery of each."""
    tree = folder.task.decision_tree
    assert tree is not None, "votes have a tree"
    predictions = np.where(folder.task.known_mask, folder.predictions, np.nan)
    summaries = answer_summaries(tree, predictions)
    figures = []
    longest = max((each.mean for each in summaries if not math.isnan(each.mean)), default=1.0)
    for question, where in zip(tree.questions, tree.slices, strict=True):
        rows = [
            (
                f"{each.code} {each.name}",
                each.mean,
                "unknown" if math.isnan(each.mean) else f"{each.mean:.2f}  ({each.majority:,})",
            )
            for each in summaries[where]
        ]
        title = question.title
        figures.append(Figure(title, rows_of_bars(rows, longest, f"Answers to {title}")))
    columns = ("code", "name", "question", "mean", "majority", "highest")
    answers = ReportSection(
        "answers",
        "What volunteers would answer",
        (
            "The bar is the share of all volunteers who would give the answer, as the model "
            "predicts it, on average over all pictures; in brackets, for how many pictures at "
            "least half of the volunteers would.",
        ),
        tuple(figures),
        (("box c0", "mean share of all volunteers (in brackets: pictures with half or more)"),),
        tables=(
            ReportTable(
                "answers",
                columns,
                tuple(tuple(asdict(each)[name] for name in columns) for each in summaries),
                "The same as a table",
            ),
        ),
        numbers={"answers": list(map(asdict, summaries))},
    )
    galleries: list[Gallery] = []
    for index, answer in enumerate(tree.answers):
        chosen = _highest(predictions[:, index])
        if not len(chosen) or len(galleries) == _MOST_GALLERIES:
            continue
        of_answer = predictions[:, index]
        title = f"{answer.code} {answer.name}"
        galleries.append(_gallery(folder, title, chosen, of_answer))
    return [answers, _galleries(galleries, "answer")]


def class_overview(folder: PredictedFolder) -> list[ReportSection]:
    """How many pictures each class gets, how sure the model is, and a gallery of each class."""
    names, predictions = folder.task.class_names, folder.predictions
    has_all = ~np.isnan(predictions).any(axis=1)
    called = np.where(has_all, np.nan_to_num(predictions).argmax(axis=1), -1)
    counts = np.bincount(called[has_all], minlength=len(names))
    total = max(int(counts.sum()), 1)
    training = folder.task.class_shares or (math.nan,) * len(names)
    rows = [
        (name, float(count), f"{count:,} ({percent(count / total)})")
        for name, count in zip(names, counts.tolist(), strict=True)
    ]
    highest = np.nan_to_num(predictions).max(axis=1)[has_all]
    edges = np.linspace(0, 1, 21)
    heights, _ = np.histogram(highest, edges)
    top = float(heights.max(initial=1))
    panel = ChartPanel(
        AxisScale(0, 1, "probability of the called class"),
        AxisScale(0, top * 1.05, "pictures", round_numbers(0, top)),
        "How sure the model is",
    )
    panel.columns(edges.tolist(), heights.tolist(), 0)
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (name, int(count), count / total, share)
        for name, count, share in zip(names, counts.tolist(), training, strict=True)
    )
    unsure = float((highest < _MAJORITY).mean()) if len(highest) else math.nan
    section = ReportSection(
        "classes",
        "What the model calls them",
        (
            "How many pictures get each class, and how sure the model is of it. Where many bars "
            "stand far left of 1, these pictures are hard for it, or unlike those it was trained "
            f"on: {percent(unsure)} of them have no class above one half.",
            "The shares are of what the model says, mistakes included: they are not the shares "
            "of the true classes.",
        ),
        (
            Figure(
                "Pictures of each class",
                rows_of_bars(rows, float(counts.max(initial=1)), "Classes"),
            ),
            Figure("How sure the model is", panel.svg()),
        ),
        tables=(
            ReportTable(
                "classes",
                ("class", "pictures", "share", "share in training"),
                cells,
                "The same as a table",
            ),
        ),
        numbers={"classes": list(names), "pictures": counts.tolist(), "unsure": unsure},
    )
    galleries = [
        _gallery(folder, name, chosen, predictions[:, index])
        for index, name in enumerate(names[:_MOST_GALLERIES])
        if len(chosen := _highest(np.where(called == index, predictions[:, index], np.nan)))
    ]
    return [section, _galleries(galleries, "class")]


def _highest(values: Doubles) -> NDArray[np.int64]:
    """The pictures with the highest values, at most `_PICTURES`."""
    order = np.argsort(-np.nan_to_num(values, nan=-1.0), kind="stable")[:_PICTURES]
    return order[np.nan_to_num(values[order]) >= _LEAST].astype(np.int64)


def _gallery(
    folder: PredictedFolder, title: str, chosen: NDArray[np.int64], values: Doubles
) -> Gallery:
    return read_gallery(
        title, folder.catalog, chosen, folder.preprocessing, lambda index: f"{values[index]:.2f}"
    )


def _galleries(galleries: list[Gallery], word: str) -> ReportSection:
    return ReportSection(
        "gallery",
        f"The clearest pictures of each {word}",
        (
            f"The pictures with the highest prediction of each {word}, as the model sees them. "
            f"Look whether you would say the same. Left out is any {word} without a picture above "
            f"{_LEAST:g}.",
        ),
        galleries=tuple(galleries),
    )
