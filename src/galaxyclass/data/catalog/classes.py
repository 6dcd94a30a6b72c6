"""From a column of names or integers to class numbers (pure)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from galaxyclass.data.tables.cells import as_text, is_exact_integers
from galaxyclass.tasks.classes.targets import ClassTargets


def class_names(cells: Any) -> Any:
    """A column's classes as text; null where a cell is empty, or ``nan`` (as pandas writes it).

    Parameters
    ----------
    cells : pyarrow array
        Text or integers.
    """
    text = as_text(cells)
    missing = pc.is_in(text, value_set=pa.array(["nan", "NaN"]))
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


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
