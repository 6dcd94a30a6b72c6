"""Text that a spreadsheet would run as a formula, made harmless.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return is a formula to a
spreadsheet, and so is what follows a separator of cells in it, where the spreadsheet splits a line
at other marks than commas (https://owasp.org/www-community/attacks/CSV_Injection). An apostrophe
before it makes it text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from galaxyclass.errors import ArgumentError

#: Where a formula would begin: at the beginning of the text, or behind a mark at which some
#: spreadsheet splits lines. The last four marks are wide forms, which are read as the first four.
_FORMULA = re.compile(
    "^(?=[\t\r\n])|(?:^|(?<=[,;|\t\r\n]))(?=['\"\\s]*[=+\\-@\uff1d\uff0b\uff0d\uff20])"
)
#: Numbers, angles such as -00:30:12.5, and dashes for what is missing.
_HARMLESS = re.compile(r"[+-]?[\d.][\d.: ]*([eE][+-]?\d+)?|[+-](inf|nan)|-+")


def quote_formula(text: str) -> str:
    """The text of a cell, with an apostrophe before whatever would be a formula.

    Numbers, angles and dashes stay as they are.

    Examples
    --------
    >>> quote_formula("=1+1"), quote_formula("J1011+0405"), quote_formula("-1.5e-3")
    ("'=1+1", 'J1011+0405', '-1.5e-3')
    >>> quote_formula("a; =1+1")
    "a;' =1+1"
    """
    return text if _HARMLESS.fullmatch(text) else _FORMULA.sub("'", text)


def without_formulas(table: pa.Table) -> pa.Table:
    """A table whose names of columns and cells of text are no formulas."""
    for index, field in enumerate(table.schema):
        name = quote_formula(field.name)
        column = table.column(index)
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            cells: Iterable[str | None] = column.to_pylist()
            quoted = [None if cell is None else quote_formula(cell) for cell in cells]
            table = table.set_column(index, field.with_name(name), pa.array(quoted, field.type))
        elif name != field.name:
            table = table.set_column(index, field.with_name(name), column)
    return table


def require_csv(output: Path) -> None:
    """Refuse to quote formulas in a file that no spreadsheet takes them from.

    Raises
    ------
    ArgumentError
        ``output`` is not called ``.csv``, or is a folder.
    """
    if output.suffix.lower() != ".csv" or output.is_dir():
        raise ArgumentError(
            "`quote_formulas`: only text in CSV can be a formula",
            argument="quote_formulas",
            wanted="an `output` that ends in .csv, a file",
            got=str(output),
            hint="leave it out",
        )
