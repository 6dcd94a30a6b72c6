"""Reading text tables: commas, semicolons or tabs, and the line at which every row starts."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from galaxyclass.errors import CatalogError

#: What to do with a spreadsheet.
EXCEL_HINT = (
    "save it as 'CSV UTF-8', with the id column formatted as text: a spreadsheet keeps only 15 "
    "digits of a number"
)

#: Bytes that are read at once; no row may be longer.
BLOCK_BYTES = 1 << 20

#: First bytes of files that are not text, and what they are.
_MAGIC: dict[bytes, str] = {
    b"PAR1": "a parquet file",
    b"PK\x03\x04": "a zip archive or Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "compressed by gzip",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"SIMPLE": "a FITS file",
}


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
        CSV: the line of the file at which each row starts, the header being line 1; parquet: the
        row's number, the first being 1.
    ragged : tuple of RaggedRow
        Lines left out of ``table`` because they have more or fewer cells than the header.
    parts : (rows,) of str, or None
        Where ``path`` is a folder with a table for each part: the part of each row.
    """

    path: Path
    table: pa.Table
    lines: NDArray[np.int64]
    ragged: tuple[RaggedRow, ...]
    parts: NDArray[np.object_] | None = None

    def take(self, rows: NDArray[np.int64]) -> TableFile:
        """The same file with some of its rows."""
        parts = None if self.parts is None else self.parts[rows]
        return replace(self, table=self.table.take(rows), lines=self.lines[rows], parts=parts)


#: What is done with each piece of a table when it is read: gives what is kept of it.
Piecewise = Callable[[pa.Table], pa.Table]


def all_of_it(piece: pa.Table) -> pa.Table:
    """Every piece as it is."""
    return piece


def read_csv(path: Path, piecewise: Piecewise = all_of_it) -> TableFile:
    """Read a text table; every column is text.

    Parameters
    ----------
    path : Path
    piecewise : callable
        Is given the rows piece by piece, in order.

    Raises
    ------
    CatalogError
        Not text in UTF-8, no header, a column twice, quotation marks that are not closed.
    """
    _refuse_other_formats(path)
    delimiter, names = _header(path)
    with_names(path, None, names)
    skipped: list[Any] = []

    def skip(row: Any) -> str:
        skipped.append(row)
        return "skip"

    try:
        # Block by block: reading it in one call holds several blocks, and the text of all of them.
        with (
            _open(path) as stream,
            pa.csv.open_csv(
                stream,
                read_options=pa.csv.ReadOptions(block_size=BLOCK_BYTES),
                parse_options=pa.csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            ) as batches,
        ):
            given = (pa.Table.from_batches([batch]) for batch in batches)
            pieces = [piecewise(with_names(path, piece, names)) for piece in given]
            empty = with_names(path, batches.schema.empty_table(), names)
            table = pa.concat_tables(pieces) if pieces else empty
    except pa.ArrowException as error:
        _refuse_other_encodings(path)
        raise CatalogError(
            f"{path}: cannot be read as CSV",
            got=str(error).splitlines()[0],
            hint="look for a quotation mark that is not closed",
        ) from error
    if not skipped and _line_count(path) == table.num_rows + 1:
        return TableFile(path, table, np.arange(2, table.num_rows + 2, dtype=np.int64), ())
    lines, ragged = _walk(path, delimiter, len(names))
    if len(lines) != table.num_rows:
        raise CatalogError(
            f"{path}: cannot be read as CSV without doubt",
            got=f"{table.num_rows} rows read one way, {len(lines)} the other",
            hint="look for a quotation mark that is not closed",
        )
    return TableFile(path, table, np.array(lines, dtype=np.int64), tuple(ragged))


def with_names(path: Path, table: Any, names: list[str]) -> Any:
    """The table with stripped names; refuses a name that stands twice."""
    stripped = [name.strip() for name in names]
    twice = [name for name, count in Counter(stripped).items() if count > 1]
    if twice:
        raise CatalogError(
            f"{path}: a column stands twice in the header",
            got=", ".join(repr(name) for name in twice),
            hint="rename or remove one of each",
        )
    return None if table is None else table.rename_columns(stripped)


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def _refuse_other_formats(path: Path) -> None:
    with _open(path) as stream:
        start = stream.read(8)
    if not start:
        raise CatalogError(f"{path}: the table is empty", wanted="a header and a row per galaxy")
    for magic, what in _MAGIC.items():
        if start.startswith(magic):
            raise CatalogError(
                f"{path}: named as CSV, but its content is not",
                wanted="text in UTF-8",
                got=what,
                hint=EXCEL_HINT if "Excel" in what or "UTF-16" in what else "rename or convert it",
            )


def _refuse_other_encodings(path: Path) -> None:
    with _open(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise CatalogError(
                    f"{path}, line {number}: not text in UTF-8",
                    got=f"byte 0x{line[error.start]:02x} after {line[: error.start][-30:]!r}",
                    hint="save the table as 'CSV UTF-8'",
                ) from error


def _header(path: Path) -> tuple[str, list[str]]:
    """The delimiter and the names of the columns."""
    try:
        with _open(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
            first = next((line for line in text if line.strip("\r\n")), "")
            tabs = ".tsv" in path.name.lower()
            delimiter = "\t" if tabs else max(",;\t", key=first.count)
            names = next(csv.reader([first, *_some(text)], delimiter=delimiter), [])
    except UnicodeDecodeError:
        _refuse_other_encodings(path)
        raise
    except csv.Error as error:
        raise CatalogError(f"{path}: cannot be read as CSV", got=str(error)) from error
    if not any(name.strip() for name in names):
        raise CatalogError(f"{path}: no header", wanted="a first line with the columns' names")
    return delimiter, names


def _some(text: Iterator[str]) -> Iterator[str]:
    """A few more lines: a quoted name may hold a line break."""
    for _, line in zip(range(100), text, strict=False):
        yield line


def _line_count(path: Path) -> int:
    count, last = 0, b"\n"
    with _open(path) as stream:
        while chunk := stream.read(1 << 22):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def _walk(path: Path, delimiter: str, width: int) -> tuple[list[int], list[RaggedRow]]:
    """Line of each row and the ragged lines, where lines and rows do not go one to one."""
    lines: list[int] = []
    ragged: list[RaggedRow] = []
    with _open(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        start, header = 1, True
        try:
            for cells in reader:
                if not cells:
                    pass
                elif header:
                    header = False
                elif len(cells) == width:
                    lines.append(start)
                else:
                    ragged.append(RaggedRow(start, len(cells)))
                start = reader.line_num + 1
        except csv.Error as error:
            raise CatalogError(
                f"{path}, line {start}: cannot be read as CSV",
                got=str(error),
                hint="look for a quotation mark that is not closed",
            ) from error
    return lines, ragged
