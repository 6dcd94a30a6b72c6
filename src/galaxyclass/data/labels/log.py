"""What people did with galaxies: the lines of a file of labels, and what they come to.

The first line says what was asked; each other line is a thing that a person did (`LabelEvent`).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from galaxyclass.data.labels.questions import Questions, questions_of_classes, questions_of_tree
from galaxyclass.errors import GalaxyclassError
from galaxyclass.io.reading import parse_json
from galaxyclass.trees.read import TREES, load_tree, parse_tree

#: The format of the file; another one is refused.
LABEL_FORMAT = 1

#: ``unsure``: the person cannot tell; ``skip``: the person would rather not; ``undo``: takes back
#: the last thing that the person did.
Action = Literal["label", "unsure", "skip", "undo"]


@dataclass(frozen=True)
class LabelEvent:
    """What a person did: a line of the file.

    Attributes
    ----------
    id, person : str
    action : {"label", "unsure", "skip", "undo"}
    question, answer : str
        Of a label.
    time : str
        In UTC.
    """

    id: str
    person: str
    action: Action
    question: str = ""
    answer: str = ""
    time: str = ""


class LabelLog:
    """Everything that people did with galaxies, in memory.

    Parameters
    ----------
    questions : Questions
        What they were asked.
    """

    def __init__(self, questions: Questions) -> None:
        self.questions = questions
        self._lock = threading.RLock()
        self._done: dict[str, list[LabelEvent]] = defaultdict(list)
        self._of_galaxy: dict[str, dict[str, list[LabelEvent]]] = {}

    def count(self, event: LabelEvent) -> None:
        """Take in what a person did; an undo without anything before it changes nothing."""
        with self._lock:
            if event.action != "undo":
                self._done[event.person].append(event)
                people = self._of_galaxy.setdefault(event.id, {})
                people.setdefault(event.person, []).append(event)
            elif self._done[event.person]:
                taken_back = self._done[event.person].pop()
                people = self._of_galaxy[taken_back.id]
                people[taken_back.person].remove(taken_back)
                if not people[taken_back.person]:
                    del people[taken_back.person]
                if not people:
                    del self._of_galaxy[taken_back.id]

    def count_line(self, line: bytes) -> None:
        """Take in a line of a file of labels after the first.

        Raises
        ------
        ValueError, TypeError
            It is damaged, or a label that is no answer to any of the questions.
        """
        event = parse_event(line)
        if event.action == "label":
            question = self.questions.question(event.question)
            if question is None:
                raise ValueError(f"no question {event.question!r}")
            if all(choice.key != event.answer for choice in question.choices):
                raise ValueError(f"{event.answer!r} is no answer to {event.question!r}")
        self.count(event)

    def last(self, person: str) -> LabelEvent | None:
        """The last thing that the person did and did not take back."""
        with self._lock:
            done = self._done.get(person)
            return done[-1] if done else None

    def given(self, name: str, person: str) -> dict[str, str]:
        """The answers of a person about a galaxy, by question."""
        with self._lock:
            events = self._of_galaxy.get(name, {}).get(person, [])
            return {each.question: each.answer for each in events if each.action == "label"}

    def is_done(self, name: str, person: str) -> bool:
        """Whether a person is done with a galaxy: all is answered, or they cannot tell, or skip."""
        with self._lock:
            events = self._of_galaxy.get(name, {}).get(person, [])
            if any(event.action != "label" for event in events):
                return True
            return bool(events) and self.questions.next(self.given(name, person)) is None

    def people_of(self, name: str) -> tuple[str, ...]:
        """Who has answered all questions about a galaxy."""
        return tuple(self.complete(name))

    def complete(self, name: str) -> dict[str, dict[str, str]]:
        """The answers about a galaxy of all who answered all questions: person to answers."""
        with self._lock:
            found = {}
            for person, events in self._of_galaxy.get(name, {}).items():
                given = self.given(name, person)
                answered = bool(given) and all(event.action == "label" for event in events)
                if answered and self.questions.next(given) is None:
                    found[person] = given
            return found

    @property
    def galaxies(self) -> list[str]:
        """The ids of all galaxies that anybody did anything with."""
        with self._lock:
            return list(self._of_galaxy)

    @property
    def events(self) -> list[LabelEvent]:
        """All that was done and not taken back, by galaxy."""
        with self._lock:
            return [
                event
                for people in self._of_galaxy.values()
                for events in people.values()
                for event in events
            ]

    @property
    def people(self) -> tuple[str, ...]:
        """All who did anything."""
        with self._lock:
            return tuple(person for person, done in self._done.items() if done)


def parse_event(line: bytes) -> LabelEvent:
    """A line after the first.

    Raises
    ------
    ValueError, TypeError
        It is damaged.
    """
    content: dict[str, Any] = parse_json(line)
    event = LabelEvent(**content)
    if event.action not in get_args(Action) or not all(
        isinstance(value, str) for value in content.values()
    ):
        raise ValueError("not a label")
    return event


def parse_head(line: bytes) -> dict[str, Any]:
    """The first line, which says what was asked.

    Raises
    ------
    ValueError, TypeError, KeyError
        It is damaged, or of another format.
    """
    head: dict[str, Any] = parse_json(line)
    if head["format"] != LABEL_FORMAT:
        raise ValueError(f"format {head['format']}")
    return head


def asked_of_head(head: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, as `Questions.to_json` gives it."""
    return {name: head[name] for name in ("classes", "tree", "answers") if name in head}


def questions_of_head(head: Mapping[str, Any]) -> Questions:
    """What was asked, of a first line.

    Raises
    ------
    ValueError, KeyError
        It does not say, or names a tree that is not known.
    """
    classes = head.get("classes")
    try:
        if classes is not None:
            questions = questions_of_classes(tuple(classes))
        elif "own_tree" in head:
            questions = questions_of_tree(parse_tree(head["own_tree"], "the first line"))
        elif head["tree"] in TREES:
            questions = questions_of_tree(load_tree(head["tree"]))
        else:
            raise ValueError(f"no tree {head['tree']!r} comes with galaxyclass")
    except GalaxyclassError as error:
        raise ValueError(error.one_line) from None
    if questions.to_json() != asked_of_head(head):
        raise ValueError(f"the tree {head['tree']!r} has other answers")
    return questions
