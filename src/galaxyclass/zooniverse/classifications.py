"""Reading exports of Zooniverse piece by piece: classifications, reductions, subjects."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PureWindowsPath
from typing import Any, ClassVar

from galaxyclass.errors import CatalogError
from galaxyclass.io.reading import parse_json
from galaxyclass.zooniverse.annotations import NO_ANSWER, SEVERAL, answers_of
from galaxyclass.zooniverse.labels import WorkflowTask

#: Keys of a subject's metadata that may be the galaxy's id, without marks such as ``#``.
ID_KEYS = ("galaxy_id", "galaxyid", "id", "objid", "iauname", "name", "filename", "image", "file")
#: Whole numbers below this are exact as floats.
_EXACT = 2.0**53
#: Those that name a file, whose ending is no part of the id.
_FILE_KEYS = ("filename", "image", "file")

#: The columns that each export has at least.
CLASSIFICATIONS = ("annotations", "subject_data", "subject_ids")
REDUCTIONS = ("subject_id", "task", "reducer")
_DATA = "data."


@dataclass
class Galaxy:
    """What was collected about a galaxy; its votes by task and label are in `VoteRecords`."""

    subjects: dict[str, None] = field(default_factory=dict)
    retired: bool = False
    classifications: int = 0


@dataclass
class VoteRecords:
    """Votes as they were read, and what was left out.

    Attributes
    ----------
    galaxies : dict
        Id -> galaxy, in the order of the export.
    votes : dict
        Id -> (task, label) -> number of votes.
    paths : list
        The votes of each volunteer on a galaxy; empty where an export has only sums.
    dropped : Counter
        Why rows or annotations were left out -> how many.
    rows, late, versions, workflows
        Rows that were read; votes after retirement; rows by version and by workflow.
    """

    galaxies: dict[str, Galaxy] = field(default_factory=dict)
    votes: dict[str, Counter[tuple[WorkflowTask, str]]] = field(default_factory=dict)
    paths: list[tuple[tuple[WorkflowTask, str], ...]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    late: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    workflows: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class WantedRows:
    """Which rows of an export count, and where the ids of galaxies are."""

    workflow: str | None = None
    version: str | None = None
    id_column: str | None = None
    subjects: Mapping[str, Mapping[str, Any]] | None = None


class _RowReader(ABC):
    """Reads an export row by row; rows that do not count are counted by their reason."""

    #: The column of the subjects.
    kept: ClassVar[str]

    def __init__(self, selection: WantedRows) -> None:
        self.selection = selection
        self.records = VoteRecords()

    def __call__(self, piece: Any) -> Any:
        """Read the next rows of the table; only the column of subjects is kept."""
        for row in piece.to_pylist():
            self.records.rows += 1
            reason = self._read(row)
            if reason:
                self.records.dropped[reason] += 1
        return piece.select([self.kept])

    @abstractmethod
    def finish(self) -> VoteRecords:
        """All votes together."""

    @abstractmethod
    def _read(self, row: Mapping[str, Any]) -> str:
        """Read a row; why it does not count, or nothing."""


class ClassificationReader(_RowReader):
    """Reads a classification export: each volunteer's first classification of a galaxy counts.

    The first by its time, wherever it stands in the file.
    """

    kept = "subject_ids"

    def __init__(self, selection: WantedRows) -> None:
        super().__init__(selection)
        self._first: dict[tuple[str, str], tuple[str, tuple[tuple[WorkflowTask, str], ...]]] = {}
        self._tasks: dict[WorkflowTask, WorkflowTask] = {}
        self._anonymous = 0

    def finish(self) -> VoteRecords:
        """The votes of all volunteers together."""
        records = self.records
        for (galaxy, _), (_, votes) in self._first.items():
            records.galaxies[galaxy].classifications += 1
            records.votes.setdefault(galaxy, Counter()).update(votes)
            records.paths.append(votes)
        self._first.clear()
        return records

    def _read(self, row: Mapping[str, Any]) -> str:
        """Read a row; why it does not count, or nothing."""
        selection, records = self.selection, self.records
        workflow = str(row.get("workflow_id") or "")
        name = str(row.get("workflow_name") or "")
        if selection.workflow is not None and selection.workflow not in (workflow, name):
            return f"of another workflow ({workflow} {name})".replace(" )", ")")
        version = str(row.get("workflow_version") or "")
        if selection.version is not None and not _is_version(version, selection.version):
            return f"of another version of the workflow ({version})"
        if str(row.get("gold_standard") or "").lower() == "true":
            return "by the project's own experts (gold standard)"
        try:
            votes, reasons = self._votes(_parsed(row["annotations"], list))
            subjects = _parsed(row["subject_data"], dict)
        except (ValueError, TypeError, RecursionError):
            return "annotations or subject_data that are not JSON"
        if len(subjects) != 1:
            return "of several subjects at once"
        subject, metadata = next(iter(subjects.items()))
        if not isinstance(metadata, dict):
            return "of a subject without metadata"
        galaxy = id_of(metadata, selection.id_column)
        if galaxy is None:
            return "of a subject without an id in its metadata"
        records.workflows[f"{workflow} {name}".strip()] += 1
        records.versions[version] += 1
        known = records.galaxies.setdefault(galaxy, Galaxy())
        known.subjects[subject] = None
        created = str(row.get("created_at") or "")
        retired = metadata.get("retired")
        if retired:
            known.retired = True
            at = str(retired.get("retired_at") or "") if isinstance(retired, Mapping) else ""
            records.late += bool(at and created and _as_time(created) > _as_time(at))
        person = str(row.get("user_id") or row.get("user_name") or "")
        if not person:
            self._anonymous += 1
            person = f"\0{self._anonymous}"
        before = self._first.get((galaxy, person))
        if before is not None:
            if votes and created and _as_time(created) < _as_time(before[0]):
                self._first[galaxy, person] = (created, votes)
            return "a further classification of one galaxy by one person (the first counts)"
        records.dropped.update(reasons)
        if not votes:
            return "without any answer"
        self._first[galaxy, person] = (created, votes)
        return ""

    def _votes(
        self, annotations: list[Any]
    ) -> tuple[tuple[tuple[WorkflowTask, str], ...], list[str]]:
        votes: dict[WorkflowTask, str] = {}
        reasons = []
        for annotation in annotations:
            for task, label, reason in answers_of(annotation):
                if label is None:
                    if reason != NO_ANSWER:
                        reasons.append(f"annotations of task {task.words}: {reason}")
                    continue
                # A task that stands twice was answered again: the last answer holds.
                votes[self._tasks.setdefault(task, task)] = label
        return tuple(votes.items()), reasons


class ReductionReader(_RowReader):
    """Reads the reductions of questions of panoptes-aggregation, or of Caesar in its layout."""

    kept = "subject_id"

    def __init__(self, selection: WantedRows) -> None:
        super().__init__(selection)
        self._seen: set[tuple[str, str, str]] = set()

    def finish(self) -> VoteRecords:
        """The votes of all subjects."""
        for galaxy, votes in self.records.votes.items():
            by_task: Counter[WorkflowTask] = Counter()
            for (task, _), count in votes.items():
                by_task[task] += count
            self.records.galaxies[galaxy].classifications = max(by_task.values(), default=0)
        return self.records

    def _read(self, row: Mapping[str, Any]) -> str:
        selection, records = self.selection, self.records
        workflow = str(row.get("workflow_id") or "")
        if selection.workflow is not None and selection.workflow != workflow:
            return f"of another workflow ({workflow})"
        reducer, task = str(row["reducer"] or ""), str(row["task"] or "")
        if "question" not in reducer or "consensus" in reducer:
            return f"by the reducer {reducer}, which does not count answers"
        subject = str(row["subject_id"] or "")
        if (subject, task, workflow) in self._seen:
            return "a further reduction of one subject and task (the first counts)"
        self._seen.add((subject, task, workflow))
        metadata = None if selection.subjects is None else selection.subjects.get(subject, {})
        galaxy = subject if metadata is None else id_of(metadata, selection.id_column)
        if galaxy is None:
            return "of a subject that the table of subjects does not name"
        records.workflows[workflow] += 1
        known = records.galaxies.setdefault(galaxy, Galaxy())
        known.subjects[subject] = None
        known.retired |= bool(metadata and metadata.get("retired"))
        votes = records.votes.setdefault(galaxy, Counter())
        for label, count in _counts(row):
            if "+" in label:
                records.dropped[f"votes of task {task}: {SEVERAL}"] += count
            elif label.lower() != "none":
                votes[WorkflowTask(task), label] += count
        return ""


def _counts(row: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The label and the number of votes of each cell ``data.LABEL``."""
    counts = []
    for column, cell in row.items():
        label = column.removeprefix(_DATA)
        if not column.startswith(_DATA) or label == "aggregation_version":
            continue
        try:
            number = float(cell or 0)
        except ValueError:
            continue
        if 0 < number < math.inf:
            counts.append((label, round(number)))
    return counts


