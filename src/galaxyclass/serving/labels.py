"""The file of labels: a line for each thing that a person did, on the disk before it is answered.

Lines are only appended. A last line that a kill cut short is dropped: nobody was told that it was
kept. A damaged line before it is refused, and so is a file that is no file of labels.
"""

from __future__ import annotations

import json
import os
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from galaxyclass.errors import CatalogError, OutputError
from galaxyclass.io.atomic import sync_folder, translated
from galaxyclass.io.lock import close_locked, open_locked
from galaxyclass.serving.questions import Questions
from galaxyclass.version import __version__

_FORMAT = 1

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


class LabelFile:
    """The labels of a file, which this process alone writes.

    Parameters
    ----------
    path : Path
        Made where it is missing.
    questions : Questions

    Raises
    ------
    CatalogError
        The file is no file of labels, is damaged, or has labels of other questions.
    OutputError
        It cannot be written, or another process writes it.
    """

    def __init__(self, path: Path, questions: Questions) -> None:
        self.path, self.questions = path, questions
        self._lock = threading.RLock()
        self._done: dict[str, list[LabelEvent]] = defaultdict(list)
        self._of_galaxy: dict[str, dict[str, list[LabelEvent]]] = {}
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._descriptor = open_locked(path)
            except BlockingIOError:
                raise OutputError(
                    f"{path}: another process is writing it", hint="stop the other server first"
                ) from None
        try:
            self._end = self._read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the file."""
        close_locked(self._descriptor)

    def add(self, event: LabelEvent) -> None:
        """Keep what a person did; on the disk when this returns.

        Raises
        ------
        OutputError
            No room, no permission; nothing was kept.
        """
        with self._lock:
            if event.action == "undo" and not self._done[event.person]:
                return
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            timed = LabelEvent(**{**asdict(event), "time": now})
            self._append({name: value for name, value in asdict(timed).items() if value})
            self._count(timed)

    def last(self, person: str) -> LabelEvent | None:
        """The last thing that a person did and did not take back."""
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

    def _count(self, event: LabelEvent) -> None:
        if event.action == "undo":
            if self._done[event.person]:
                taken_back = self._done[event.person].pop()
                events = self._of_galaxy[taken_back.id][taken_back.person]
                events.remove(taken_back)
                if not events:
                    del self._of_galaxy[taken_back.id][taken_back.person]
            return
        self._done[event.person].append(event)
        people = self._of_galaxy.setdefault(event.id, {})
        people.setdefault(event.person, []).append(event)

    def _append(self, line: Mapping[str, Any]) -> None:
        self._write(_encoded(line))

    def _write(self, data: bytes) -> None:
        with translated(self.path):
            try:
                os.lseek(self._descriptor, self._end, os.SEEK_SET)
                written = 0
                while written < len(data):
                    written += os.write(self._descriptor, data[written:])
                os.fsync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, self._end)
                raise
        self._end += len(data)

    def _read(self) -> int:
        """Read the file, write its first line where it is new, and return where the next goes."""
        end = 0
        with os.fdopen(self._descriptor, "rb", closefd=False) as file:
            lines = file.readlines()
        for number, line in enumerate(lines, start=1):
            if self._is_cut_short(number, line):
                break
            try:
                content = json.loads(line)
                if number == 1:
                    self._check_head(content)
                else:
                    self._count(_event(content))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise CatalogError(
                    f"{self.path}: line {number} is damaged",
                    argument="label",
                    wanted="a file of labels, as `galaxyclass serve` writes it",
                    got=f"{line[:80].decode('utf-8', 'replace').strip()!r} ({error})",
                    hint="mend or remove that line, or choose another file",
                ) from None
            end += len(line)
        os.ftruncate(self._descriptor, end)
        self._end = end
        if lines and end and not lines[-1].endswith(b"\n") and end == sum(map(len, lines)):
            self._write(b"\n")  # an editor took it away
        if not end:
            self._append(self._head)
            sync_folder(self.path.parent)
        return self._end

    @property
    def _head(self) -> dict[str, Any]:
        """The first line of a new file."""
        return {"format": _FORMAT, "version": __version__, **self.questions.to_json()}

    def _is_cut_short(self, number: int, line: bytes) -> bool:
        """Whether a kill cut this line short: nothing else may ever be removed from a file."""
        if line.endswith(b"\n"):
            return False
        if number == 1:
            return _encoded(self._head).startswith(line)
        try:
            json.loads(line)
        except ValueError:
            return True
        return False

    def _check_head(self, head: dict[str, Any]) -> None:
        if head["format"] != _FORMAT:
            raise ValueError(f"format {head['format']}")
        asked: dict[str, Any] = {
            name: head[name] for name in ("classes", "tree", "answers") if name in head
        }
        if asked != self.questions.to_json():
            raise CatalogError(
                f"{self.path}: has labels of other questions",
                argument="label",
                wanted=_words(self.questions.to_json()),
                got=_words(asked),
                hint="choose another file",
            )


def _encoded(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _event(content: dict[str, Any]) -> LabelEvent:
    event = LabelEvent(**content)
    if event.action not in get_args(Action) or not all(
        isinstance(value, str) for value in content.values()
    ):
        raise ValueError("not a label")
    return event


def _words(asked: Mapping[str, Any]) -> str:
    if "tree" in asked:
        return f"the tree {asked['tree']}"
    return ", ".join(map(str, asked.get("classes", ())))
