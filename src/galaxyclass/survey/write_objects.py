"""Writing the objects of a survey: shards of equal size, a row group each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from galaxyclass.data.tables.cells import is_exact_integers
from galaxyclass.errors import CatalogError
from galaxyclass.images.containers import CONTAINER_ENDINGS
from galaxyclass.survey.folder import SHARDS_OF_PART, SurveyFolder
from galaxyclass.survey.manifest import ID, PATH, SurveyShard, objects_digest
from galaxyclass.survey.names import stems
from galaxyclass.survey.pieces import Piece
from galaxyclass.survey.repeated import IdHashes

#: Before the names of carried columns, so that a list may have columns ``id`` and ``path``.
CARRIED = "carried."


class ObjectsWriter:
    """Writes pieces of a survey's stream as shards; `finish` must be called after the last.

    Attributes
    ----------
    shards : list of SurveyShard
    images : int
    id_integer : bool
        Whether all ids so far are whole numbers.
    """

    def __init__(self, folder: SurveyFolder, shard_size: int, rule: str, hashes: IdHashes) -> None:
        self.folder, self.shard_size, self.rule = folder, shard_size, rule
        self.shards: list[SurveyShard] = []
        self.images, self.id_integer = 0, True
        self._hashes = hashes
        self._waiting: list[pa.Table] = []
        self._count = 0
        self._schema: pa.Schema | None = None
        self._writer: pq.ParquetWriter | None = None

    def add(self, piece: Piece) -> None:
        """Add some objects."""
        table = self._table(piece)
        self._hashes.add(table[ID])
        self.id_integer = self.id_integer and is_exact_integers(table[ID])
        self.images += table.num_rows
        self._waiting.append(table)
        self._count += table.num_rows
        if self._count >= self.shard_size:
            whole = pa.concat_tables(self._waiting)
            full = self._count // self.shard_size * self.shard_size
            for first in range(0, full, self.shard_size):
                self._write(whole.slice(first, self.shard_size))
            self._waiting, self._count = [whole.slice(full)], self._count - full

    def finish(self) -> None:
        """Write the last shard, which may be smaller."""
        if self._count:
            self._write(pa.concat_tables(self._waiting))
        self.close()

    def close(self) -> None:
        """Close the file that is being written."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._writer = None

    def _table(self, piece: Piece) -> pa.Table:
        if self.rule == "column":
            ids = piece.ids
            assert ids is not None, "checked when the survey is planned"
        else:
            ids = stems(piece.names) if self.rule == "stem" else piece.names
        fields = [pa.field(ID, pa.string()), pa.field(PATH, pa.string())]
        arrays: list[Any] = [ids, piece.paths]
        if piece.cut is not None:
            fields += list(piece.cut.schema)
            arrays += piece.cut.columns
        if piece.columns is not None:
            for field, column in zip(piece.columns.schema, piece.columns.columns, strict=True):
                fields.append(field.with_name(CARRIED + field.name))
                arrays.append(column)
        table = pa.table(arrays, schema=pa.schema(fields))
        if self._schema is None:
            self._schema = table.schema
        elif not table.schema.equals(self._schema):
            raise CatalogError(
                "the sources have different columns",
                argument="images",
                wanted=_columns(self._schema),
                got=_columns(table.schema),
                hint="plan sources of one kind together, or fewer columns: `carry`",
            )
        return table

    def _write(self, table: pa.Table) -> None:
        part, group = divmod(len(self.shards), SHARDS_OF_PART)
        if group == 0:
            self.close()
            file = self.folder.objects(part)
            file.parent.mkdir(exist_ok=True)
            self._writer = pq.ParquetWriter(
                file,
                table.schema,
                compression="zstd",
                use_dictionary=False,
                write_page_checksum=True,
            )
        assert self._writer is not None, "opened with the first shard of its part"
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        shard = SurveyShard(len(self.shards), table.num_rows, _source(table), objects_digest(table))
        self.shards.append(shard)

    def shard_table(self) -> pa.Table:
        """A row for each shard."""
        schema = pa.schema(
            [("number", pa.int64()), ("images", pa.int64()), ("source", pa.string()),
             ("digest", pa.string())]
        )  # fmt: skip
        return pa.Table.from_pylist([asdict(shard) for shard in self.shards], schema)


def all_objects(folder: SurveyFolder, shards: int) -> Iterator[pa.Table]:
    """The ids and paths of all objects, piece by piece."""
    for part in range(-(-shards // SHARDS_OF_PART)):
        with pq.ParquetFile(folder.objects(part), page_checksum_verification=True) as file:
            for batch in file.iter_batches(columns=[ID, PATH]):
                yield pa.Table.from_batches([batch])


def _source(table: pa.Table) -> str:
    """The archive or folder of the first picture."""
    path: str = table[PATH][0].as_py()
    for ending in CONTAINER_ENDINGS:
        end = path.lower().find(f"{ending}/")
        if end >= 0:
            return path[: end + len(ending)]
    return os.path.dirname(path)  # noqa: PTH120


def _columns(schema: pa.Schema) -> str:
    carried = [
        f"{f.name.removeprefix(CARRIED)} ({f.type})" for f in schema if f.name.startswith(CARRIED)
    ]
    return ", ".join(carried) or "paths alone"
