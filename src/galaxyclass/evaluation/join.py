"""Matching the rows of two tables by the galaxies' ids."""

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
from galaxyclass.data.tables.in_memory import as_arrow, name_in_memory
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import CatalogError, ScoreError
from galaxyclass.evaluation.read_predictions import ids_of


@dataclass(frozen=True)
class Joined:
    """Two tables, their files, and the rows of each that are about the same galaxies."""

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
    predicted, predictions_file = _read(predictions, "predictions")
    truth, table_file = _read(table, "table")
    if id_column and id_column not in (*predicted.column_names, *truth.column_names):
        raise CatalogError(
            f"neither {predictions_file} nor {table_file} has a column {id_column!r}",
            argument="id_column",
            wanted=f"one of {', '.join(predicted.column_names[:5])}",
        )
    predicted_column = id_column
    if predicted_column is None or predicted_column not in predicted.column_names:
        first = str(predicted.column_names[0])
        predicted_column = first if id_column else _id_column(predicted, truth)
    predicted_ids = ids_of(predicted, predicted_column, predictions_file)
    row_of_id = {name: row for row, name in enumerate(predicted_ids) if name is not None}
    named = [name for name in (id_column, predicted_column) if name in truth.column_names]
    column = named[0] if named and named[0] else _best_match(truth, set(row_of_id))
    ids = ids_of(truth, column, table_file)
    pairs = [(row_of_id[name], row) for row, name in enumerate(ids) if name in row_of_id]
    if not pairs:
        raise ScoreError(
            f"no galaxy of {predictions_file} is in {table_file}",
            wanted=f"the ids of {column!r} in the table, such as {_examples(ids)}",
            got=f"{predicted_column!r} in the predictions, such as {_examples(predicted_ids)}",
            hint="name the id column, or check that the two files are about the same galaxies",
        )
    rows = np.array(pairs, dtype=np.int64)
    return Joined(
        predicted,
        truth,
        predictions_file,
        table_file,
        (predicted_column, column),
        rows[:, 0],
        rows[:, 1],
    )


def _read(table: Any, argument: str) -> tuple[Any, Path]:
    """A table, and what messages call it."""
    if isinstance(table, str | os.PathLike):
        return read_table(Path(table), argument), Path(table)
    return as_arrow(table, argument), name_in_memory(argument)


def _id_column(predicted: Any, truth: Any) -> str:
    """The ids of predictions: their first column, or the first that both tables name as ids.

    By default pandas writes row numbers as the first column.
    """
    names: list[str] = list(predicted.column_names)
    if names[0] in truth.column_names:
        return names[0]
    shared = [
        name
        for name in names[1:]
        if name in truth.column_names
        and can_be_id(truth[name])
        and kind_of(predicted[name]) in ("integer", "text")
        and pc.count_distinct(predicted[name]).as_py() == predicted.num_rows > 1
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
