"""Conditions on the columns of a table, such as ``Class4.1 > 0.5``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, is_exact_integers, is_text, kind_of, numbers
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
_ARROW: dict[str, Callable[[Any, Any], Any]] = {
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "==": pc.equal,
    "=": pc.equal,
    "!=": pc.not_equal,
}
#: The largest 64-bit integer.
_LARGEST = 2**63 - 1
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
    if (met := _meets_exactly(column, compare, value)) is not None:
        return met
    try:
        number = float(value)
    except ValueError:
        number = None
    if number is not None and math.isnan(number):
        raise ArgumentError(
            f"{condition!r}: nothing is more, less or the same as NaN",
            argument="where",
            wanted="a number, or a word",
            hint="empty cells meet no condition",
        )
    if pa.types.is_integer(column.type):  # long ones, of which no float is exact
        column = pc.cast(column, pa.float64(), safe=False)
    cells, wrong = numbers(column) if number is not None else (np.empty(0), np.empty(0))
    if number is not None and not len(wrong):
        if pa.types.is_float32(column.type):  # 0.2 is its nearest number, as the column has it
            number = float(np.float32(number))
        known = np.isfinite(cells)
        return np.asarray(known & _NUMBERS[compare](cells, number))
    _require_words(column, condition)
    text, word = as_text(column), value.strip("'\"")
    if pa.types.is_boolean(column.type):  # true, True and TRUE are the same
        word = word.lower()
    equal = np.array([cell == word for cell in text.to_pylist()], bool)
    known = np.array([cell is not None for cell in text.to_pylist()], bool)
    return np.asarray(known & (equal if _WORDS[compare] else ~equal))


def _meets_exactly(column: Any, compare: str, value: str) -> NDArray[np.bool_] | None:
    """The rows that meet a condition on whole numbers; None of others.

    Ids of 18 or 19 digits are not compared as floats, which are the same for some dozens of them.
    """
    is_whole = re.fullmatch(r"[+-]?[0-9]{1,19}", value) is not None
    if not is_whole or abs(int(value)) > _LARGEST or pa.types.is_boolean(column.type):
        return None
    if not pa.types.is_integer(column.type):
        text = as_text(column) if is_text(column) else None
        if text is None or not is_exact_integers(text.drop_null()):
            return None
        column = pc.cast(text, pa.int64())
    if pa.types.is_uint64(column.type) and int(value) < 0:
        return None
    kind = pa.uint64() if pa.types.is_uint64(column.type) else pa.int64()
    met = _ARROW[compare](column, pa.scalar(int(value), kind))
    return np.asarray(pc.fill_null(met, False).to_numpy(), bool)


def _require_words(column: Any, condition: str) -> None:
    """Refuse a comparison of a column with a word that no row can meet.

    Raises
    ------
    ArgumentError
    """
    _, compare, value = _parts(condition)
    are_numbers = kind_of(column) in ("integer", "number") and not pa.types.is_boolean(column.type)
    joined = re.search(r"&|\||\b(and|or)\b", value)
    if compare not in _WORDS or are_numbers:
        why = "the column holds numbers" if are_numbers else "words have no order"
        raise ArgumentError(
            f"{condition!r}: {why}",
            argument="where",
            wanted="a number"
            if are_numbers
            else "== or != for words; numbers on both sides for < and >",
            got=repr(value),
            hint="give each condition by itself in `where`: all of them have to be met"
            if joined
            else None,
        )
