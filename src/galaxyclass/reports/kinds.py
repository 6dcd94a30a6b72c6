"""What a report shows of each kind of task; a new kind is a line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from galaxyclass.arrays import Doubles
from galaxyclass.reports.answers import class_overview, vote_overview
from galaxyclass.reports.classes import class_caption, class_errors, class_sections
from galaxyclass.reports.counts import count_sections
from galaxyclass.reports.numbers import number_sections
from galaxyclass.reports.parts import ReportSection, ReportSettings
from galaxyclass.reports.predicted import PredictedFolder
from galaxyclass.reports.scored import ScoredModel
from galaxyclass.reports.votes import (
    telling_answer,
    vote_caption,
    vote_error_caption,
    vote_sections,
)
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.counts.task import CountTask
from galaxyclass.tasks.numbers.task import NumberTask
from galaxyclass.tasks.scores.counts import expected_shares
from galaxyclass.tasks.task import Task
from galaxyclass.tasks.votes.task import VoteTask


def _losses(model: ScoredModel) -> Doubles:
    return model.losses


@dataclass(frozen=True)
class TaskSections:
    """What a report shows of a kind of task.

    Attributes
    ----------
    scored : callable
        From the models and what is shown to sections on the scores.
    overview : callable
        From a folder without labels to sections on its predictions.
    caption : callable
        From a task, a galaxy's predictions and its truth (or None) to words below its picture.
    error_caption : callable
        The same of a galaxy with a large error.
    explained : callable or None
        From a task and a galaxy's predictions to the index of the output that is explained; None
        where no output is an answer or a class.
    errors : callable
        From a scored model to the (galaxies,) error of each, by which the largest are shown.
    together : tuple of str
        Keys of the sections of ``scored`` that show several models side by side; of the others,
        each model has its own.
    """

    scored: Callable[[Sequence[ScoredModel], ReportSettings], list[ReportSection]]
    overview: Callable[[PredictedFolder], list[ReportSection]]
    caption: Callable[[Task, Doubles, Any], str]
    error_caption: Callable[[Task, Doubles, Any], str]
    explained: Callable[[Task, Doubles], int] | None = None
    errors: Callable[[ScoredModel], Doubles] = _losses
    together: tuple[str, ...] = ()


def _plain_caption(task: Task, predicted: Doubles, true: Any) -> str:
    """The first predicted numbers of a galaxy, and the true ones."""
    words = []
    for index, name in enumerate(task.names[:2]):
        truth = "" if true is None else f", true {np.ravel(true)[index]:.3g}"
        words.append(f"{name} {predicted[index]:.3g}{truth}")
    return "\n".join(words)


def _count_caption(task: Task, predicted: Doubles, true: Any) -> str:
    """The likeliest answers to the first questions, as shares of those asked, and the true ones."""
    tree = task.decision_tree
    assert tree is not None, "votes have a tree"
    shares = expected_shares(tree.slices, predicted[None])[0]
    words = []
    for where in tree.slices[:2]:
        index = (where.start or 0) + int(np.argmax(shares[where]))
        votes = 0.0 if true is None else float(np.sum(true[where]))
        truth = f" (true {true[index] / votes:.2f} of {votes:.0f} votes)" if votes > 0 else ""
        words.append(f"{tree.answers[index].name} {shares[index]:.2f}{truth}")
    return "\n".join(words)


def _first_answer(task: Task, predicted: Doubles) -> int:
    """The likeliest answer to the first question."""
    tree = task.decision_tree
    assert tree is not None, "votes have a tree"
    return int(np.argmax(expected_shares(tree.slices, predicted[None])[0][tree.slices[0]]))


def _no_sections(*_: object) -> list[ReportSection]:
    return []


#: What is shown of a kind that has no sections of its own: what all tasks have.
PLAIN = TaskSections(_no_sections, _no_sections, _plain_caption, _plain_caption)

#: Kind of task -> its sections.
SECTIONS: dict[str, TaskSections] = {
    VoteTask.kind: TaskSections(
        vote_sections,
        vote_overview,
        vote_caption,
        vote_error_caption,
        telling_answer,
        together=("questions",),
    ),
    ClassTask.kind: TaskSections(
        class_sections,
        class_overview,
        class_caption,
        class_caption,
        lambda _, predicted: int(np.argmax(predicted)),
        class_errors,
    ),
    CountTask.kind: TaskSections(
        count_sections,
        _no_sections,
        _count_caption,
        _count_caption,
        _first_answer,
        together=("questions",),
    ),
    NumberTask.kind: TaskSections(number_sections, _no_sections, _plain_caption, _plain_caption),
}


def sections_of(task: Task) -> TaskSections:
    """What a report shows of a task."""
    return SECTIONS.get(task.kind, PLAIN)
