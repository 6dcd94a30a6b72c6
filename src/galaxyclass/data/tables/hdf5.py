"""Reading HDF5: its one-dimensional data sets of the most common length are the columns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from galaxyclass.data.tables.content import require_regular
from galaxyclass.data.tables.in_memory import as_arrow
from galaxyclass.data.unused import Unused, UnusedKind
from galaxyclass.errors import CatalogError
from galaxyclass.images.container import PICTURE_ID, picture_name
from galaxyclass.images.hdf5_stacks import data_sets, is_stack, open_hdf5


def read_hdf5(path: Path) -> tuple[pa.Table, tuple[Unused, ...]]:
    """Read the columns of an HDF5 file, with the number of each row as `PICTURE_ID`.

    A file may hold pictures beside them (Galaxy10): they are images of those numbers, see
    `galaxyclass.images.containers`. pandas' and h5py's files of arrays are read; tables of records
    give a column for each field.

    Raises
    ------
    MissingExtraError
        h5py is not installed.
    CatalogError
        A damaged file, or one without columns.
    """
    require_regular(path)
    columns: dict[str, Any] = {}
    others: list[str] = []
    tables: list[str] = []
    with open_hdf5(path) as file:
        entries = data_sets(path, file)
        stacks = [entry for entry in entries.values() if is_stack(entry)]
        lengths = Counter(len(entry) for entry in entries.values() if len(entry.shape) == 1)
        length = len(stacks[0]) if stacks else max(lengths, key=lambda n: lengths[n], default=0)
        for name, entry in entries.items():
            if is_stack(entry):
                continue
            if entry.shape == (length,) and entry.dtype.names:
                shared = set(entry.dtype.names) & set(columns)
                if all(np.array_equal(entry[field], columns[field]) for field in shared):
                    columns.update({field: entry[field] for field in entry.dtype.names})
                else:  # another table of the same columns, or its rows in another order
                    tables.append(name)
            elif entry.shape == (length,):
                columns[name] = entry.asstr()[...] if entry.dtype.kind == "O" else entry[...]
            else:
                others.append(name)
    if not columns:
        raise CatalogError(
            f"{path}: an HDF5 file without columns",
            wanted="data sets of one dimension and one length, a number for each row",
            got=", ".join(sorted(entries)[:10]) or "no data sets",
            hint="write the table as parquet or FITS",
        )
    table = as_arrow(columns)
    if PICTURE_ID not in table.column_names:
        numbers = pa.array([picture_name(number) for number in range(length)])
        table = table.add_column(0, PICTURE_ID, numbers)
    kinds: tuple[tuple[UnusedKind, list[str], str], ...] = (
        ("columns", others, "of another shape"),
        ("tables", tables, "has columns of another table, with other values"),
    )
    unused = [
        Unused(what, len(names), ", ".join(names[:4]), why) for what, names, why in kinds if names
    ]
    return table, tuple(unused)
