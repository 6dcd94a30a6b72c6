"""How uncertain the predictions of a table are, by what their task calls uncertain."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from galaxyclass.arrays import Doubles
from galaxyclass.data.tables.cells import numbers
from galaxyclass.errors import ArgumentError
from galaxyclass.tasks.task import Task

_LOWER, _UPPER = "_lower", "_upper"


def table_uncertainty(
    table: pa.Table, task: Task, source: str, *, partial: bool = False
) -> Doubles:
    """(galaxies,) float64, `Task.uncertainty` of the predictions in a table; NaN: nothing is known.

    Parameters
    ----------
    table : pyarrow.Table
        With the columns that the task predicts, and its intervals where they were included.
    task : Task
    source : str
        The table's name, for messages.
    partial : bool
        Whether columns may be missing; their answers count as unknown.

    Raises
    ------
    ArgumentError
        A column is missing, or does not hold numbers.
    ScoreError
        The task needs intervals, which the table does not have.
    """
    names, _ = task.columns(table.column_names[0])
    present = [name for name in names if name in table.column_names]
    missing = [name for name in names if name not in present]
    if missing and (not partial or not present):
        raise ArgumentError(
            f"{source}: no column {missing[0]!r}, which the model predicts",
            argument="model",
            wanted="the model that made the predictions",
            hint="name that model",
        )
    values = np.full((table.num_rows, len(names)), np.nan)
    for index, name in enumerate(names):
        if name in present:
            values[:, index] = _numbers(table, name, source)
    intervals = [name for name in names if {name + _LOWER, name + _UPPER} <= {*table.column_names}]
    widths = None
    if intervals:
        ends = [
            [_numbers(table, name + end, source) for name in intervals] for end in (_LOWER, _UPPER)
        ]
        widths = np.transpose(np.array(ends[1]) - np.array(ends[0]))
    return task.uncertainty(task.from_shown(values), widths)


def _numbers(table: pa.Table, name: str, source: str) -> Doubles:
    values, wrong = numbers(table[name])
    if len(wrong):
        raise ArgumentError(
            f"{source}: column {name!r} does not hold numbers", argument="predictions"
        )
    return values
