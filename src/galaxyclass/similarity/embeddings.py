"""The embeddings in a table of predictions, read in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, numbers
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import CatalogError
from galaxyclass.io.reading import open_regular

_EMBEDDING = re.compile(r"embedding_(\d+)")

#: Rows of an embedding that are in memory at once.
PIECE_ROWS = 16_384


@dataclass(frozen=True)
class PredictionsFile:
    """A file of predictions that has embeddings.

    Of parquet only what is asked for is read; other formats are read whole.

    Attributes
    ----------
    path : Path
    names : tuple of str
        All columns.
    rows : int
    """

    path: Path
    names: tuple[str, ...]
    rows: int

    @property
    def id_column(self) -> str:
        """The column of the ids: the first."""
        return self.names[0]

    @property
    def embedding_names(self) -> tuple[str, ...]:
        """The columns of the embedding, in order."""
        found = [name for name in self.names if _EMBEDDING.fullmatch(name)]
        return tuple(sorted(found, key=lambda name: int(name.partition("_")[2])))

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
    def _whole(self) -> pa.Table:
        return read_table(self.path, "predictions")

    def read(self, names: tuple[str, ...]) -> pa.Table:
        """Some of the columns.

        Raises
        ------
        CatalogError
            The file cannot be read.
        """
        if is_parquet(self.path):
            return pq.ParquetFile(self.path).read(columns=list(names))
        return self._whole.select(list(names))

    def pieces(self) -> Iterator[NDArray[np.float32]]:
        """The embedding in pieces of (at most `PIECE_ROWS`, features) float32, in order.

        Raises
        ------
        CatalogError
            A cell is empty or not a number.
        """
        names = list(self.embedding_names)
        if is_parquet(self.path):
            with pq.ParquetFile(self.path, pre_buffer=False) as file:
                for batch in file.iter_batches(PIECE_ROWS, columns=names):
                    yield self._piece(pa.Table.from_batches([batch]), names)
            return
        for start in range(0, self.rows, PIECE_ROWS):
            yield self._piece(self._whole.slice(start, PIECE_ROWS), names)

    def _piece(self, table: Any, names: list[str]) -> NDArray[np.float32]:
        piece = np.empty((table.num_rows, len(names)), np.float32)
        for index, name in enumerate(names):
            column = table[name]
            plain = pa.types.is_floating(column.type) and column.null_count == 0
            piece[:, index] = column.to_numpy() if plain else numbers(column)[0]
        if not np.isfinite(piece).all():
            raise CatalogError(
                f"{self.path}: a cell of the embedding is empty or not a number",
                hint="predict again, with the embedding included",
            )
        return piece


def open_predictions(path: Path) -> PredictionsFile:
    """A file of predictions that has embeddings.

    Raises
    ------
    CatalogError
        It cannot be read, or has no embedding or no rows.
    """
    if is_parquet(path):
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{path}: cannot be read", got=str(error)) from None
        names, rows = file.schema_arrow.names, file.metadata.num_rows
    else:
        table = read_table(path, "predictions")
        names, rows = table.column_names, table.num_rows
    found = PredictionsFile(path, tuple(names), rows)
    if not found.embedding_names or _EMBEDDING.fullmatch(found.id_column):
        raise CatalogError(
            f"{path}: no embedding, by which galaxies are compared",
            argument="predictions",
            wanted="a file of predictions with the columns embedding_0, embedding_1, …",
            got=f"the columns {', '.join(names[:4])}, …",
            hint="predict again with `include=['embedding']`",
        )
    if not rows:
        raise CatalogError(f"{path}: no galaxies", argument="predictions")
    return found


def is_parquet(path: Path) -> bool:
    """Whether a file is parquet by its content, whatever its name."""
    try:
        with open_regular(path) as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False  # `read_table` says what is wrong
