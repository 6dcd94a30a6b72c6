"""Reading Excel workbooks, where openpyxl is installed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from galaxyclass.data.tables.content import whole_content
from galaxyclass.data.unused import Unused
from galaxyclass.errors import CatalogError, MissingExtraError
from galaxyclass.short import first_line

#: The largest integer that a cell of a spreadsheet, a 64-bit float, holds exactly.
_EXACT = 2**53


def read_workbook(path: Path) -> tuple[pa.Table, tuple[Unused, ...]]:
    """Read the first sheet of an Excel workbook.

    Raises
    ------
    MissingExtraError
        openpyxl is not installed.
    CatalogError
        A damaged workbook, an empty sheet, or ids that the spreadsheet has rounded.
    """
    try:
        from openpyxl import load_workbook
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{path}: openpyxl is not installed, which reads Excel workbooks",
            hint="pip install openpyxl; or save it as 'CSV UTF-8', with the id column as text",
        ) from error
    try:
        book = load_workbook(whole_content(path), read_only=True, data_only=True)
        sheets = book.worksheets
        rows = [row for row in sheets[0].values if any(cell is not None for cell in row)]
    except Exception as error:  # openpyxl raises whatever a damaged file leads to
        raise CatalogError(
            f"{path}: cannot be read as an Excel workbook",
            got=first_line(error),
            hint="save it anew, or as 'CSV UTF-8' with the id column formatted as text",
        ) from error
    if not rows:
        raise CatalogError(
            f"{path}: the first sheet, {sheets[0].title!r}, is empty", wanted="a header and rows"
        )
    names = [str("" if cell is None else cell).strip() for cell in rows[0]]
    named = [index for index, name in enumerate(names) if name]
    columns = [[row[index] if index < len(row) else None for row in rows[1:]] for index in named]
    for index, column in zip(named, columns, strict=True):
        _require_exact(path, names[index], column)
    arrays = list(map(_column, columns))
    others = (*_others([sheet.title for sheet in sheets]), *_nameless(names, rows[1:]))
    return pa.Table.from_arrays(arrays, names=[names[index] for index in named]), others


def _others(titles: list[str]) -> Iterator[Unused]:
    if len(titles) > 1:
        why = f"only the first sheet is read, {titles[0]!r}"
        yield Unused("tables", len(titles) - 1, ", ".join(titles[1:5]), why)


def _nameless(names: list[str], rows: list[Any]) -> Iterator[Unused]:
    width = max(map(len, rows), default=0)
    filled = [
        index
        for index in range(width)
        if not (index < len(names) and names[index])
        and any(index < len(row) and row[index] is not None for row in rows)
    ]
    if filled:
        shown = ", ".join(f"number {index + 1}" for index in filled[:4])
        yield Unused("columns", len(filled), shown, "no name in the header")


def _require_exact(path: Path, name: str, cells: list[Any]) -> None:
    """Refuse long ids that were typed as numbers: a spreadsheet keeps 15 digits of them."""
    rounded = [cell for cell in cells if isinstance(cell, int | float) and abs(cell) > _EXACT]
    if rounded:
        shown = ", ".join(f"{cell:.0f}" for cell in islice(rounded, 3))
        raise CatalogError(
            f"{path}: the spreadsheet has rounded the numbers of column {name!r}",
            wanted="long ids as text",
            got=f"{shown}: only 15 digits of each are right",
            hint="take the ids from their source again, and format the column as text first",
        )


def _column(cells: list[Any]) -> pa.Array:
    """The cells of a column; whole numbers as integers, mixed ones as text."""
    filled = [cell for cell in cells if cell is not None]
    if filled and all(isinstance(cell, bool) for cell in filled):
        return pa.array(cells, pa.bool_())
    if filled and all(
        isinstance(cell, int | float) and not isinstance(cell, bool) for cell in filled
    ):
        whole = all(float(cell).is_integer() for cell in filled)
        numbers = [None if cell is None else int(cell) if whole else float(cell) for cell in cells]
        return pa.array(numbers, pa.int64() if whole else pa.float64())
    return pa.array([None if cell is None else _text(cell) for cell in cells], pa.string())


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