def id_of(metadata: Mapping[str, Any], column: str | None) -> str | None:
    """The galaxy's id in the metadata of a subject; None where there is none.

    Examples
    --------
    >>> id_of({"#id": "J1", "Filename": "a.jpg"}, None), id_of({"Filename": "a.jpg"}, None)
    ('J1', 'a')
    """
    if column is not None and metadata.get(column) not in (None, ""):
        return _id_text(metadata[column])
    by_key = {re.sub(r"^[#!/]+", "", key).strip().lower(): value for key, value in metadata.items()}
    for key in ID_KEYS if column is None else (column.lstrip("#!/").lower(),):
        value = by_key.get(key)
        if value not in (None, "") and (text := _id_text(value)) is not None:
            return PureWindowsPath(text).stem if key in _FILE_KEYS else text
    return None


def _id_text(value: Any) -> str | None:
    """An id as text; None of what is none, such as a float that has lost digits."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else None
    return None if isinstance(value, list | dict) else str(value).strip() or None


def read_subjects(rows: list[Mapping[str, Any]], source: str) -> dict[str, Mapping[str, Any]]:
    """The metadata of each subject, from a subject export.

    Raises
    ------
    CatalogError
        The metadata of a row are not JSON.
    """
    subjects: dict[str, Mapping[str, Any]] = {}
    for number, row in enumerate(rows, 2):
        try:
            metadata = _parsed(row["metadata"] or "{}", dict)
        except (ValueError, TypeError, RecursionError) as error:
            raise CatalogError(
                f"{source}, line {number}: its metadata are not JSON",
                argument="subjects",
                got=str(error),
                hint="take the subject export from Zooniverse again",
            ) from error
        retired = row.get("retired_at") or None
        subjects.setdefault(str(row["subject_id"]), {**metadata, "retired": retired})
    return subjects


def _parsed(text: Any, kind: type) -> Any:
    """A cell of JSON.

    Raises
    ------
    ValueError, TypeError, RecursionError
        It is no JSON, of another kind, or too deep.
    """
    content = parse_json(text or "")
    if not isinstance(content, kind):
        raise TypeError(f"{text:.80} is no JSON {'array' if kind is list else 'object'}")
    return content


def _is_version(version: str, wanted: str) -> bool:
    return version == wanted or ("." not in wanted and version.partition(".")[0] == wanted)


def _as_time(text: str) -> str:
    """A time as text that sorts: ``2026-01-02 03:04:05 UTC`` and ``2026-01-02T03:04:05.678Z``."""
    return re.sub(r"[TZ]|UTC", " ", text).strip()[:19]
