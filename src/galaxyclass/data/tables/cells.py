"""From the cells of one column to numbers or text (pure)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: Words for an unknown number in tables, beside an empty cell.
UNKNOWN_WORDS: tuple[str, ...] = ("nan", "na", "n/a", "null", "none", "-")

#: An integer whose text can be written again digit by digit: no leading zeros, no plus sign.
_INTEGER = r"^(0|-?[1-9][0-9]{0,18})$"
#: What a float would change: leading zeros, and more digits than it holds.
_DIGITS = r"^[+-]?(0[0-9]+|[0-9]{16,})$"
#: A decimal comma is one where no cell of the column has a point; ``47.6%`` is 0.476.
_NUMBER = r"(?i)^[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)(e[+-]?[0-9]+)?\s?%?$|^[+-]?inf(inity)?$"

CellKind = Literal["integer", "text", "number", "other"]


#: How tables of text write true and false, in any case.
_TRUTH = (("true", "false"), ("t", "f"))


def is_text(column: Any) -> bool:
    """Whether a column holds strings (plain, large, or coded by a dictionary)."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def can_be_id(column: Any) -> bool:
    """Whether a column holds text or integers: a float loses the last digits of a long id."""
    return is_text(column) or bool(pa.types.is_integer(column.type))


def as_text(column: Any) -> Any:
    """A column's cells as stripped strings; blank ones are null.

    Integers become their exact digits; callers must refuse floats.
    """
    text = pc.cast(column, pa.string())
    text = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def kind_of(column: Any) -> CellKind:
    """What a column holds: integers, other numbers, text, or something else (lists, dates).

    A text column counts as integers or numbers when every cell that is not empty is one.
    """
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        return "integer"
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return "number"
    if not is_text(column):
        return "other"
    text = as_text(column).drop_null()
    if _all_match(text, _INTEGER):
        return "integer"
    return "number" if _all_match(text, _NUMBER) else "text"


def is_exact_integers(text: Any) -> bool:
    """Whether every cell is a 64-bit integer whose text can be restored exactly."""
    if len(text) == 0 or text.null_count or not _all_match(text, _INTEGER):
        return False
    try:
        pc.cast(text, pa.int64())
    except pa.ArrowInvalid:  # 19 digits may be too many
        return False
    return True


def numbers(column: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A column as floats, and the rows whose cells are not numbers.

    Returns
    -------
    values : (rows,) float64
        NaN where a cell is empty, one of `UNKNOWN_WORDS`, or not a number. A comma is a decimal
        point where no cell of the column has a point, and a percentage is a fraction.
    wrong : (wrong rows,) int64
    """
    try:
        values = pc.cast(column, pa.float64())
        wrong = np.empty(0, dtype=np.int64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        if not is_text(column):
            return np.full(len(column), np.nan), np.arange(len(column), dtype=np.int64)
        text = as_text(column)
        unknown = pc.is_in(pc.utf8_lower(text), value_set=pa.array(UNKNOWN_WORDS))
        valid = pc.match_substring_regex(text, _NUMBER)
        if pc.any(pc.match_substring(text, ".")).as_py():
            valid = pc.and_(valid, pc.invert(pc.match_substring(text, ",")))
        invalid = pc.and_(pc.invert(unknown), pc.invert(pc.fill_null(valid, True)))
        wrong = np.flatnonzero(invalid.to_numpy()).astype(np.int64)
        plain = pc.replace_substring_regex(text, r"^\+", "")
        null = pa.scalar(None, pa.string())
        percent = pc.fill_null(pc.ends_with(plain, "%"), False)
        plain = pc.replace_substring_regex(pc.replace_substring(plain, ",", "."), r"\s?%$", "")
        values = pc.cast(pc.if_else(pc.fill_null(valid, False), plain, null), pa.float64())
        values = pc.if_else(percent, pc.divide(values, 100.0), values)
    return pc.fill_null(values, float("nan")).to_numpy().astype(np.float64), wrong


def whole_numbers(column: Any) -> Any:
    """A column of floats that are whole numbers as integers; any other as it is.

    Text is looked through too: pandas writes integers beside empty cells as ``1.0``.

    Examples
    --------
    >>> whole_numbers(pa.array([1.0, None])).to_pylist(), whole_numbers(pa.array([0.5])).to_pylist()
    ([1, None], [0.5])
    """
    if kind_of(column) != "number":
        return column
    values, _ = numbers(column)
    known = values[~np.isnan(values)]
    if not len(known) or (known != np.rint(known)).any() or np.abs(known).max() >= 2**53:
        return column
    unknown = np.isnan(values)
    return pa.array(np.where(unknown, 0, values).astype(np.int64), mask=unknown)


def are_truth_words(text: Any) -> bool:
    """Whether the cells of a column of text are ``true`` or ``false`` alone, in any case."""
    return _all_match(text.drop_null(), "(?i)^(true|false)$")


def numbers_in_text(column: Any) -> Any:
    """A column of text that holds integers, numbers or truth values alone, as these.

    Any other column is given back as it is. Digits are never lost: ``007`` and integers of more
    than 64 bits stay text.

    Examples
    --------
    >>> numbers_in_text(pa.chunked_array([["1.5", " 2", None]])).to_pylist()
    [1.5, 2.0, None]
    >>> numbers_in_text(pa.chunked_array([["007", "8"]])).to_pylist()
    ['007', '8']
    """
    if not is_text(column):
        return column
    text = as_text(column)
    filled = text.drop_null()
    if is_exact_integers(filled):
        return pc.cast(text, pa.int64())
    for true, false in _TRUTH:
        if _all_match(filled, f"(?i)^({true}|{false})$") and _is_clear(filled, true):
            return pc.equal(pc.utf8_lower(text), true)
    if len(filled) == 0 or pc.any(pc.match_substring_regex(filled, _DIGITS)).as_py():
        return column
    try:
        return pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        return column


def _is_clear(text: Any, true: str) -> bool:
    """Whether truth values are not a single letter alone: "T" may be a type of galaxies."""
    return len(true) > 1 or len(pc.unique(pc.utf8_lower(text))) > 1


def _all_match(text: Any, pattern: str) -> bool:
    if len(text) == 0:
        return False
    # The first cells decide most columns, so that a long text column is not searched to its end.
    for part in (text.slice(0, 100), text):
        if not pc.all(pc.match_substring_regex(part, pattern)).as_py():
            return False
    return True
