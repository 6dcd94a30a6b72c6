"""What tasks have in common whose outputs are the answers of a decision tree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galaxyclass.tasks.task import Task
from galaxyclass.trees.tree import Layout, Tree


class TaskOnTree(Task):
    """A task whose outputs are the answers of a tree, in its order.

    Attributes
    ----------
    tree : Tree
    layout : Layout
        The names of the answers in the training table; predictions use the same names.
    known : tuple of bool
        Whether training had votes for each answer.
    """

    tree: Tree
    layout: Layout
    known: tuple[bool, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the answers."""
        return self.layout.columns

    @property
    def known_mask(self) -> NDArray[np.bool_]:
        """(answers,) whether training had votes for each."""
        return np.array(self.known, dtype=bool)

    @property
    def decision_tree(self) -> Tree:
        """The tree."""
        return self.tree

    @property
    def output_word(self) -> str:
        return "answers"

    @property
    def group_names(self) -> tuple[str, ...]:
        """The questions by code and key."""
        return tuple(question.title for question in self.tree.questions)

    @property
    def groups(self) -> tuple[tuple[str, slice, tuple[str, ...]], ...]:
        """The answers of each question."""
        return tuple(
            (name, where, tuple(answer.name for answer in question.answers))
            for name, question, where in zip(
                self.group_names, self.tree.questions, self.tree.slices, strict=True
            )
        )

    @property
    def target_hint(self) -> None:
        """None: votes are found by the names of their columns."""
