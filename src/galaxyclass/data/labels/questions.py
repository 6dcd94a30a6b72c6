"""What people are asked about a galaxy: one choice between classes, or the questions of a tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from galaxyclass.errors import ArgumentError
from galaxyclass.trees.read import TREES, load_tree, tree_data
from galaxyclass.trees.tree import Tree

#: The code of the only question of classes.
CLASS = "class"


@dataclass(frozen=True)
class Choice:
    """An answer that can be given: what is kept, and what is shown."""

    key: str
    name: str


@dataclass(frozen=True)
class AskedQuestion:
    """A question with its choices; ``asked_of`` are the answers after which it is asked."""

    code: str
    text: str
    asked_of: tuple[str, ...]
    choices: tuple[Choice, ...]

    @property
    def shortcuts(self) -> tuple[str, ...]:
        """The key for each of the first nine choices: classes 0 and 1 are their own keys."""
        names = tuple(choice.name for choice in self.choices)
        if all(name in "0123456789" and len(name) == 1 for name in names):
            return names
        return tuple("123456789"[: len(names)])


@dataclass(frozen=True)
class Questions:
    """All that is asked about a galaxy, in order.

    Attributes
    ----------
    questions : tuple of AskedQuestion
    tree : Tree or None
        None of classes.
    """

    questions: tuple[AskedQuestion, ...]
    tree: Tree | None = None

    def question(self, code: str) -> AskedQuestion | None:
        """The question of that code; None where there is none."""
        return next((each for each in self.questions if each.code == code), None)

    def next(self, given: Mapping[str, str]) -> AskedQuestion | None:
        """The first question that is still to be asked; None where all are answered."""
        answers = set(given.values())
        for question in self.questions:
            is_asked = not question.asked_of or answers & set(question.asked_of)
            if is_asked and question.code not in given:
                return question
        return None

    def to_json(self) -> dict[str, Any]:
        """What a file of labels states about its labels: two that differ do not belong together."""
        if self.tree is not None:
            return {"tree": self.tree.key, "answers": list(self.tree.codes)}
        return {"classes": [choice.key for choice in self.questions[0].choices]}

    def to_head(self) -> dict[str, Any]:
        """The same, with the whole of a tree that the package does not ship."""
        tree = self.tree
        if tree is None or any(tree == load_tree(name) for name in TREES):
            return self.to_json()
        return {**self.to_json(), "own_tree": tree_data(tree)}


def questions_of_classes(classes: tuple[str, ...]) -> Questions:
    """One choice between classes.

    Raises
    ------
    ArgumentError
        Fewer than two, more than nine, an empty or a repeated one.
    """
    names = tuple(name.strip() for name in classes)
    if not 2 <= len(names) <= 9 or len(set(names)) != len(names) or not all(names):
        raise ArgumentError(
            "these cannot be the classes to label",
            argument="label_classes",
            wanted="two to nine different names",
            got=", ".join(map(repr, names)),
        )
    choices = tuple(Choice(name, name) for name in names)
    return Questions((AskedQuestion(CLASS, "Which is it?", (), choices),))


def questions_of_tree(tree: Tree) -> Questions:
    """The questions of a tree, each after those that lead to it."""
    asked = []
    for index in tree.order:
        question = tree.questions[index]
        choices = tuple(Choice(answer.code, answer.name) for answer in question.answers)
        asked.append(AskedQuestion(question.code, question.text, question.asked_of, choices))
    return Questions(tuple(asked), tree)
