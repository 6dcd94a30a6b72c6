"""The records of shards: that one is done, or why it was given up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxyclass.errors import SurveyError
from galaxyclass.io.atomic import write_text
from galaxyclass.io.reading import parse_json, read_bounded
from galaxyclass.io.versioned import FileFormat
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.manifest import SurveyPlan, SurveyShard

_RECORD = FileFormat(
    "record of a shard", 1, SurveyError, remedy="remove it: the shard is predicted again",
    if_damaged="remove it: the shard is predicted again",
)  # fmt: skip


@dataclass(frozen=True)
class ShardRecord:
    """That a shard is done.

    Attributes
    ----------
    digest : str
        Of the shard's objects and of all that its predictions depend on (`result_digest`).
    images, failed : int
        Pictures in it, and those that could not be read.
    bytes, sha256 : int, str
        Of the file of its predictions.
    seconds : float
        That the process which finished it took.
    fresh : int
        Pictures that this process predicted; others were done before a stop.
    host : str
    cores : int
    accepted : bool
        Whether pictures whose source is gone were accepted as failures.
    """

    digest: str
    images: int
    failed: int
    bytes: int
    sha256: str
    seconds: float
    fresh: int
    host: str
    cores: int
    accepted: bool = False


@dataclass(frozen=True)
class ShardFailure:
    """Why a shard was given up.

    Attributes
    ----------
    shard : int
    error : str
    attempts : int
    host : str
    """

    shard: int
    error: str
    attempts: int
    host: str


def result_digest(plan: SurveyPlan, shard: SurveyShard) -> str:
    """SHA-256 of all that the predictions of a shard depend on."""
    return hashlib.sha256(f"{plan.settings_digest} {shard.digest}".encode()).hexdigest()


def read_record(path: Path) -> ShardRecord | None:
    """The record of a shard; None where there is none.

    Raises
    ------
    SurveyError
        It is damaged.
    """
    try:
        text = read_bounded(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _RECORD.parse(text, path, _parsed)


def _parsed(data: dict[str, Any]) -> ShardRecord:
    return ShardRecord(**{name: value for name, value in data.items() if name != "format"})


def finished(folder: SurveyFolder, plan: SurveyPlan, shard: SurveyShard) -> ShardRecord | None:
    """The record of a shard whose result is there and fits the plan; None otherwise."""
    try:
        record = read_record(folder.record(shard.number))
        if record is None or record.digest != result_digest(plan, shard):
            return None
        size = folder.predictions(shard.number).stat().st_size
        if record.failed:
            folder.failures(shard.number).stat()
    except (OSError, SurveyError):
        return None
    return record if size == record.bytes and record.images == shard.images else None


def write_record(path: Path, record: ShardRecord) -> None:
    """Write the record of a shard that is done."""
    write_text(path, _json({"format": _RECORD.number, **asdict(record)}))


def read_failure(path: Path) -> ShardFailure | None:
    """Why a shard was given up; None where it was not, or the file cannot be read."""
    try:
        return ShardFailure(**parse_json(read_bounded(path)))
    except (OSError, ValueError, TypeError):
        return None


def write_failure(path: Path, failure: ShardFailure) -> None:
    """Note why a shard was given up."""
    write_text(path, _json(asdict(failure)))


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False) + "\n"
