"""Reading a table of predictions: ids as exact text, and predicted numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, can_be_id, numbers
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import CatalogError
from galaxyclass.io.formulas import quote_formula
from galaxyclass.short import counted
from galaxyclass.tasks.task import Task

if TYPE_CHECKING:
    import pyarrow as pa


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


def read_predicted(
    output: Path, task: Task, id_column: str, ids: Sequence[str], *, quoted: bool
) -> tuple[pa.Table, NDArray[np.int64]]:
    """The table that was written of some galaxies, and which of them each row is of.

    Parameters
    ----------
    output : Path
    task : Task
    id_column : str
    ids : sequence of str
        Of all galaxies that were to be predicted.
    quoted : bool
        Whether formulas were quoted (`galaxyclass.io.formulas`); the names of the columns come back
        as they were.

    Returns
    -------
    table : pyarrow.Table
    galaxies : (rows,) int64
    """
    table = read_table(output)
    written = quote_formula if quoted else str
    columns, label = task.columns(id_column)
    name_of = {written(name): name for name in (id_column, *columns, label) if name is not None}
    table = table.rename_columns([name_of.get(name, name) for name in table.column_names])
    galaxy_of_id = {written(str(name)): galaxy for galaxy, name in enumerate(ids)}
    names = ids_of(table, id_column, output)
    return table, np.array([galaxy_of_id[str(name)] for name in names], dtype=np.int64)


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
