"""Which rows of two tables are about the same galaxies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, can_be_id, kind_of
from galaxyclass.data.tables.in_memory import IN_MEMORY, as_arrow
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import CatalogError, ScoreError
from galaxyclass.evaluation.read_predictions import ids_of


@dataclass(frozen=True)
class Joined:
    """Two tables, their files, and the rows of each that belong together."""

    predictions: Any
    table: Any
    predictions_file: Path
    table_file: Path
    id_columns: tuple[str, str]
    predictions_rows: NDArray[np.int64]
    table_rows: NDArray[np.int64]


def join_tables(predictions: Any, table: Any, id_column: str | None) -> Joined:
    """Read two tables and match their rows by id, digit by digit.

    Parameters
    ----------
    predictions, table : Path or a table in memory
    id_column : str or None
        As for `galaxyclass.score_predictions`.

    Raises
    ------
    CatalogError
        A file cannot be read; an id stands twice; neither has the column.
    ScoreError
        No id is in both.
    """
    (mine, predictions), (truth, table) = map(_read, (predictions, table))
    if id_column and id_column not in (*mine.column_names, *truth.column_names):
        raise CatalogError(
            f"neither {predictions} nor {table} has a column {id_column!r}",
            wanted=f"one of {', '.join(mine.column_names[:5])}",
        )
    my_column = id_column
    if my_column is None or my_column not in mine.column_names:
        my_column = str(mine.column_names[0]) if id_column else _id_column(mine, truth)
    my_ids = ids_of(mine, my_column, predictions)
    place = {name: row for row, name in enumerate(my_ids) if name is not None}
    named = [name for name in (id_column, my_column) if name in truth.column_names]
    column = named[0] if named and named[0] else _best_match(truth, set(place))
    ids = ids_of(truth, column, table)
    pairs = [(place[name], row) for row, name in enumerate(ids) if name in place]
    if not pairs:
        raise ScoreError(
            f"no galaxy of {predictions} is in {table}",
            wanted=f"the ids of {column!r} in the table, such as {_examples(ids)}",
            got=f"{my_column!r} in the predictions, such as {_examples(my_ids)}",
            hint="name the id column, or check that the two files are about the same galaxies",
        )
    rows = np.array(pairs, dtype=np.int64)
    return Joined(mine, truth, predictions, table, (my_column, column), rows[:, 0], rows[:, 1])


def _read(table: Any) -> tuple[Any, Path]:
    """A table, and what messages call it."""
    if isinstance(table, str | os.PathLike):
        return read_table(Path(table)), Path(table)
    return as_arrow(table), IN_MEMORY


def _id_column(mine: Any, truth: Any) -> str:
    """The ids of predictions: their first column, or the first that both tables name as ids.

    Pandas writes the numbers of its rows first, unless it is told not to.
    """
    names: list[str] = list(mine.column_names)
    if names[0] in truth.column_names:
        return names[0]
    shared = [
        name
        for name in names[1:]
        if name in truth.column_names
        and can_be_id(truth[name])
        and kind_of(mine[name]) in ("integer", "text")
        and pc.count_distinct(mine[name]).as_py() == mine.num_rows > 1
    ]
    return shared[0] if shared else names[0]


def _best_match(table: Any, ids: set[str]) -> str:
    """The column of a table that has most of these ids; its first where none has any."""
    columns: list[str] = [name for name in table.column_names if can_be_id(table[name])]
    return max(
        columns or [str(table.column_names[0])],
        key=lambda name: len(ids.intersection(as_text(table[name]).to_pylist())),
    )


def _examples(ids: Sequence[str | None]) -> str:
    return ", ".join(repr(name) for name in ids[:3])
