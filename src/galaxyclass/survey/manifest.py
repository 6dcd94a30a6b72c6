"""The plan of a survey on disk: what is predicted, by which model, in which shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from galaxyclass.errors import SurveyError
from galaxyclass.io.reading import read_bounded
from galaxyclass.io.versioned import FileFormat
from galaxyclass.short import first_line
from galaxyclass.survey.folder import SHARDS_OF_PART, SurveyFolder
from galaxyclass.survey.names import text_bytes

#: The columns of the ids and paths of a survey's objects.
ID, PATH = "id", "path"

FORMAT = FileFormat(
    "survey",
    1,
    SurveyError,
    remedy="plan it again, into another folder",
    if_damaged="restore it, or plan the survey again",
)


@dataclass(frozen=True)
class SurveyCost:
    """What a survey costs, by a short measurement on the machine that planned it.

    Attributes
    ----------
    images_per_second : float
        With all cores of that machine.
    cores : int
    images : int
        That were measured.
    bytes_per_image : float
        Of the predictions as parquet, without columns that are carried into them.
    """

    images_per_second: float
    cores: int
    images: int
    bytes_per_image: float

    def seconds(self, images: int) -> float:
        """The time that so many images take on that machine."""
        return images / self.images_per_second


@dataclass(frozen=True)
class SurveyPlan:
    """What a survey predicts.

    Attributes
    ----------
    version : str
        Of the package that planned it, and must run it.
    planned : str
        The day, in UTC.
    source : tuple of str
        The sources, as absolute paths.
    ids : {"stem", "path", "column"}
        What the ids are made from.
    model : tuple of str
        What the model was loaded from; absolute paths, or ``pretrained``.
    name, digest : str
        The model's name and identity.
    views : int
    precision : str
    labelling : str or None
    include : tuple of str
    reading : mapping
        How pictures in bands are read.
    id_column : str
    id_integer : bool
    sky : (str, str) or None
        The columns of right ascension and declination.
    cutting : mapping or None
        How sources are cut out of tiles; None where the pictures are files.
    images, shards, shard_size : int
    shards_digest : str
        SHA-256 of ``shards.parquet``.
    cost : SurveyCost or None
    """

    version: str
    planned: str
    source: tuple[str, ...]
    ids: str
    model: tuple[str, ...]
    name: str
    digest: str
    views: int
    precision: str
    labelling: str | None
    include: tuple[str, ...]
    reading: Mapping[str, Any]
    id_column: str
    id_integer: bool
    sky: tuple[str, str] | None
    cutting: Mapping[str, Any] | None
    images: int
    shards: int
    shard_size: int
    shards_digest: str
    cost: SurveyCost | None

    def to_json(self) -> str:
        """The content of ``survey.json``."""
        return json.dumps({"format": FORMAT.number, **asdict(self)}, indent=1, ensure_ascii=False)

    @property
    def settings_digest(self) -> str:
        """SHA-256 of all that predictions depend on besides the pictures."""
        settings = [self.version, self.digest, self.views, self.precision, self.labelling]
        settings += [list(self.include), dict(self.reading), self.id_column, self.id_integer]
        settings += [self.cutting]
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class SurveyShard:
    """Some objects of a survey that are predicted into one file.

    Attributes
    ----------
    number : int
        From 0.
    images : int
    source : str
        The folder or archive of its first picture.
    digest : str
        SHA-256 of its ids, paths and other columns.
    """

    number: int
    images: int
    source: str
    digest: str


def read_survey_plan(folder: SurveyFolder) -> SurveyPlan:
    """Read ``survey.json``.

    Raises
    ------
    SurveyError
        There is none; of another version; damaged.
    """
    try:
        text = read_bounded(folder.manifest)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SurveyError(
            f"{folder.path}: no survey",
            argument="folder",
            wanted="the folder of a survey that was planned",
            hint="plan it first: `galaxyclass.plan_survey('images', output='survey')`",
        ) from error
    except OSError as error:
        raise SurveyError(
            f"{folder.path}: the survey cannot be read",
            argument="folder",
            got=error.strerror or str(error),
        ) from error
    return FORMAT.parse(text, folder.manifest, _plan)


def _plan(data: dict[str, Any]) -> SurveyPlan:
    data = {name: value for name, value in data.items() if name != "format"}
    for name in ("source", "model", "include"):
        data[name] = tuple(data[name])
    data["sky"] = None if data["sky"] is None else tuple(data["sky"])
    data["cost"] = None if data["cost"] is None else SurveyCost(**data["cost"])
    return SurveyPlan(**data)


def read_shards(folder: SurveyFolder, plan: SurveyPlan) -> list[SurveyShard]:
    """The shards of a survey, in their order.

    Raises
    ------
    SurveyError
        The file is missing, or not the one that was planned.
    """
    try:
        content = read_buffer(folder.shards)
    except FileNotFoundError as error:
        raise SurveyError(f"{folder.shards}: missing", hint=FORMAT.if_damaged) from error
    if hashlib.sha256(content).hexdigest() != plan.shards_digest:
        raise SurveyError(
            f"{folder.shards}: changed after the survey was planned",
            got="another digest than survey.json states",
            hint=FORMAT.if_damaged,
        )
    table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
    return [SurveyShard(**row) for row in table.to_pylist()]


def read_source_sizes(folder: SurveyFolder) -> dict[str, int]:
    """Bytes of each archive, and of each file of a tile, when the survey was planned.

    Raises
    ------
    SurveyError
        The file is missing or damaged.
    """
    try:
        table = pq.read_table(
            pa.BufferReader(read_buffer(folder.sources)), page_checksum_verification=True
        )
        return dict(zip(table["path"].to_pylist(), table["bytes"].to_pylist(), strict=True))
    except (OSError, pa.ArrowException, KeyError) as error:
        raise SurveyError(
            f"{folder.sources}: cannot be read", got=first_line(error), hint=FORMAT.if_damaged
        ) from error


def read_objects(folder: SurveyFolder, shard: SurveyShard) -> pa.Table:
    """Ids, paths and other columns of a shard's objects.

    Raises
    ------
    SurveyError
        The file is missing or damaged, or not the one that was planned.
    """
    part, group = divmod(shard.number, SHARDS_OF_PART)
    file = folder.objects(part)
    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as parquet:
            table = parquet.read_row_group(group)
    except (OSError, pa.ArrowException, IndexError) as error:
        raise SurveyError(
            f"{file}: the objects of shard {shard.number:,} cannot be read",
            got=first_line(error),
            hint=FORMAT.if_damaged,
        ) from error
    if objects_digest(table) != shard.digest:
        raise SurveyError(
            f"{file}: the objects of shard {shard.number:,} changed after the survey was planned",
            got="another digest than shards.parquet states",
            hint=FORMAT.if_damaged,
        )
    return table


def read_buffer(path: Path) -> pa.Buffer:
    """The content of a file, in memory of Arrow's own.

    Arrow's threads would need Python's lock to give back memory of Python, which they cannot get
    any more where the process ends just then (`galaxyclass.workers.ending`).

    Raises
    ------
    OSError
    """
    path.stat()  # its error is the system's
    with pa.OSFile(str(path), "r") as file:
        return file.read_buffer()


def objects_digest(table: pa.Table) -> str:
    """SHA-256 of the content of a table, however its cells lie in memory.

    Examples
    --------
    >>> first = pa.table({"id": ["a", "b", "c"]})
    >>> objects_digest(first.slice(1)) == objects_digest(pa.table({"id": ["b", "c"]}))
    True
    """
    digest = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        digest.update(f"{name} {column.type} {len(column)} {column.null_count}\0".encode())
        filled = column
        if column.null_count:
            digest.update(_plain(pc.is_null(column).cast(pa.uint8())).tobytes())
        text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        if not text and pa.types.is_primitive(column.type) and not column.null_count:
            digest.update(_plain(column).tobytes())
            continue
        if not text:
            filled = pa.chunked_array([pa.array(map(repr, column.to_pylist()), pa.string())])
        lengths, content = text_bytes(pc.fill_null(filled.combine_chunks(), ""))
        digest.update(lengths.tobytes())
        digest.update(content)
    return digest.hexdigest()


def _plain(column: Any) -> NDArray[Any]:
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.int64() if column.type.bit_width == 64 else pa.int32())
    return np.ascontiguousarray(column.combine_chunks().to_numpy(zero_copy_only=False))
