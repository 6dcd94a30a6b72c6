"""The decision tree: questions, their answers, and who is asked them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import TreeError
from galaxyclass.short import summary


@dataclass(frozen=True)
class Answer:
    """One answer: a code (``1.1``), a plain name (``smooth``) and a key (``smooth``)."""

    code: str
    name: str
    key: str
    question: str


@dataclass(frozen=True)
class Question:
    """A group of answers.

    ``asked_of`` holds the codes of the answers that lead here; empty means that everyone is asked.
    """

    code: str
    key: str
    text: str
    asked_of: tuple[str, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Layout:
    """The columns of a published kind of table for a tree's answers, and what its numbers mean.

    ``columns[i]`` is the column of the tree's i-th answer. ``kind`` says whether a number is the
    share of everybody (joint) or of those who were asked (conditional). ``tolerance`` is by how
    much published numbers may miss the sum rules through rounding.
    """

    name: str
    kind: Literal["joint", "conditional"]
    columns: tuple[str, ...]
    tolerance: float


@dataclass(frozen=True)
class Tree:
    """A decision tree; arrays of votes have its answers, in its order, as their last axis."""

    key: str
    title: str
    reference: str
    questions: tuple[Question, ...]
    layouts: tuple[Layout, ...]

    def __repr__(self) -> str:
        return summary(
            f"Tree {self.key}: {len(self.questions)} questions, {len(self.answers)} answers"
        )

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """All answers, question by question."""
        return tuple(answer for question in self.questions for answer in question.answers)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The codes of all answers."""
        return tuple(answer.code for answer in self.answers)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """The slice of each question's answers on the answer axis."""
        slices, start = [], 0
        for question in self.questions:
            slices.append(slice(start, start + len(question.answers)))
            start += len(question.answers)
        return tuple(slices)

    @cached_property
    def parents(self) -> NDArray[np.bool_]:
        """(questions, answers) bool: the answers that lead to a question; none: all are asked."""
        matrix = np.zeros((len(self.questions), len(self.answers)), dtype=bool)
        for row, question in enumerate(self.questions):
            for code in question.asked_of:
                matrix[row, self.codes.index(code)] = True
        return matrix

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Indices of the questions, each after the questions that lead to it."""
        question_of = np.repeat(
            np.arange(len(self.questions)), [len(q.answers) for q in self.questions]
        )
        done: list[int] = []
        while len(done) < len(self.questions):
            ready = [
                index
                for index in range(len(self.questions))
                if index not in done and set(question_of[self.parents[index]]) <= set(done)
            ]
            assert ready, "a tree with a loop is refused when it is read"
            done.extend(ready)
        return tuple(done)

    def layout(self, name: str) -> Layout:
        """The layout of that name.

        Raises
        ------
        TreeError
            The tree has none of that name.
        """
        for layout in self.layouts:
            if layout.name == name:
                return layout
        raise TreeError(
            f"{self.title} has no layout {name!r}",
            wanted=", ".join(layout.name for layout in self.layouts) or "a tree with layouts",
        )
