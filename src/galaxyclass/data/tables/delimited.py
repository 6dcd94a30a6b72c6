"""Reading text tables of any dialect, and the line at which every row starts."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from galaxyclass.data.tables.dialect import Dialect, find_dialect
from galaxyclass.data.unused import Unused
from galaxyclass.errors import CatalogError
from galaxyclass.short import counted, first_few, first_line

#: Bytes that are read at once; no row may be longer.
BLOCK_BYTES = 1 << 20

#: Columns of a table, at most: what each of them is takes a moment to find out.
MOST_COLUMNS = 5000


@dataclass(frozen=True)
class RaggedRow:
    """A line of a CSV with more or fewer cells than the header."""

    line: int
    cells: int


@dataclass(frozen=True)
class TableFile:
    """A table as read from its file.

    Attributes
    ----------
    path : Path
    table : pyarrow.Table
        CSV: every column is text, empty cells are null; parquet: as typed. Names are stripped of
        surrounding spaces.
    lines : (rows,) int64
        CSV: the line of the file at which each row starts, the first being line 1; other formats:
        the row's number, the first being 1.
    ragged : tuple of RaggedRow
        Lines left out of ``table`` because they have more or fewer cells than the header.
    parts : (rows,) of str, or None
        Where ``path`` is a folder with a table for each part: the part of each row.
    notes : tuple of str
        Remarks on how the file was read, such as its encoding.
    unused : tuple of Unused
        What of the file is not in ``table``.
    """

    path: Path
    table: pa.Table
    lines: NDArray[np.int64]
    ragged: tuple[RaggedRow, ...]
    parts: NDArray[np.object_] | None = None
    notes: tuple[str, ...] = ()
    unused: tuple[Unused, ...] = ()

    def take(self, rows: NDArray[np.int64]) -> TableFile:
        """The same file with the rows at (n,) indices."""
        parts = None if self.parts is None else self.parts[rows]
        return replace(self, table=self.table.take(rows), lines=self.lines[rows], parts=parts)


#: Called with each piece of a table while it is read; returns the piece that is kept.
Piecewise = Callable[[pa.Table], pa.Table]


def all_of_it(piece: pa.Table) -> pa.Table:
    """Every piece as it is."""
    return piece


def read_csv(path: Path, piecewise: Piecewise = all_of_it) -> TableFile:
    """Read a text table; every column is text.

    Commas, semicolons, tabs, vertical bars or blanks between the cells; UTF-8, UTF-16 or, where it
    is neither, Windows-1252; compressed or not. Comment lines above the header are skipped, and the
    header may be the last of them (see `find_dialect`).

    Parameters
    ----------
    path : Path
    piecewise : callable
        Called with the rows piece by piece, in order.

    Raises
    ------
    CatalogError
        An unknown encoding, no header, a column twice, quotation marks that are not closed.
    """
    dialect = find_dialect(path)
    with_names(path, None, list(dialect.names))
    table, skipped = _read_rows(path, dialect, piecewise)
    file = TableFile(path, table, np.empty(0, np.int64), (), notes=tuple(_notes(path, dialect)))
    above = dialect.skipped + dialect.header_lines
    if not skipped and _line_count(path, dialect) == table.num_rows + above:
        return replace(file, lines=np.arange(above + 1, above + 1 + table.num_rows, dtype=np.int64))
    lines, ragged, comments = _walk(path, dialect)
    if len(lines) != table.num_rows:
        raise CatalogError(
            f"{path}: cannot be read as CSV unambiguously",
            got=f"{counted(table.num_rows, 'row')} read one way, {len(lines)} the other",
            hint="look for a quotation mark that is not closed",
        )
    return replace(
        file,
        lines=np.array(lines, dtype=np.int64),
        ragged=tuple(ragged),
        unused=unused_rows(comments, "comments among the rows"),
    )


def _read_rows(path: Path, dialect: Dialect, piecewise: Piecewise) -> tuple[pa.Table, bool]:
    """The rows with as many cells as the header, and whether there are others."""
    names = list(dialect.names)
    skipped: list[Any] = []

    def skip(row: Any) -> str:
        skipped.append(row)
        return "skip"

    try:
        # Block by block: reading in one call keeps several blocks and their text in memory.
        with (
            dialect.open(path) as stream,
            pa.csv.open_csv(
                stream,
                read_options=pa.csv.ReadOptions(
                    block_size=BLOCK_BYTES,
                    skip_rows=dialect.skipped,
                    column_names=None if dialect.header_lines else names,
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=dialect.written, newlines_in_values=True, invalid_row_handler=skip
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            ) as batches,
        ):
            tables = (pa.Table.from_batches([batch]) for batch in batches)
            pieces = [piecewise(with_names(path, piece, names)) for piece in tables]
            empty = with_names(path, batches.schema.empty_table(), names)
            table = pa.concat_tables(pieces) if pieces else empty
    except pa.ArrowMemoryError:
        raise
    except pa.ArrowException as error:
        raise CatalogError(
            f"{path}: cannot be read as CSV",
            got=first_line(error),
            hint="look for a quotation mark that is not closed",
        ) from error
    return table, bool(skipped)


def _notes(path: Path, dialect: Dialect) -> Iterator[str]:
    if dialect.encoding == "cp1252":
        yield f"{path}: not text in UTF-8; read as Windows-1252 (Western Europe)"
    if dialect.comments:
        lines = counted(dialect.comments, "comment line")
        yield f"{path}: {lines} above the header skipped"


def unused_rows(lines: Sequence[int], why: str) -> tuple[Unused, ...]:
    """Lines of a table that were not used; nothing where there are none."""
    names = first_few([f"line {line}" for line in lines])
    return (Unused("rows", len(lines), names, why),) if lines else ()


def with_names(path: Path, table: Any, names: list[str]) -> Any:
    """The table with stripped names; refuses repeated names, and far too many columns."""
    if len(names) > MOST_COLUMNS:
        raise CatalogError(
            f"{path}: the table has too many columns",
            wanted=f"at most {MOST_COLUMNS:,}",
            got=f"{len(names):,}",
            hint="keep the columns that are needed",
        )
    stripped = [name.strip() for name in names]
    repeated = [name for name, count in Counter(stripped).items() if count > 1]
    if repeated:
        raise CatalogError(
            f"{path}: a column stands twice in the header",
            got=", ".join(repr(name) for name in repeated),
            hint="rename or remove one of each",
        )
    return None if table is None else table.rename_columns(stripped)


def _line_count(path: Path, dialect: Dialect) -> int:
    count, last = 0, b"\n"
    with dialect.open(path) as stream:
        while chunk := stream.read(1 << 22):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def _walk(path: Path, dialect: Dialect) -> tuple[list[int], list[RaggedRow], list[int]]:
    """The line of each row, ragged lines, and comments, where rows are not one line each."""
    lines: list[int] = []
    ragged: list[RaggedRow] = []
    comments: list[int] = []
    width = len(dialect.names)
    records = _records(path, dialect)
    if dialect.header_lines:
        next(records, None)
    for line, cells in records:
        if len(cells) == width:
            lines.append(line)
        elif cells[0].lstrip().startswith("#"):
            comments.append(line)
        else:
            ragged.append(RaggedRow(line, len(cells)))
    return lines, ragged, comments


def _records(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The first line and the cells of each record, from the header on; empty lines are none."""
    with dialect.open(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        for _ in range(dialect.skipped):
            next(text)
        reader = csv.reader(text, delimiter=dialect.written, strict=True)
        line = dialect.skipped + 1
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = dialect.skipped + reader.line_num + 1
        except csv.Error as error:
            raise CatalogError(
                f"{path}, line {line}: cannot be read as CSV",
                got=str(error),
                hint="look for a quotation mark that is not closed",
            ) from error
