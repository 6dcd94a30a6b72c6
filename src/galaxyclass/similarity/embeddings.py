"""A table of predictions, in a file or in memory, and its embeddings, read in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, numbers
from galaxyclass.data.tables.in_memory import as_arrow
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import CatalogError
from galaxyclass.io.reading import open_regular
from galaxyclass.model.predictions import Predictions
from galaxyclass.model.provenance import provenance_of, provenance_of_file
from galaxyclass.short import first_line

_EMBEDDING = re.compile(r"embedding_(\d+)")

#: Rows of an embedding that are in memory at once.
PIECE_ROWS = 16_384


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """Predictions in a file or in memory.

    Of parquet only what is asked for is read; other formats are read whole.

    Attributes
    ----------
    path : Path or None
        The file; None of a table in memory.
    names : tuple of str
        All columns.
    rows : int
    """

    path: Path | None
    names: tuple[str, ...]
    rows: int
    _table: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Its file, for messages."""
        return "the predictions" if self.path is None else str(self.path)

    @property
    def id_column(self) -> str:
        """The column of the ids: the first."""
        return self.names[0]

    @property
    def embedding_names(self) -> tuple[str, ...]:
        """The columns of the embedding, in order."""
        columns = [name for name in self.names if _EMBEDDING.fullmatch(name)]
        return tuple(sorted(columns, key=lambda name: int(name.partition("_")[2])))

    @property
    def other_names(self) -> tuple[str, ...]:
        """All columns but those of the embedding; the ids come first."""
        return tuple(name for name in self.names if not _EMBEDDING.fullmatch(name))

    @cached_property
    def others(self) -> pa.Table:
        """All columns but those of the embedding."""
        return self.read(self.other_names)

    @cached_property
    def ids(self) -> list[str]:
        """The ids as text, by row."""
        ids: list[str] = as_text(self.others[self.id_column]).to_pylist()
        return ids

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each id; of a repeated one, the first."""
        rows: dict[str, int] = {}
        for row, name in enumerate(self.ids):
            rows.setdefault(name, row)
        return rows

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """By what the predictions were made, as far as they say so."""
        if self.path is None:
            return provenance_of(self._table.schema)
        return provenance_of_file(self.path)

    @cached_property
    def _whole(self) -> pa.Table:
        if self._table is None:
            assert self.path is not None
            return read_table(self.path, "predictions")
        return self._table

    def read(self, names: tuple[str, ...]) -> pa.Table:
        """Some of the columns.

        Raises
        ------
        CatalogError
            The file cannot be read.
        """
        if self.path is not None and is_parquet(self.path):
            with _reading(self.path):
                return _valid(
                    pq.ParquetFile(self.path, page_checksum_verification=True).read(
                        columns=list(names)
                    )
                )
        return self._whole.select(list(names))

    def pieces(self) -> Iterator[NDArray[np.float32]]:
        """The embedding in pieces of (at most `PIECE_ROWS`, features) float32, in order.

        Raises
        ------
        CatalogError
            The file cannot be read; a cell is empty or not a number.
        """
        names = list(self.embedding_names)
        if self.path is not None and is_parquet(self.path):
            with (
                _reading(self.path),
                pq.ParquetFile(
                    self.path, pre_buffer=False, page_checksum_verification=True
                ) as file,
            ):
                for batch in file.iter_batches(PIECE_ROWS, columns=names):
                    yield self._piece(_valid(pa.Table.from_batches([batch])), names)
            return
        for start in range(0, self.rows, PIECE_ROWS):
            yield self._piece(self._whole.slice(start, PIECE_ROWS), names)

    def require_embedding(self) -> None:
        """Refuse predictions without an embedding.

        Raises
        ------
        CatalogError
        """
        if not self.embedding_names:
            raise CatalogError(
                f"{self.name}: no embedding, by which galaxies are compared",
                argument="predictions",
                wanted="predictions with the columns embedding_0, embedding_1, …",
                got=f"the columns {', '.join(self.names[:4])}, …",
                hint="predict again with `include=['embedding']`",
            )

    def _piece(self, table: Any, names: list[str]) -> NDArray[np.float32]:
        piece = np.empty((table.num_rows, len(names)), np.float32)
        for index, name in enumerate(names):
            column = table[name]
            plain = pa.types.is_floating(column.type) and column.null_count == 0
            piece[:, index] = column.to_numpy() if plain else numbers(column)[0]
        if not np.isfinite(piece).all():
            raise CatalogError(
                f"{self.name}: a cell of the embedding is empty or not a number",
                hint="predict again, with the embedding included",
            )
        return piece


def open_predictions(source: Any, *, embedding: bool = True) -> PredictionTable:
    """Predictions of a file or in memory.

    Parameters
    ----------
    source : str, Path, Predictions or a table in memory
    embedding : bool
        Whether they must have an embedding.

    Raises
    ------
    CatalogError
        They cannot be read, or have no embedding or no rows.
    ArgumentTypeError
        Neither a file nor a table.
    """
    path = Path(source) if isinstance(source, str | Path) else None
    table: Any = None
    if path is not None and is_parquet(path):
        with _reading(path):
            file = pq.ParquetFile(path, page_checksum_verification=True)
            names, rows = file.schema_arrow.names, file.metadata.num_rows
    else:
        if path is not None:
            table = read_table(path, "predictions")
        elif isinstance(source, Predictions):
            table = source.table
        else:
            table = as_arrow(source, "predictions")
        names, rows = table.column_names, table.num_rows
    predictions = PredictionTable(path, tuple(names), rows, table)
    if not rows:
        raise CatalogError(f"{predictions.name}: no galaxies", argument="predictions")
    if not predictions.other_names or _EMBEDDING.fullmatch(predictions.id_column):
        raise CatalogError(
            f"{predictions.name}: its first column is no id",
            argument="predictions",
            wanted="a table whose first column has the ids",
            got=f"the columns {', '.join(names[:4])}, …",
        )
    if embedding:
        predictions.require_embedding()
    return predictions


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say of which file it is where parquet cannot be read."""
    try:
        yield
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CatalogError(
            f"{path}: cannot be read", got=first_line(error), hint="predict again"
        ) from error


def _valid(table: pa.Table) -> pa.Table:
    """A table whose offsets and text are checked: Arrow trusts what it reads."""
    table.validate(full=True)
    return table


def is_parquet(path: Path) -> bool:
    """Whether a file is parquet by its content, whatever its name."""
    try:
        with open_regular(path) as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False  # `read_table` says what is wrong
