"""The decision tree: questions, their answers, and who is asked them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import TreeError
from galaxyclass.short import counted, summary


@dataclass(frozen=True)
class Answer:
    """One answer: a code (``1.1``), a plain name (``smooth``) and a key (``smooth``).

    ``zooniverse`` is the label of its button in a Zooniverse project, where that is not the name.
    """

    code: str
    name: str
    key: str
    question: str
    zooniverse: str = field(default="", compare=False)


@dataclass(frozen=True)
class Question:
    """A group of answers.

    ``asked_of`` holds the codes of the answers that lead here; empty means that everyone is asked.
    ``zooniverse`` is its task (``T0``) in a Zooniverse project, where that is known.
    """

    code: str
    key: str
    text: str
    asked_of: tuple[str, ...]
    answers: tuple[Answer, ...]
    zooniverse: str = field(default="", compare=False)

    @property
    def words(self) -> str:
        """Its key in words: ``smooth or features``."""
        return self.key.replace("_", " ")

    @property
    def title(self) -> str:
        """Its code, and its key in words: ``1 smooth or features``."""
        return f"{self.code} {self.words}"


#: What the numbers of a table of votes are; see `Layout`.
LayoutKind = Literal["joint", "conditional", "debiased", "counts"]


@dataclass(frozen=True)
class Layout:
    """The columns of a published kind of table for a tree's answers, and what its numbers mean.

    ``columns[i]`` is the column of the tree's i-th answer. ``kind`` says what a number is:

    - ``joint``: the share of everybody;
    - ``conditional``: the share of those who were asked;
    - ``debiased``: such a share after a correction, so that those of a question do not sum to 1;
    - ``counts``: the number of volunteers.

    ``tolerance`` is by how much published numbers may miss the sum rules through rounding.
    ``written_columns`` are those of predictions; by default ``columns``.
    """

    name: str
    kind: LayoutKind
    columns: tuple[str, ...]
    tolerance: float
    written_columns: tuple[str, ...] = ()

    @property
    def written(self) -> Layout:
        """The layout of predictions of a model that learnt from such a table.

        Counts and debiased fractions are learnt, and predicted, as conditional fractions.
        """
        if self.kind in ("joint", "conditional"):
            return self
        return Layout(
            self.name, "conditional", self.written_columns or self.columns, self.tolerance
        )


@dataclass(frozen=True)
class Tree:
    """A decision tree; arrays of votes have its answers, in its order, as their last axis.

    ``layouts`` are those that predictions can have; ``published`` are further ones in which tables
    are read. Trees of the same questions are equal, whatever the layouts of their tables.
    """

    key: str
    title: str
    reference: str
    questions: tuple[Question, ...]
    layouts: tuple[Layout, ...] = field(compare=False)
    published: tuple[Layout, ...] = field(default=(), compare=False)

    def __repr__(self) -> str:
        return summary(
            f"Tree {self.key}: {counted(len(self.questions), 'question')}, "
            f"{counted(len(self.answers), 'answer')}"
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

    def with_layout(self, layout: Layout) -> Tree:
        """The tree with a layout among those that predictions can have."""
        if layout.name in {each.name for each in self.layouts}:
            return self
        return replace(self, layouts=(*self.layouts, layout))

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
