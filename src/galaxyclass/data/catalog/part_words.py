"""Names of the parts of a split, as columns and folders of published data sets have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, is_text

#: Word of a column or a folder, in lower case -> part.
PART_OF_WORD: dict[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
#: Names of columns that say it, in lower case.
PART_COLUMNS = ("split", "part", "subset", "set", "partition", "dataset_split", "fold")


def are_parts(words: Iterable[str]) -> bool:
    """Whether words name the parts of a split: train and another.

    Examples
    --------
    >>> are_parts(["train", "Val"]), are_parts(["train", "spiral"]), are_parts(["test"])
    (True, False, False)
    """
    parts = {PART_OF_WORD.get(word.strip().lower()) for word in words}
    return None not in parts and "train" in parts and len(parts) > 1


def find_part_column(table: Any, taken: Iterable[str]) -> str | None:
    """The column that says which part of a split each row is in, by its name and its words."""
    used = set(taken)
    for name in table.column_names:
        if name in used or name.lower() not in PART_COLUMNS or not is_text(table[name]):
            continue
        if are_parts(pc.unique(as_text(table[name])).drop_null().to_pylist()):
            return str(name)
    return None


def parts_of_cells(cells: Any) -> NDArray[np.object_]:
    """(rows,) The part of each row; that of an empty cell is the training part."""
    words = as_text(cells).to_pylist()
    return np.array(
        ["train" if word is None else PART_OF_WORD[word.lower()] for word in words], dtype=object
    )
