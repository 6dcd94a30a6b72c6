"""The file of labels: a line for each thing that a person did, on the disk before it is answered.

Lines are only appended. A last line that a kill cut short is dropped: nobody was told that it was
kept. A damaged line before it is refused, and so is a file that is no file of labels.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from galaxyclass.data.labels.log import (
    LABEL_FORMAT,
    LabelEvent,
    LabelLog,
    asked_of_head,
    parse_head,
)
from galaxyclass.data.labels.questions import Questions
from galaxyclass.data.labels.table import damaged_line, is_cut_short
from galaxyclass.errors import CatalogError, OutputError
from galaxyclass.io.atomic import sync_folder, translated
from galaxyclass.io.lock import close_locked, open_locked
from galaxyclass.version import __version__


class LabelFile(LabelLog):
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
        super().__init__(questions)
        self.path = path
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
        except OSError as error:  # a file of the system, or a damaged disk
            self.close()
            raise OutputError(
                f"{path}: it cannot be written: {error.strerror}", hint="choose another name"
            ) from error
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
            self.add_all([event])

    def add_all(self, events: Sequence[LabelEvent]) -> None:
        """Keep several things that people did, none of them an undo; all of them or none.

        Raises
        ------
        OutputError
            No room, no permission; nothing was kept.
        """
        with self._lock:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            timed = [replace(event, time=now) for event in events]
            lines = [{name: value for name, value in asdict(event).items() if value}
                     for event in timed]  # fmt: skip
            self._write(b"".join(map(_encoded, lines)))
            for event in timed:
                self.count(event)

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
        lines: list[bytes] = []
        # Files of the kernel say that they are empty, and some of them wait for what comes.
        if os.fstat(self._descriptor).st_size:
            with os.fdopen(self._descriptor, "rb", closefd=False) as file:
                lines = file.readlines()
        for number, line in enumerate(lines, start=1):
            if self._is_cut_short(number, line):
                break
            try:
                if number == 1:
                    self._check_head(parse_head(line))
                else:
                    self.count_line(line)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                damaged = damaged_line(self.path, number, line, error)
                damaged.argument = "label"
                raise damaged from None
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
        return {"format": LABEL_FORMAT, "version": __version__, **self.questions.to_head()}

    def _is_cut_short(self, number: int, line: bytes) -> bool:
        """Whether a kill cut this line short: nothing else may ever be removed from a file."""
        if number == 1 and not line.endswith(b"\n"):
            return _encoded(self._head).startswith(line)
        return is_cut_short(line)

    def _check_head(self, head: dict[str, Any]) -> None:
        asked = asked_of_head(head)
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


def _words(asked: Mapping[str, Any]) -> str:
    if "tree" in asked:
        return f"the tree {asked['tree']}"
    return ", ".join(map(str, asked.get("classes", ())))
