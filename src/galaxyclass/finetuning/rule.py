"""The rule on the one answer that alone predicts labels best, in words."""

from __future__ import annotations

import math

import numpy as np

from galaxyclass.finetuning.fit_probe import FittedAnswer
from galaxyclass.tasks.task import Task
from galaxyclass.trees.tree import Tree


def rule_in_words(answer: FittedAnswer, task: Task, beneath: Task) -> str:
    """The rule of a regression on one answer: in words, and the threshold between two classes.

    Parameters
    ----------
    answer : FittedAnswer
    task : Task
        Of the labels.
    beneath : Task
        What the network predicts.
    """
    words = answer_in_words(beneath, answer.name)
    if len(task.class_names) != 2:
        return words
    slopes = np.diff(answer.probe.answers, axis=1)[:, 0]
    column = int(np.abs(slopes).argmax())  # all others are 0
    slope = float(slopes[column])
    if slope == 0:  # the answer is the same for all galaxies
        return words
    threshold = -float(np.diff(answer.probe.bias)[0]) / slope
    if column >= len(answer.probe.answers) // 2:  # of its logit
        threshold = (1 + math.tanh(threshold / 2)) / 2
    called = f"{task.class_names[1]!r} where"
    if beneath.decision_tree is None:
        return f"{called} {words} is {'above' if slope > 0 else 'below'} {threshold:.3g}"
    question, name = _question_and_answer(beneath.decision_tree, beneath.names.index(answer.name))
    side = "more" if slope > 0 else "fewer"
    return (
        f"{called} {side} than {threshold:.3g} of those asked {question!r} say {name!r} "
        f"({answer.name})"
    )


def answer_in_words(task: Task, column: str) -> str:
    """An answer as its question and its name say it, beside its column; without a tree the column.

    Examples
    --------
    >>> from galaxyclass import load_model
    >>> answer_in_words(load_model().task, "Class8.1")
    "'ring' to 'Is the odd feature a ring, or is the galaxy disturbed or irregular?' (Class8.1)"
    """
    tree = task.decision_tree
    if tree is None:
        return column
    question, name = _question_and_answer(tree, task.names.index(column))
    return f"{name!r} to {question!r} ({column})"


def _question_and_answer(tree: Tree, index: int) -> tuple[str, str]:
    """The text of the question that an answer belongs to, and the name of the answer."""
    return next(
        (question.text, tree.answers[index].name)
        for question, where in zip(tree.questions, tree.slices, strict=True)
        if where.start <= index < where.stop
    )
