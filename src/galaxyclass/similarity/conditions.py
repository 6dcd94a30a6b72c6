"""Conditions on the columns of a table, such as ``Class4.1 > 0.5``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, numbers
from galaxyclass.errors import ArgumentError
from galaxyclass.short import did_you_mean

_CONDITION = re.compile(r"\s*(.+?)\s*(<=|>=|==|!=|=|<|>)\s*(.+?)\s*")
_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
}
_WORDS = {"==": True, "=": True, "!=": False}


def column_named(table: pa.Table, name: str, argument: str) -> str:
    """The column of that name; an answer may be named by its code: ``4.1`` is ``Class4.1``.

    Raises
    ------
    ArgumentError
        There is none.
    """
    for candidate in (name, f"Class{name}"):
        if candidate in table.column_names:
            return candidate
    raise ArgumentError(
        f"no column {name!r}",
        argument=argument,
        wanted=f"one of {', '.join(table.column_names[:8])}, …",
        got=repr(name),
        hint=did_you_mean(name, table.column_names) or None,
    )


def columns_asked(table: pa.Table, conditions: Sequence[str]) -> tuple[str, ...]:
    """The columns that conditions are about, each once.

    Parameters
    ----------
    table : pyarrow.Table
        May be empty: only the names and types of its columns count.
    conditions : sequence of str

    Raises
    ------
    ArgumentError
        A condition cannot be read, or names no column.
    """
    names = [column_named(table, _parts(each)[0], "where") for each in conditions]
    return tuple(dict.fromkeys(names))


def rows_that_meet(table: pa.Table, conditions: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows meet all conditions; an empty cell meets none.

    Parameters
    ----------
    table : pyarrow.Table
    conditions : sequence of str
        Each a column, one of ``< <= > >= == !=``, and a number or a word.

    Returns
    -------
    (rows,) bool

    Raises
    ------
    ArgumentError
        A condition cannot be read, or names no column.

    Examples
    --------
    >>> table = pa.table({"Class4.1": [0.2, 0.8, None], "class": ["spiral", "spiral", "round"]})
    >>> rows_that_meet(table, ["4.1 > 0.5", "class = spiral"]).tolist()
    [False, True, False]
    """
    met = np.ones(table.num_rows, bool)
    for condition in conditions:
        met &= _meets(table, condition)
    return met


def _parts(condition: str) -> tuple[str, str, str]:
    """The column, the comparison and the value of a condition."""
    parts = _CONDITION.fullmatch(condition)
    if parts is None:
        raise ArgumentError(
            f"{condition!r} is no condition",
            argument="where",
            wanted="a column, one of < <= > >= == !=, and a value: 'Class4.1 > 0.5'",
        )
    return parts[1], parts[2], parts[3]


def _meets(table: pa.Table, condition: str) -> NDArray[np.bool_]:
    name, compare, value = _parts(condition)
    column = table[column_named(table, name, "where")]
    try:
        number = float(value)
    except ValueError:
        number = None
    cells, wrong = numbers(column) if number is not None else (np.empty(0), np.empty(0))
    if number is not None and not len(wrong):
        known = np.isfinite(cells)
        return np.asarray(known & _NUMBERS[compare](cells, number))
    if compare not in _WORDS:
        raise ArgumentError(
            f"{condition!r}: words have no order",
            argument="where",
            wanted="== or != for words; numbers on both sides for < and >",
        )
    text, word = as_text(column), value.strip("'\"")
    if pa.types.is_boolean(column.type):  # true, True and TRUE are the same
        word = word.lower()
    equal = np.array([cell == word for cell in text.to_pylist()], bool)
    known = np.array([cell is not None for cell in text.to_pylist()], bool)
    return np.asarray(known & (equal if _WORDS[compare] else ~equal))
