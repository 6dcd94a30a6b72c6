"""The index of a pack: one `ImageRecord` per image, as Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from galaxyclass.errors import PackError
from galaxyclass.images.inspect import Inspection
from galaxyclass.images.records import ImageFacts, ImageRecord, packed_digests
from galaxyclass.io import atomic
from galaxyclass.short import counted

if TYPE_CHECKING:
    import pyarrow as pa

INDEX_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(ImageRecord))

_ROWS_AT_ONCE = 65_536


class Records(Sequence[ImageRecord]):
    """The `ImageRecord` of each image, made on access: a million take 150 MB instead of 1 GB."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @overload
    def __getitem__(self, index: int) -> ImageRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[ImageRecord]: ...
    def __getitem__(self, index: int | slice) -> ImageRecord | list[ImageRecord]:
        rows = range(len(self))[index]
        if isinstance(rows, range):
            return [self[row] for row in rows]
        return ImageRecord(**{name: self._table[name][rows].as_py() for name in INDEX_COLUMNS})

    def __iter__(self) -> Iterator[ImageRecord]:
        for batch in self._table.to_batches(max_chunksize=4096):
            for row in batch.to_pylist():
                yield ImageRecord(**row)

    def facts(self) -> ImageFacts:
        """The columns that checks need."""
        error = self._table["error"]
        rows = np.flatnonzero(error.is_valid().to_numpy())
        sizes = [self._table[name].to_numpy() for name in ("width", "height")]
        digests = (batch.to_pylist() for batch in self._table["digest"].chunks)
        return ImageFacts(
            packed_digests(chain.from_iterable(digests)),
            np.stack(sizes, axis=1).astype(np.int32),
            dict(zip(rows.tolist(), error.take(rows).to_pylist(), strict=True)),
        )


def write_index(path: Path, shards: Iterable[tuple[Sequence[str], Sequence[Inspection]]]) -> None:
    """Write the index, whole or not at all, in bounded memory.

    Parameters
    ----------
    path : Path
    shards : iterable of (sequence of str, sequence of Inspection)
        The paths of a shard's images, and their inspections.

    Raises
    ------
    OutputError
        There is no room, or no permission.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"str": pa.string(), "int": pa.int64(), "str | None": pa.string()}
    schema = pa.schema([(field.name, kinds[str(field.type)]) for field in fields(ImageRecord)])
    with (
        atomic.writing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        for columns in _columns(shards):
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _columns(
    shards: Iterable[tuple[Sequence[str], Sequence[Inspection]]],
) -> Iterator[list[list[Any]]]:
    """The columns of the index, `_ROWS_AT_ONCE` rows or more at a time."""
    columns: list[list[Any]] = [[] for _ in INDEX_COLUMNS]
    for paths, inspections in shards:
        # The fields of an inspection are those of a record after its path, in the same order.
        for column, values in zip(columns, (paths, *zip(*inspections, strict=True)), strict=True):
            column.extend(values)
        if len(columns[0]) >= _ROWS_AT_ONCE:
            yield columns
            columns = [[] for _ in INDEX_COLUMNS]
    if columns[0]:
        yield columns


def read_index(path: Path, count: int) -> tuple[Records, pa.Array]:
    """The records of an index, and whether each image could be decoded (a bool array).

    Raises
    ------
    PackError
        The file is missing, truncated, damaged, or does not have ``count`` rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    hint = "delete the folder and make the pack again"
    try:
        table = pq.read_table(path, memory_map=False, page_checksum_verification=True)
        table.validate(full=True)  # Arrow trusts what it reads
    except (OSError, pa.ArrowException) as error:
        raise PackError(f"{path}: truncated or damaged ({error})", hint=hint) from error
    if tuple(table.column_names) != INDEX_COLUMNS or table.num_rows != count:
        raise PackError(
            f"{path}: damaged",
            wanted=f"{counted(count, 'row')} of {', '.join(INDEX_COLUMNS)}",
            got=f"{counted(table.num_rows, 'row')} of {', '.join(table.column_names)}",
            hint=hint,
        )
    return Records(table), table["error"].is_null().combine_chunks()
