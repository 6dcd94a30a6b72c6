"""The rows of a file of predictions, read where they are shown: a million rows stay on the disk."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, numbers
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.model.writers import require_output, writer_of
from galaxyclass.serving.remembered import Remembered
from galaxyclass.similarity.conditions import column_named, columns_asked, rows_that_meet
from galaxyclass.similarity.embeddings import is_parquet

#: Filters whose rows are remembered, for the next page.
_FILTERS = 8
#: Rows that are written at once.
_CHUNK = 16_384


class PredictionRows:
    """A file of predictions. Of parquet only what is asked for is read, others are read whole.

    Parameters
    ----------
    path : Path

    Raises
    ------
    CatalogError
        The file cannot be read, or has no rows.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Lock()
        self._filters = Remembered[NDArray[np.int64]](_FILTERS)
        self._file: pq.ParquetFile | None = None
        if is_parquet(path):
            try:
                self._file = pq.ParquetFile(path, page_checksum_verification=True)
            except (pa.ArrowException, OSError) as error:
                raise CatalogError(f"{path}: cannot be read", got=str(error)) from None
            self.schema: pa.Schema = self._file.schema_arrow
            metadata = self._file.metadata
            sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        else:
            self._whole = read_table(path, "predictions")
            self.schema, sizes = self._whole.schema, [self._whole.num_rows]
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        if not len(self):
            raise CatalogError(f"{path}: no galaxies", argument="predictions")

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def id_column(self) -> str:
        """The column of the ids: the first."""
        name: str = self.schema.names[0]
        return name

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All columns but those of the embedding."""
        return tuple(name for name in self.schema.names if not name.startswith("embedding_"))

    def read(self, rows: Sequence[int] | NDArray[np.int64], names: Sequence[str]) -> pa.Table:
        """Some columns of some rows, in the order given."""
        wanted = np.asarray(rows, np.int64)
        groups = np.searchsorted(self._starts, wanted, side="right") - 1
        pieces, places = [], []
        for group in np.unique(groups).tolist():
            inside = np.flatnonzero(groups == group)
            table = self._group(group, names)
            pieces.append(table.take(pa.array(wanted[inside] - self._starts[group])))
            places.append(inside)
        if not pieces:
            return self.schema.empty_table().select(list(names))
        order = np.argsort(np.concatenate(places), kind="stable")
        return pa.concat_tables(pieces).take(pa.array(order))

    def rows_where(
        self, where: Sequence[str] = (), sort: str = "", *, descending: bool = True
    ) -> NDArray[np.int64]:
        """The rows that meet all conditions, by number.

        Parameters
        ----------
        where : sequence of str
            As for `galaxyclass.similar`.
        sort : str
            A column of numbers by which they are ordered; rows without one come last. Empty: in
            the order of the file.
        descending : bool
            The largest first.

        Raises
        ------
        ArgumentError
            A condition that cannot be read; no column of that name; it does not hold numbers.
        """
        key = repr((tuple(where), sort, descending))
        return self._filters.get(key, lambda: self._rows_where(where, sort, descending))

    def _rows_where(self, where: Sequence[str], sort: str, descending: bool) -> NDArray[np.int64]:
        empty = self.schema.empty_table()
        asked = columns_asked(empty, where)
        by = column_named(empty, sort, "sort") if sort else None
        columns = tuple(dict.fromkeys([*asked, *([by] if by else [])]))
        found, values = [], []
        for group in range(len(self._starts) - 1):
            count = int(self._starts[group + 1] - self._starts[group])
            if not columns:
                found.append(np.arange(count) + self._starts[group])
                continue
            table = self._group(group, columns)
            inside = np.flatnonzero(rows_that_meet(table, where))
            found.append(inside + self._starts[group])
            if by is not None:
                values.append(_numbers_of(table, by)[inside])
        rows = np.concatenate(found).astype(np.int64)
        if by is not None:
            keys = np.concatenate(values)
            rows = rows[np.argsort(-keys if descending else keys, kind="stable")]
        return rows

    def row_of(self, name: str) -> int | None:
        """The row with that id, or the first whose id begins so; None where there is none."""
        begins: int | None = None
        for group in range(len(self._starts) - 1):
            ids = as_text(self._group(group, [self.id_column])[self.id_column]).to_pylist()
            for place, found in enumerate(ids):
                if found == name:
                    return place + int(self._starts[group])
                if begins is None and name and found is not None and found.startswith(name):
                    begins = place + int(self._starts[group])
        return begins

    def write(self, rows: NDArray[np.int64], output: Path, *, quote_formulas: bool = False) -> None:
        """Write rows, without the embedding, by the output's ending; in little memory.

        They are written in the order of the file, so that each part of it is read once.

        Raises
        ------
        OutputError, MissingExtraError
            As for `galaxyclass.model.writers.require_output`.
        """
        require_output(output, overwrite=True, quote_formulas=quote_formulas)
        writer = writer_of(output, quote_formulas=quote_formulas)
        empty = self.schema.empty_table().select(list(self.names))
        with tempfile.TemporaryDirectory(dir=output.parent) as folder:
            chunks = []
            for number, part in enumerate(self._parts(np.sort(rows))):
                chunks.append(Path(folder) / f"{number:06d}{output.suffix}")
                writer.write_chunk(chunks[-1], part)
            writer.join(output, chunks, empty)

    def _parts(self, rows: NDArray[np.int64]) -> Iterator[pa.Table]:
        for start in range(0, len(rows), _CHUNK):
            yield self.read(rows[start : start + _CHUNK], self.names)

    def _group(self, group: int, names: Sequence[str]) -> pa.Table:
        if self._file is None:
            return self._whole.select(list(names))
        with self._lock:  # a ParquetFile is not read by two threads at once
            return self._file.read_row_group(group, columns=list(names))


def _numbers_of(table: pa.Table, name: str) -> NDArray[np.float64]:
    values, wrong = numbers(table[name])
    if len(wrong):
        raise ArgumentError(f"column {name!r} does not hold numbers", argument="sort")
    return values
