"""The table that lies in the same files as the pictures: HDF5, and parquet of the hubs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from galaxyclass.data.catalog.part_words import PART_OF_WORD, are_parts
from galaxyclass.data.tables.delimited import TableFile
from galaxyclass.data.tables.in_memory import open_in_memory
from galaxyclass.data.tables.tables import open_table
from galaxyclass.errors import CatalogError
from galaxyclass.images.container import PICTURE_ID
from galaxyclass.images.containers import container_of, label_members

#: Endings of files that hold pictures and columns.
_BOTH = (".h5", ".hdf5", ".parquet")


def table_beside(paths: Sequence[str]) -> TableFile | None:
    """The table in the files that pictures are in; None where they have no columns.

    Of archives it is the classes in files beside the pictures (`label_members`).

    Several files are one table, as the hubs split it. Files called train-…, validation-… and
    test-… give a column ``split``.

    Parameters
    ----------
    paths : sequence of str
        Of the pictures.

    Raises
    ------
    CatalogError
        A file cannot be read, or the files have different columns.
    """
    if not paths or container_of(paths[0]) is None:
        return None
    files = list(dict.fromkeys(found[0] for path in paths if (found := container_of(path))))
    if not all(file.lower().endswith(_BOTH) for file in files):
        return _labels_of(files)
    try:
        opened = [open_table(file) for file in files]
    except CatalogError as error:
        if "without columns" in error.what:
            return None
        raise
    columns = {tuple(file.table.column_names) for file in opened}
    if len(columns) > 1:
        raise CatalogError(
            f"{files[0]} and {files[1]}: different columns",
            wanted="files of one table",
            got="; ".join(", ".join(names[:8]) for names in sorted(columns)[:3]),
            hint="give one of the files as `images`",
        )
    if columns == {(PICTURE_ID,)}:
        return None
    tables = [file.table for file in opened]
    words = [re.split(r"[-_.]", Path(file).name.lower())[0] for file in files]
    if len(files) > 1 and are_parts(words) and "split" not in tables[0].column_names:
        tables = [
            table.append_column("split", pa.array([PART_OF_WORD[word]] * table.num_rows))
            for table, word in zip(tables, words, strict=True)
        ]
    table = pa.concat_tables(tables, promote_options="permissive")
    path = (
        Path(files[0]) if len(files) == 1 else Path(files[0]).parent / f"*{Path(files[0]).suffix}"
    )
    unused = tuple(each for table_file in opened for each in table_file.unused)
    return TableFile(path, table, np.arange(1, table.num_rows + 1), (), unused=unused)


def _labels_of(files: Sequence[str]) -> TableFile | None:
    """The classes in files beside the pictures of archives; None where there are none."""
    labels: dict[str, str] = {}
    for file in files:
        if not file.lower().endswith(_BOTH):
            labels |= label_members(file)
    if not labels:
        return None
    table = open_in_memory(pa.table({"id": list(labels), "class": list(labels.values())}))
    return replace(table, path=Path(files[0]))
