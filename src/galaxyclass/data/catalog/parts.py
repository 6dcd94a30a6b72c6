"""A folder with a table for each part: the layout of contests of images and classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import PART_TABLES
from galaxyclass.data.catalog.matching import ImageNames
from galaxyclass.data.catalog.roles import find_ids
from galaxyclass.data.tables.cells import as_text
from galaxyclass.data.tables.delimited import Piecewise, TableFile, all_of_it
from galaxyclass.data.tables.in_memory import as_arrow, is_table
from galaxyclass.data.tables.tables import open_table, require_even_rows
from galaxyclass.errors import CatalogError

#: The parts that a training needs; the table of the test part may be missing.
_NEEDED = ("train", "validation")


def is_parted(folder: Path) -> bool:
    """Whether a folder has the tables of the parts: train.csv and val.csv at least."""
    return all((folder / PART_TABLES[part]).is_file() for part in _NEEDED)


def column_names(table: Any) -> list[str]:
    """The columns of a table in a file or in memory, or of a folder of tables.

    Raises
    ------
    CatalogError
        As `open_table` and `open_part_tables`.
    """
    if is_table(table):
        return list(as_arrow(table).column_names)
    file = open_part_tables(table) if table.is_dir() else open_table(table)
    names: list[str] = file.table.column_names
    return names


def open_part_tables(folder: Path, piecewise: Piecewise = all_of_it) -> TableFile:
    r"""Read train.csv, val.csv and, where there is one, test.csv as one table.

    The table of the test part may lack columns, as contests leave out its classes; their cells are
    empty then. The rows are passed to `piecewise` as in `open_table`, table after table.

    Raises
    ------
    CatalogError
        train.csv or val.csv is missing; a table cannot be read (see `open_table`), has lines of
        another length than its header, or lacks a column or has one that train.csv does not have.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name, text in {
    ...     "train.csv": "image,class\n1.png,7\n2.png,10\n",
    ...     "val.csv": "image,class\n3.png,10\n",
    ...     "test.csv": "image\n4.png\n",
    ... }.items():
    ...     _ = (folder / name).write_text(text)
    >>> file = open_part_tables(folder)
    >>> file.parts.tolist(), file.lines.tolist(), file.table["class"].to_pylist()
    (['train', 'train', 'validation', 'test'], [2, 3, 2, 2], ['7', '10', '10', None])
    """
    missing = [PART_TABLES[p] for p in _NEEDED if not (folder / PART_TABLES[p]).is_file()]
    if missing:
        raise CatalogError(
            f"{folder}: a folder was given as the table, and it has no {' and no '.join(missing)}",
            wanted="a table, or a folder with train.csv, val.csv and, if there is one, test.csv",
            hint="give the table's file as `table`, the folder of images as `images`",
        )
    files = {
        part: open_table(folder / name, piecewise)
        for part, name in PART_TABLES.items()
        if (folder / name).is_file()
    }
    wanted = set(files["train"].table.column_names)
    for part, file in files.items():
        require_even_rows(file)
        _require_columns(file, wanted, may_lack=part == "test")
    tables = pa.concat_tables([file.table for file in files.values()], promote_options="default")
    return TableFile(
        folder,
        tables,
        np.concatenate([file.lines for file in files.values()]),
        (),
        np.repeat(np.array(list(files), dtype=object), [f.table.num_rows for f in files.values()]),
        notes=tuple(note for file in files.values() for note in file.notes),
        unused=tuple(each for file in files.values() for each in file.unused),
    )


def _require_columns(file: TableFile, wanted: set[str], *, may_lack: bool) -> None:
    names = set(file.table.column_names)
    lacking = sorted(wanted - names)
    if names - wanted or (lacking and not may_lack):
        raise CatalogError(
            f"{file.path}: other columns than train.csv has",
            wanted=", ".join(sorted(wanted)),
            got=", ".join(file.table.column_names),
            hint="give the tables of all parts the same columns",
        )


def tell_apart(
    file: TableFile, names: ImageNames, id_column: str | None, taken: Sequence[str]
) -> tuple[TableFile, str]:
    """Put the part's folder before the names of images, where names alone are ambiguous.

    A contest may number the images of each part from 1: ``1.png`` of train.csv and ``1.png`` of
    test.csv become ``train/1.png`` and ``test/1.png``. Where no name is used in two parts or in two
    folders, all names stay as they are.

    Parameters
    ----------
    file : TableFile
        With parts.
    names : ImageNames
    id_column : str or None
        The column named by ``id_column``.
    taken : sequence of str
        Columns that are votes or the class, and so no ids.

    Returns
    -------
    file : TableFile
    id_column : str
        The column that names the images.

    Raises
    ------
    CatalogError
        As `find_ids`.
    """
    assert file.parts is not None, "read by open_parts"
    training = file.table.filter(pa.array(file.parts == "train"))
    source = str(file.path / PART_TABLES["train"])
    column = find_ids(training, names, id_column, source, taken).column
    cells = as_text(file.table[column]).to_pylist()
    if _are_unambiguous(cells, file.parts, names):
        return file, column
    named = [
        None if cell is None else _in_folder(cell, Path(PART_TABLES[part]).stem)
        for cell, part in zip(cells, file.parts, strict=True)
    ]
    position = file.table.column_names.index(column)
    table = file.table.set_column(position, column, pa.array(named, pa.string()))
    return replace(file, table=table), column


def _are_unambiguous(
    cells: Sequence[str | None], parts: NDArray[np.object_], names: ImageNames
) -> bool:
    """Whether each name is in one part only, and is the name of one file only."""
    part_of: dict[str, str] = {}
    for cell, part in zip(cells, parts, strict=True):
        if cell is None:
            continue
        if part_of.setdefault(cell, part) != part:
            return False
        file = cell.replace("\\", "/").rsplit("/", 1)[-1]
        if file in names.siblings or file.rsplit(".", 1)[0] in names.siblings:
            return False
    return True


def _in_folder(name: str, folder: str) -> str:
    """The name with the folder before it, unless the name has that folder already."""
    path = name.replace("\\", "/").removeprefix("./")
    folders = path.split("/")[:-1]
    return path if folder in folders or path.startswith("/") else f"{folder}/{path}"
