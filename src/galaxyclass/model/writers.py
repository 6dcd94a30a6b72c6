"""Writing tables of predictions in chunks, and the chunks as one file; CSV and parquet."""

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

#: Rows of a parquet row group: what a reader takes at once. There are fewer where the columns are
#: more than so many, as with an embedding.
ROW_GROUP_ROWS = 65_536
_ROW_COLUMNS = 64


class Sink(Protocol):
    """How one kind of file is written; paths are temporary names, made durable by the caller."""

    def write_chunk(self, path: Path, table: pa.Table) -> None:
        """Write some rows."""

    def join(self, path: Path, chunks: Iterable[Path], empty: pa.Table) -> None:
        """Write all chunks as one file, in constant memory; ``empty`` has the columns."""


class CsvSink:
    """Comma-separated, UTF-8, lines end in a line feed, cells quoted where they must be.

    A number has as many digits as give its float32 back, so CSV and parquet hold the same values.
    """

    def write_chunk(self, path: Path, table: pa.Table) -> None:
        cells: list[Iterable[str]] = []
        for numbers, fields in groupby(table.schema, lambda one: pa.types.is_floating(one.type)):
            columns = table.select([field.name for field in fields])
            if numbers:
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
    """The rows of a table of numbers, their cells with commas between them."""
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


class ParquetSink:
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


#: Ending of the output's name -> how it is written.
SINKS: dict[str, Sink] = {".csv": CsvSink(), ".parquet": ParquetSink()}


def sink_of(output: Path) -> Sink:
    """How a file of that name is written.

    Raises
    ------
    OutputError
        Its ending is neither ``.csv`` nor ``.parquet``.
    """
    sink = SINKS.get(output.suffix.lower())
    if sink is None:
        raise OutputError(
            f"{output}: not a kind of table that is written",
            wanted=f"a name that ends in {' or '.join(SINKS)}",
            got=f"the ending {output.suffix!r}" if output.suffix else "no ending",
            hint=f"pass `output={str(output.with_suffix('.csv'))!r}`",
        )
    return sink


def require_output(output: Path, *, overwrite: bool) -> None:
    """Refuse an output that would be refused at the end, before any work is done.

    Raises
    ------
    OutputError
        Its ending is unknown, or it exists and is not to be replaced, or it is a folder.
    """
    sink_of(output)
    # Of a job that was stopped, its key tells whether the output is its own.
    require_free(output, overwrite=overwrite or is_unfinished(output))


_FAILURES = ("path", "error")


def require_failures(path: Path) -> None:
    """Refuse to write a list of failures where something else stands under that name.

    Raises
    ------
    OutputError
        The file is there, and is no such list.
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
