"""Reading a table of predictions: ids as exact text, and predicted numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, can_be_id, numbers
from galaxyclass.errors import CatalogError
from galaxyclass.short import counted


def read_outputs(table: Any, columns: Sequence[str], source: Path) -> NDArray[np.float64]:
    """The predicted numbers of a table, unchanged.

    Returns
    -------
    (rows, columns) float64
        NaN where a column is missing or a cell is empty.

    Raises
    ------
    CatalogError
        A cell is neither empty nor a number.
    """
    values = np.full((table.num_rows, len(columns)), np.nan)
    for index, name in enumerate(columns):
        if name not in table.column_names:
            continue
        values[:, index], wrong = numbers(table[name])
        if len(wrong):
            raise CatalogError(
                f"{source}, column {name!r}: {counted(len(wrong), 'cell is', 'cells are')} not "
                "numbers",
                got=f"{table[name][int(wrong[0])].as_py()!r} in the {wrong[0] + 1:,}. row",
            )
    return values


def ids_of(table: Any, column: str, source: Path) -> list[str | None]:
    """The ids of a table as text, exactly; None where a cell is empty.

    Raises
    ------
    CatalogError
        The column is missing, holds floats, or an id stands twice.
    """
    if column not in table.column_names:
        raise CatalogError(
            f"{source}: no column {column!r}", wanted=f"one of {', '.join(table.column_names)}"
        )
    if not can_be_id(table[column]):
        raise CatalogError(
            f"{source}: column {column!r} cannot hold ids",
            wanted="text or integers: a float loses the last digits of a long id",
            got=str(table[column].type),
        )
    ids: list[str | None] = as_text(table[column]).to_pylist()
    known = [name for name in ids if name is not None]
    if len(set(known)) < len(known):
        earlier: set[str] = set()
        repeated = next(name for name in known if name in earlier or earlier.add(name))  # type: ignore[func-returns-value]
        raise CatalogError(
            f"{source}: ids are repeated in column {column!r}",
            got=f"{len(known) - len(set(known)):,} repeated rows, the first {repeated!r}",
            hint="keep one row of each",
        )
    return ids
