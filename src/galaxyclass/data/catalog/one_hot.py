"""Classes as a column of flags for each, of which one is set in every row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, is_text

#: So many of the rows must have exactly one flag; the class of the others is unknown.
_SHARE = 0.9
_WORDS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


def find_one_hot(
    table: Any, taken: Iterable[str]
) -> tuple[tuple[str, ...], NDArray[np.int64]] | None:
    """The columns of flags, and (rows,) the index of the flag that is set; -1 where none is.

    None where the flags of a table do not exclude each other, or there are fewer than two.
    """
    used = set(taken)
    flags = {
        name: flag
        for name in table.column_names
        if name not in used and (flag := _flag(table[name])) is not None
    }
    if len(flags) < 2:
        return None
    matrix = np.column_stack(list(flags.values()))
    sums = matrix.sum(axis=1)
    if (sums > 1).any() or (sums == 1).mean() < _SHARE or not matrix.any(axis=0).all():
        return None
    return tuple(flags), np.where(sums == 1, matrix.argmax(axis=1), -1).astype(np.int64)


def _flag(column: Any) -> NDArray[np.int64] | None:
    """A column as 0 and 1; None where it holds anything else."""
    if is_text(column):
        head = as_text(column.slice(0, 100)).to_pylist()
        if any(word is None or word.lower() not in _WORDS for word in head):
            return None
        words = [_WORDS.get((word or "").lower()) for word in as_text(column).to_pylist()]
        return None if None in words else np.array(words, dtype=np.int64)
    kind = column.type
    numeric = pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_floating(kind)
    if not numeric or column.null_count:
        return None
    values = np.asarray(column.to_numpy()).astype(float)
    return values.astype(np.int64) if np.isin(values, (0, 1)).all() else None
