"""Writing tables of predictions as CSV or parquet, in chunks that are joined to one file."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from galaxyclass.errors import OutputError
from galaxyclass.io.output import is_unfinished, require_free

#: Rows of a parquet row group, which a reader loads at once; fewer if there are more columns than
#: this, as with an embedding.
ROW_GROUP_ROWS = 65_536
_ROW_COLUMNS = 64


class TableWriter(Protocol):
    """Writes one format; paths are temporary names, which the caller makes durable."""

    def write_chunk(self, path: Path, table: pa.Table) -> None:
        """Write some rows."""

    def join(self, path: Path, chunks: Iterable[Path], empty: pa.Table) -> None:
        """Write all chunks as one file, in constant memory; ``empty`` has the columns."""


class CsvWriter:
    """Comma-separated, UTF-8, lines end in a line feed, cells quoted where they must be.

    Numbers have as many digits as float32 needs, so CSV and parquet hold the same values.
    """

    def write_chunk(self, path: Path, table: pa.Table) -> None:
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
            header = io.StringIO()
            csv.writer(header, lineterminator="\n").writerow(empty.column_names)
            whole.write(header.getvalue().encode())
            for chunk in chunks:
                with chunk.open("rb") as file:
                    shutil.copyfileobj(file, whole, 1 << 20)


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


class ParquetWriter:
    """Parquet: ids as given, predictions float32, empty cells null."""

    def write_chunk(self, path: Path, table: pa.Table) -> None:
        pq.write_table(table, path)

    def join(self, path: Path, chunks: Iterable[Path], empty: pa.Table) -> None:
        group = ROW_GROUP_ROWS * _ROW_COLUMNS // max(_ROW_COLUMNS, empty.num_columns)
        with pq.ParquetWriter(path, empty.schema) as writer:
            waiting = empty
            for chunk in chunks:
                waiting = pa.concat_tables([waiting, pq.ParquetFile(chunk).read()])
                if (rows := waiting.num_rows // group * group) > 0:
                    writer.write_table(waiting.slice(0, rows), group)
                    waiting = waiting.slice(rows)
            writer.write_table(waiting, group)


#: Suffix of the output -> its writer.
WRITERS: dict[str, TableWriter] = {".csv": CsvWriter(), ".parquet": ParquetWriter()}


def writer_of(output: Path) -> TableWriter:
    """The writer for the suffix of a file.

    Raises
    ------
    OutputError
        The suffix is neither ``.csv`` nor ``.parquet``.
    """
    writer = WRITERS.get(output.suffix.lower())
    if writer is None:
        raise OutputError(
            f"{output}: not a kind of table that is written",
            wanted=f"a name that ends in {' or '.join(WRITERS)}",
            got=f"the ending {output.suffix!r}" if output.suffix else "no ending",
            hint=f"pass `output={str(output.with_suffix('.csv'))!r}`",
        )
    return writer


def require_output(output: Path, *, overwrite: bool) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Raises
    ------
    OutputError
        An unknown suffix, or it exists and is not to be replaced, or it is a folder.
    """
    writer_of(output)
    # For a stopped job, its key shows later whether the output is its own.
    require_free(output, overwrite=overwrite or is_unfinished(output))


_FAILURES = ("path", "error")


def require_failures(path: Path) -> None:
    """Refuse to write a list of failures over another file.

    Raises
    ------
    OutputError
        The file exists and is not such a list.
    """
    if not path.exists():
        return
    head = ",".join(_FAILURES).encode() + b"\n"
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(head)) == head:
                return
    raise OutputError(
        f"{path}: images that cannot be decoded would be listed here, but something else is there",
        hint="move it away, or choose another `output`",
    )


def write_failures(path: Path, failures: Iterable[tuple[str, str]]) -> None:
    """Write the list of images that could not be decoded: path and error."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_FAILURES)
        writer.writerows(failures)
