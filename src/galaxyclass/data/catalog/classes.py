"""From a column of names or integers to class numbers (pure)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from galaxyclass.data.tables.cells import as_text, is_exact_integers, is_text, kind_of, numbers
from galaxyclass.tasks.classes.targets import ClassTargets

#: Whole numbers that were written as floats.
_WHOLE = r"^-?[0-9]{1,15}(\.0*)?$"
#: Whole numbers below this are exact as floats.
_EXACT = 2.0**53


def class_names(cells: Any) -> Any:
    """A column's classes as text; null where a cell is empty, or ``nan`` (as pandas writes it).

    Parameters
    ----------
    cells : pyarrow array
        Text, integers, or floats that are whole numbers, as integers beside NaN become: 1.0 is 1.
    """
    whole = whole_numbers(cells) if kind_of(cells) == "number" else None
    text = as_text(cells) if whole is None else whole
    missing = pc.is_in(text, value_set=pa.array(["nan", "NaN"]))
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def whole_numbers(column: Any) -> Any:
    """Floats that are whole numbers as text of integers; None where one has a fraction."""
    if is_text(column) and not pc.all(pc.match_substring_regex(as_text(column), _WHOLE)).as_py():
        return None
    values, _ = numbers(column)
    known = values[~np.isnan(values)]
    if not len(known) or not (np.abs(known) < _EXACT).all() or (known % 1 != 0).any():
        return None
    return pa.array([None if np.isnan(value) else str(int(value)) for value in values], pa.string())


def read_classes(cells: Any, column: str) -> ClassTargets:
    """Number the classes of a column: integers in numerical order, names in alphabetical order.

    Parameters
    ----------
    cells : pyarrow array
        Text or integers; see `class_names` for what is unknown.
    column : str

    Examples
    --------
    >>> read_classes(pa.array(["10", "9", "", "9"]), "ring")
    ClassTargets(column='ring', classes=('9', '10'), labels=array([ 1,  0, -1,  0]), rule=None)
    """
    text = class_names(cells)
    text = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    distinct = pc.unique(text).drop_null()
    names = distinct.to_pylist()
    classes = tuple(sorted(names, key=int) if is_exact_integers(distinct) else sorted(names))
    labels = pc.fill_null(pc.index_in(text, value_set=pa.array(classes, pa.string())), -1)
    # Some versions of pyarrow look up a null as a value; `classes` has no null.
    return ClassTargets(column, classes, labels.to_numpy(zero_copy_only=False).astype(np.int64))
