"""The rule on the one answer that alone predicts labels best, in words."""

from __future__ import annotations

import math

import numpy as np

from galaxyclass.finetuning.fit_probe import FittedAnswer
from galaxyclass.tasks.task import Task


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
    side = "above" if slope > 0 else "below"
    of_whom = "" if beneath.decision_tree is None else " of those asked"
    return f"{words} {side} {threshold:.3g}{of_whom} for {task.class_names[1]!r}"


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
    index = task.names.index(column)
    question, answer = next(
        (question, tree.answers[index])
        for question, where in zip(tree.questions, tree.slices, strict=True)
        if where.start <= index < where.stop
    )
    return f"{answer.name!r} to {question.text!r} ({column})"
