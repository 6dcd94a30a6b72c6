"""Writing tables of predictions as CSV."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv

from galaxyclass.io.csv_text import csv_text
from galaxyclass.io.formulas import without_formulas


class CsvWriter:
    """Comma-separated, UTF-8, lines end in a line feed, cells quoted where they must be.

    Numbers have as many digits as float32 needs, so CSV and parquet hold the same values.

    Parameters
    ----------
    quote_formulas : bool
        Put an apostrophe before text that a spreadsheet would run (`galaxyclass.io.formulas`).
    """

    def __init__(self, *, quote_formulas: bool = False) -> None:
        self.quote_formulas = quote_formulas

    def write_chunk(self, path: Path, table: pa.Table) -> None:
        table = self._quoted(table)
        cells: list[Iterable[str]] = []
        for is_numbers, fields in groupby(
            table.schema, lambda field: pa.types.is_floating(field.type)
        ):
            columns = table.select([field.name for field in fields])
            if is_numbers:
                cells.append(_number_lines(columns))
            else:
                cells += [map(_quoted, column.to_pylist()) for column in columns.columns]
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(",".join(row) + "\n" for row in zip(*cells, strict=True))

    def join(self, path: Path, chunks: Iterable[Path], empty: pa.Table) -> None:
        with path.open("wb") as whole:
            self.write_header(whole, self._quoted(empty).column_names)
            for chunk in chunks:
                with chunk.open("rb") as file:
                    shutil.copyfileobj(file, whole, 1 << 20)

    def _quoted(self, table: pa.Table) -> pa.Table:
        return without_formulas(table) if self.quote_formulas else table

    @staticmethod
    def write_header(file: IO[bytes], names: Sequence[str]) -> None:
        """Write the line with the columns' names."""
        # Quoted before, with the cells (`_quoted`).
        file.write(csv_text([names], quote_formulas=False).encode())


def _number_lines(table: pa.Table) -> list[str]:
    """The rows of a table of numbers as lines of CSV."""
    buffer = io.BytesIO()
    pa.csv.write_csv(table, buffer, pa.csv.WriteOptions(include_header=False))
    return buffer.getvalue().decode().splitlines()


_SPECIAL = re.compile(r'[,"\r\n]')


def _quoted(value: object) -> str:
    """A cell, quoted only where it holds a comma, a quotation mark or a break.

    pyarrow would quote all text, or refuse such ids; the csv module takes three times as long.
    """
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text
