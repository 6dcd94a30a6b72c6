"""Finding the columns of a table that hold the paths of images, and their ids."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from galaxyclass.errors import ArgumentError, ArgumentTypeError
from galaxyclass.images.files import image_stem, is_image_name
from galaxyclass.short import counted

#: Rows that are looked at to decide whether a column holds paths.
_SAMPLE = 200


def find_path_column(table: pa.Table, name: str | None = None) -> str:
    """The column of the paths of image files, by its name or by its content.

    Raises
    ------
    ArgumentError
        No column, or several columns, could hold them; no column of that name.
    ArgumentTypeError
        The column of that name does not hold text.
    """
    texts: list[str] = [field.name for field in table.schema if pa.types.is_string(field.type)]
    if name is not None:
        _require_column(table, name, "path_column")
        if name not in texts:
            raise ArgumentTypeError(
                f"the column {name!r} does not hold paths",
                argument="path_column",
                wanted="text",
                got=str(table.schema.field(name).type),
            )
        return name
    samples = {text: _sample(table[text]) for text in texts}
    named = [text for text, cells in samples.items() if cells and all(map(is_image_name, cells))]
    with_files = [text for text, cells in samples.items() if any(map(os.path.isfile, cells))]
    # If several columns look like names of images, take those whose files exist.
    image_names_with_files = [text for text in named if text in with_files]
    for columns in (image_names_with_files, named, with_files):
        if len(columns) == 1:
            return columns[0]
    candidates = image_names_with_files or named or with_files
    if candidates:
        raise ArgumentError(
            "several columns of the table could hold the paths of the images",
            argument="path_column",
            got=", ".join(candidates),
            hint=f"name one: `path_column={candidates[0]!r}`",
        )
    raise ArgumentError(
        "no column of the table holds the paths of images",
        argument="path_column",
        wanted="a column of text, such as images/587722981748965649.jpg",
        got=f"the columns {', '.join(table.column_names[:20])}",
        hint="name it: `path_column`",
    )


def _sample(column: pa.ChunkedArray) -> list[str]:
    return [cell for cell in column.slice(0, _SAMPLE).to_pylist() if cell]


def find_id_column(
    table: pa.Table, paths: Sequence[str], name: str, *, named: str | None
) -> str | None:
    """The column of the ids: that of the expected name, or the one that holds the files' stems.

    Parameters
    ----------
    table : pyarrow.Table
    paths : sequence of str
        The image of each row.
    name : str
        Expected: that of the model's training table.
    named : str, optional
        Chosen by the user.

    Raises
    ------
    ArgumentError
        No column of that name; some of its cells are empty.
    ArgumentTypeError
        It holds neither text nor whole numbers.
    """
    if named is not None:
        _require_column(table, named, "id_column")
    candidates: list[str] = [
        field.name
        for field in table.schema
        if (pa.types.is_string(field.type) or pa.types.is_integer(field.type))
        and not _empty_cells(table[field.name])
    ]
    if named is not None and named not in candidates:
        empty = _empty_cells(table[named])
        raise (ArgumentError if empty else ArgumentTypeError)(
            f"the column {named!r} cannot hold the ids",
            argument="id_column",
            wanted="text or whole numbers, in each row",
            got=counted(empty, "empty cell") if empty else str(table.schema.field(named).type),
        )
    if name in candidates:
        return name
    stems = [image_stem(path) for path in paths]
    for candidate in candidates:
        first = table[candidate].slice(0, 1).to_pylist()
        if [str(cell) for cell in first] != stems[:1]:
            continue
        if stems and [str(cell) for cell in table[candidate].to_pylist()] == stems:
            return candidate
    return None


def _empty_cells(column: pa.ChunkedArray) -> int:
    """How many cells of a column are null, or text of blanks alone."""
    blank = 0
    if pa.types.is_string(column.type):
        blank = pc.sum(pc.equal(pc.utf8_trim_whitespace(column), "")).as_py() or 0
    return int(column.null_count + blank)


def _require_column(table: pa.Table, name: str, argument: str) -> None:
    if name not in table.column_names:
        raise ArgumentError(
            f"the table has no column {name!r}",
            argument=argument,
            wanted=f"one of {', '.join(table.column_names[:20])}",
        )
