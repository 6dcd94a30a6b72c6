"""Who is shown which galaxy, and what becomes of an answer."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from galaxyclass.data.labels.log import Action, LabelEvent
from galaxyclass.data.labels.questions import AskedQuestion
from galaxyclass.data.labels.table import label_of
from galaxyclass.serving.labels import LabelFile
from galaxyclass.serving.order import LabelOrder
from galaxyclass.serving.refusals import RefusedError

#: Letters of a person's name.
_LONGEST_NAME = 60
#: Seconds for which a galaxy that one person is looking at is not shown to another.
_LOOKING = 600.0


@dataclass(frozen=True)
class Shown:
    """What a person is asked next.

    Attributes
    ----------
    row : int
    id : str
    question : AskedQuestion
    given : mapping of str to str
        The person's answers so far about this galaxy, by question.
    following : int or None
        The row that probably comes next, so that a browser can fetch its picture.
    """

    row: int
    id: str
    question: AskedQuestion
    given: Mapping[str, str]
    following: int | None


@dataclass(frozen=True)
class LabelProgress:
    """How far the labelling has come.

    Attributes
    ----------
    labelled, galaxies : int
        Galaxies that somebody labelled, of all that may be shown.
    answers : mapping of str to int
        How many galaxies have each answer to the first question, as most people say.
    ties : int
        Galaxies about which as many people say one thing as another.
    people : mapping of str to int
        How many galaxies each person labelled.
    fitted : int
        Labels on which the order rests.
    """

    labelled: int
    galaxies: int
    answers: Mapping[str, int]
    ties: int
    people: Mapping[str, int]
    fitted: int


class Labelling:
    """A labelling by one person or several.

    Parameters
    ----------
    labels : LabelFile
    order : LabelOrder
    ids : sequence of str
        Of all galaxies, by row.
    repeat : float
        The share of galaxies shown to a person that another one has labelled already, so that their
        agreement is known.
    """

    def __init__(
        self, labels: LabelFile, order: LabelOrder, ids: Sequence[str], repeat: float
    ) -> None:
        self.labels, self.order, self._ids = labels, order, ids
        self._row_of = {name: row for row, name in reversed(list(enumerate(ids)))}
        self._step = round(1 / repeat) if repeat else 0
        self._looking: dict[str, tuple[int, float]] = {}
        self._lock = threading.RLock()
        self._renew()

    def id_of(self, row: int) -> str:
        """The id of the galaxy in a row."""
        return self._ids[row]

    def next_for(self, person: str) -> Shown | None:
        """What a person is asked next; None where nothing is left."""
        with self._lock:
            row = self._current(person)
            if row is None:
                row = self._repeated(person)
            fresh = self._fresh(person, 2)
            if row is None:
                row = next(iter(fresh), None)
            if row is None:
                self._looking.pop(person, None)
                return None
            self._looking[person] = (row, time.monotonic())
            name = self._ids[row]
            given = self.labels.given(name, person)
            question = self.labels.questions.next(given)
            assert question is not None, "a galaxy that a person is done with is not shown"
            following = next((each for each in fresh if each != row), None)
            return Shown(row, name, question, given, following)

    def act(self, person: str, row: int, action: Action, question: str, answer: str) -> bool:
        """Keep what a person did; on the disk when this returns.

        Returns
        -------
        bool
            Whether it was kept: not the answer to a question that the person has answered already.

        Raises
        ------
        RefusedError
            No such galaxy, question or answer.
        OutputError
            The file cannot be written.
        """
        with self._lock:
            if action == "undo":
                last = self.labels.last(person)
                if last is None:
                    return False
                self.labels.add(LabelEvent(last.id, person, "undo"))
                if last.id in self._row_of:
                    self._looking[person] = (self._row_of[last.id], time.monotonic())
                return True
            if not 0 <= row < len(self._ids):
                raise RefusedError(422, f"no galaxy in row {row}")
            name = self._ids[row]
            if self.labels.is_done(name, person):
                return False
            if action == "label":
                asked = self.labels.questions.question(question)
                if asked is None or answer not in [choice.key for choice in asked.choices]:
                    raise RefusedError(422, f"{answer!r} is no answer to {question!r}")
                expected = self.labels.questions.next(self.labels.given(name, person))
                if expected is None or expected.code != question:
                    return False
                self.labels.add(LabelEvent(name, person, action, question, answer))
            else:
                self.labels.add(LabelEvent(name, person, action))
            self._renew()
            return True

    def progress(self) -> LabelProgress:
        """How far the labelling has come."""
        people: Counter[str] = Counter()
        answers: Counter[str] = Counter()
        labelled = ties = 0
        for name in self.labels.galaxies:
            done = self.labels.people_of(name)
            people.update(done)
            if done:
                labelled += 1
                found = label_of(self.labels, name)
                ties += found is None
                answers.update([] if found is None else [found])
        return LabelProgress(labelled, self.order.allowed, answers, ties, people, self.order.fitted)

    def _current(self, person: str) -> int | None:
        """The row that the person is looking at, if they are not done with it."""
        row, _ = self._looking.get(person, (None, 0.0))
        return None if row is None or self.labels.is_done(self._ids[row], person) else row

    def _fresh(self, person: str, count: int) -> list[int]:
        """The next rows that nobody labelled, and nobody else is looking at."""
        now = time.monotonic()
        taken = {
            row
            for other, (row, since) in self._looking.items()
            if other != person and now - since < _LOOKING
        }
        found: list[int] = []
        for row in self.order.rows():
            name = self._ids[row]
            if row in taken or self.labels.is_done(name, person) or self.labels.people_of(name):
                continue
            found.append(row)
            if len(found) == count:
                break
        return found

    def _repeated(self, person: str) -> int | None:
        """Now and then a row that one other person has labelled."""
        done = sum(person in self.labels.people_of(name) for name in self.labels.galaxies)
        if not self._step or not done or done % self._step:
            return None
        for name in self.labels.galaxies:
            people = self.labels.people_of(name)
            known = len(people) == 1 and person not in people and name in self._row_of
            if known and not self.labels.is_done(name, person):
                return self._row_of[name]
        return None

    def _renew(self) -> None:
        if not self.order.is_due(len(self.labels.galaxies)):
            return
        found = {
            self._row_of[name]: label
            for name in self.labels.galaxies
            if name in self._row_of and (label := label_of(self.labels, name)) is not None
        }
        self.order.renew(found)


def person_named(text: str) -> str:
    """A person's name, without what cannot be seen.

    Raises
    ------
    RefusedError
        It is empty or too long, or begins as a formula does.

    Examples
    --------
    >>> person_named("  Caroline   Herschel ")
    'Caroline Herschel'
    """
    name = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not 0 < len(name) <= _LONGEST_NAME:
        raise RefusedError(
            422,
            "who labels?",
            wanted=f"a name of 1 to {_LONGEST_NAME} letters",
            got=repr(name[:80]),
        )
    if name[0] in "=+-@":  # a spreadsheet would take the cell of a table for a formula
        raise RefusedError(
            422, "who labels?", wanted="a name that begins with a letter", got=repr(name)
        )
    return name
