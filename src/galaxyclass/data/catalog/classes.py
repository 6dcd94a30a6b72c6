"""From a column of names or integers to class numbers (pure)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from galaxyclass.data.tables.cells import are_truth_words, as_text, is_exact_integers, whole_numbers
from galaxyclass.tasks.classes.targets import ClassTargets


def class_names(cells: Any) -> Any:
    """A column's classes as text; null where a cell is empty, or ``nan`` (as pandas writes it).

    Parameters
    ----------
    cells : pyarrow array
        Text, integers, or floats that are whole numbers: 1.0 is 1, as pandas makes floats of
        integers beside empty cells. Text that is true or false alone is written in small letters,
        as truth values are.

    Examples
    --------
    >>> class_names(pa.array([1.0, None, 0.0])).to_pylist()
    ['1', None, '0']
    >>> class_names(pa.array(["TRUE", "", "False"])).to_pylist()
    ['true', None, 'false']
    """
    text = as_text(whole_numbers(cells))
    if are_truth_words(text):
        text = pc.utf8_lower(text)
    missing = pc.is_in(text, value_set=pa.array(["nan", "NaN"]))
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def read_classes(cells: Any, column: str) -> ClassTargets:
    """Number the classes of a column: integers in numerical order, names in alphabetical order.

    Parameters
    ----------
    cells : pyarrow array
        See `class_names`, also for what is unknown.
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
