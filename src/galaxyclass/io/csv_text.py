"""Every CSV that is not a table of predictions (`model.csv_writer`) is written here.

Whoever writes says whether cells that a spreadsheet would run are made harmless: ids, classes,
names of columns and of files come from strangers (`io.formulas`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import IO

from galaxyclass.io.formulas import quote_formula


def csv_text(rows: Iterable[Iterable[object]], *, quote_formulas: bool) -> str:
    r"""Rows as the text of a CSV file, the header first.

    Parameters
    ----------
    rows : iterable of iterable
    quote_formulas : bool
        Put an apostrophe before text that a spreadsheet would run.

    Examples
    --------
    >>> csv_text([("code", "mean"), ("1.1", 0.25), ("=1+1", "")], quote_formulas=True)
    "code,mean\n1.1,0.25\n'=1+1,\n"
    """
    text = io.StringIO()
    write_rows(text, rows, quote_formulas=quote_formulas)
    return text.getvalue()


def write_rows(file: IO[str], rows: Iterable[Iterable[object]], *, quote_formulas: bool) -> None:
    """Write rows to a file that is open (with ``newline=""``), one after the other.

    Parameters
    ----------
    file : text file
    rows : iterable of iterable
        The header is the first.
    quote_formulas : bool
        As for `csv_text`.
    """
    if quote_formulas:
        rows = (map(_quoted, row) for row in rows)
    csv.writer(file, lineterminator="\n").writerows(rows)


def _quoted(cell: object) -> object:
    return quote_formula(cell) if isinstance(cell, str) else cell
