"""Cells of a table's column that are not what the column should hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class WrongCells:
    """Cells of a column that are not numbers, or not such numbers as it should hold.

    Attributes
    ----------
    column : str
    rows : (cells,) int64, ascending
    cells : pyarrow.ChunkedArray
        As they stand in the table.
    """

    column: str
    rows: NDArray[np.int64]
    cells: Any

    def take(self, rows: NDArray[np.int64]) -> WrongCells:
        """Those within a selection of the table's rows, (n,) ascending; their rows are in it."""
        indices = np.flatnonzero(np.isin(self.rows, rows))
        return WrongCells(
            self.column, np.searchsorted(rows, self.rows[indices]), self.cells.take(indices)
        )


def join_cells(pieces: Sequence[WrongCells]) -> WrongCells:
    """The wrong cells of one column, of which each piece has some rows."""
    return WrongCells(
        pieces[0].column,
        np.concatenate([piece.rows for piece in pieces]),
        pa.chunked_array([chunk for piece in pieces for chunk in piece.cells.chunks]),
    )
