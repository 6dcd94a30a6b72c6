"""Writing tables of predictions in chunks that are joined to one file; CSV and parquet."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from galaxyclass.data.tables.votable_header import (
    VOPARQUET_CONTENT,
    VOPARQUET_VERSION,
    VOTABLE_END,
    votable_start,
)
from galaxyclass.errors import OutputError
from galaxyclass.extras import require
from galaxyclass.io.atomic import temporary_file, temporary_name, write_text, writing
from galaxyclass.io.csv_text import write_rows
from galaxyclass.io.formulas import require_csv
from galaxyclass.io.output import is_unfinished, require_free, with_ending
from galaxyclass.model.csv_writer import CsvWriter
from galaxyclass.model.provenance import (
    provenance_file,
    provenance_json,
    provenance_words,
    require_provenance_file,
)
from galaxyclass.model.table_formats import (
    EcsvWriter,
    FitsWriter,
    VotableWriter,
    flat,
    require_ascii,
    text_columns,
)

#: Bytes of the name of a file on any system.
_LONGEST_NAME = 255
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


class ParquetWriter:
    """Parquet: ids as given, predictions float32, empty cells null."""

    def write_chunk(self, path: Path, table: pa.Table) -> None:
        pq.write_table(table, path, write_page_checksum=True)

    def join(self, path: Path, chunks: Iterable[Path], empty: pa.Table) -> None:
        empty = with_votable_header(empty)
        group = ROW_GROUP_ROWS * _ROW_COLUMNS // max(_ROW_COLUMNS, empty.num_columns)
        with pq.ParquetWriter(path, empty.schema, write_page_checksum=True) as writer:
            waiting = empty
            for chunk in chunks:
                waiting = pa.concat_tables(
                    [waiting, pq.ParquetFile(chunk, page_checksum_verification=True).read()]
                )
                if (rows := waiting.num_rows // group * group) > 0:
                    # One piece of memory: where chunks begin would show in the file's bytes.
                    writer.write_table(waiting.slice(0, rows).combine_chunks(), group)
                    waiting = waiting.slice(rows)
            writer.write_table(waiting.combine_chunks(), group)


def with_votable_header(table: pa.Table) -> pa.Table:
    """A table with the header of a VOTable in its metadata (VOParquet): units, UCDs, words."""
    header = votable_start(flat(table).schema, provenance_words(table.schema)) + VOTABLE_END
    metadata = {**(table.schema.metadata or {}), VOPARQUET_VERSION: b"1.0"}
    return table.replace_schema_metadata({**metadata, VOPARQUET_CONTENT: header.encode()})


#: Suffix of the output -> its writer.
WRITERS: dict[str, TableWriter] = {
    ".csv": CsvWriter(),
    ".parquet": ParquetWriter(),
    ".fits": FitsWriter(),
    ".vot": VotableWriter(),
    ".ecsv": EcsvWriter(),
}


def writer_of(output: Path, *, quote_formulas: bool = False) -> TableWriter:
    """The writer for the suffix of a file.

    Parameters
    ----------
    output : Path
    quote_formulas : bool
        Of CSV: put an apostrophe before text that a spreadsheet would run.

    Raises
    ------
    OutputError
        The suffix is none of `WRITERS`.
    """
    writer = WRITERS.get(output.suffix.lower())
    if writer is None:
        named = with_ending(output, ".csv", "predictions")
        raise OutputError(
            f"{output}: not a kind of table that is written",
            wanted=f"a name that ends in {' or '.join(WRITERS)}",
            got=f"the ending {output.suffix!r}" if output.suffix else "no ending",
            hint=f"pass `output={str(named)!r}`",
        )
    return CsvWriter(quote_formulas=True) if quote_formulas else writer


def require_output(output: Path, *, overwrite: bool, quote_formulas: bool = False) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Raises
    ------
    OutputError
        An unknown suffix, or it exists and is not to be replaced, or it is a folder.
    ArgumentError
        Formulas are to be quoted, and it is not a CSV.
    MissingExtraError
        The library that writes its format is not installed.
    """
    if quote_formulas:
        require_csv(output)
    writer = writer_of(output)
    # Of all files beside it the one with the longest name must fit.
    if len(os.fsencode(temporary_name(provenance_file(output)).name)) > _LONGEST_NAME:
        raise OutputError(f"{output}: the name is too long", hint="choose a shorter one")
    if isinstance(writer, FitsWriter):
        require("astropy.io.fits")
    require_provenance_file(output)
    # For a stopped job, its key shows later whether the output is its own.
    require_free(output, overwrite=overwrite or is_unfinished(output))


def write_table(path: Path, table: pa.Table, *, quote_formulas: bool = False) -> None:
    """Write a table that is in memory; of a CSV, with the file of its provenance.

    Raises
    ------
    OutputError
        An unknown suffix; text that a FITS table cannot hold; no room, no permission.
    """
    writer = writer_of(path, quote_formulas=quote_formulas)
    if isinstance(writer, FitsWriter):
        require_ascii(text_columns(table), path)
    if path.suffix.lower() == ".csv":
        write_text(provenance_file(path), provenance_json(table.schema))
    # Beside it, where the next writer of this file clears what a kill leaves.
    with writing(path) as temporary, temporary_file(path.with_name(f"{path.name}.chunk")) as chunk:
        writer.write_chunk(chunk, table)
        writer.join(temporary, [chunk], table.slice(0, 0))


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


def write_failures(
    path: Path, failures: Iterable[tuple[str, str]], *, quote_formulas: bool = False
) -> None:
    """Write the list of images that could not be decoded: path and error."""
    with path.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, chain([_FAILURES], failures), quote_formulas=quote_formulas)
