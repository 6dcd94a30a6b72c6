"""A network's predictions as a probe takes them: each answer's share of those who were asked.

Of all people a tenth may call a galaxy ringed because most were never asked, or because few of
those who were asked saw a ring. The shares of the answers to a question tell the two apart, and the
answers that lead to the question stand beside them.
"""

from __future__ import annotations

import numpy as np

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.tasks.task import Task

#: A question is taken to be asked of at least this fraction of all people.
LEAST_ASKED = 1e-3


def same_question(task: Task) -> Doubles | None:
    """(answers, answers) 1 where two answers are of one question, otherwise 0; None without any.

    Parameters
    ----------
    task : Task
        What the network predicts.
    """
    tree = task.decision_tree
    if tree is None:
        return None
    questions = np.repeat(
        np.arange(len(tree.slices)), [where.stop - where.start for where in tree.slices]
    )
    return np.asarray(questions[:, None] == questions, dtype=np.float64)


def answer_shares(values: Floats, same: Doubles | None) -> Doubles:
    """(galaxies, answers) float64 shares of those who were asked; without questions, the values.

    Parameters
    ----------
    values : (galaxies, answers) float
        Joint fractions.
    same : (answers, answers) float64 or None
        `same_question`.

    Examples
    --------
    >>> same = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> answer_shares(np.array([[0.1, 0.3, 0.5]]), same).round(2).tolist()
    [[0.25, 0.75, 1.0]]
    """
    fractions = np.asarray(values, dtype=np.float64)
    if same is None:
        return fractions
    return np.asarray(fractions / np.maximum(fractions @ same, LEAST_ASKED))
