"""Writing tables of predictions as FITS, VOTable and ECSV, chunk by chunk, in constant memory.

Units, UCDs and descriptions of columns are those of the fields' metadata; by what the predictions
were made stands in the header.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from galaxyclass.data.tables.votable_header import VOTABLE_END, votable_start
from galaxyclass.errors import OutputError
from galaxyclass.extras import require
from galaxyclass.model.csv_writer import CsvWriter
from galaxyclass.model.provenance import provenance_words

#: The integer that stands for an empty cell in FITS.
_NULL = np.iinfo(np.int64).min
#: FITS files consist of blocks of so many bytes.
_BLOCK = 2880
#: Keywords of FITS for the provenance.
KEYWORDS = {
    "software": "CREATOR",
    "model": "MODEL",
    "digest": "DIGEST",
    "sources": "SOURCES",
    "views": "VIEWS",
    "precision": "PRECISN",
    "images": "IMAGES",
    "date": "DATE",
    "tiles": "TILES",
}


def flat(table: pa.Table) -> pa.Table:
    """A table of booleans, 64-bit integers, floats and text alone; other cells become text."""
    columns = [_flat(column) for column in table.columns]
    fields = [
        pa.field(field.name, column.type, metadata=field.metadata)
        for field, column in zip(table.schema, columns, strict=True)
    ]
    return pa.table(columns, schema=pa.schema(fields, table.schema.metadata))


def _flat(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _flat(column.cast(kind.value_type))
    if pa.types.is_boolean(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return column
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        return column.cast(pa.int64())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        cells = [None if cell is None else json.dumps(cell, default=str) for cell in
                 column.to_pylist()]  # fmt: skip
        return pa.chunked_array([pa.array(cells, pa.string())])


class FlatWriter:
    """Keeps chunks as parquet; the formats differ in how these are joined."""

    def write_chunk(self, path: Path, table: pa.Table) -> None:
        pq.write_table(flat(table), path, write_page_checksum=True)

    @staticmethod
    def read(chunks: Iterable[Path]) -> Iterator[pa.Table]:
        """The tables of chunks."""
        return (pq.ParquetFile(chunk, page_checksum_verification=True).read() for chunk in chunks)


class FitsWriter(FlatWriter):
    """A binary table: long integers, floats, logicals, and text in ASCII."""

    def join(self, path: Path, chunks: Iterable[Path], empty: pa.Table) -> None:
        fits = require("astropy.io.fits")
        listed, schema = list(chunks), flat(empty).schema
        rows, widths = 0, dict.fromkeys(schema.names, 1)
        for table in self.read(listed):
            rows += table.num_rows
            for name in schema.names:
                if pa.types.is_string(schema.field(name).type):
                    longest = max((len(c or "") for c in table[name].to_pylist()), default=1)
                    widths[name] = max(widths[name], longest)
        dtype = np.dtype([(f"f{n}", _fits_type(schema.field(n).type, widths[schema.names[n]]))
                          for n in range(len(schema.names))])  # fmt: skip
        header = fits.Header(_cards(schema, dtype, rows))
        with path.open("wb") as file:
            file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
            file.write(header.tostring().encode("ascii"))
            start = file.tell()
            for table in self.read(listed):
                file.write(_records(table, dtype).tobytes())
            file.write(b"\0" * (-(file.tell() - start) % _BLOCK))


def _fits_type(kind: pa.DataType, width: int) -> str:
    if pa.types.is_boolean(kind):
        return "u1"
    if pa.types.is_integer(kind):
        return ">i8"
    if pa.types.is_string(kind):
        return f"S{width}"
    return ">f4" if pa.types.is_float32(kind) else ">f8"


def _cards(schema: pa.Schema, dtype: np.dtype[Any], rows: int) -> Iterator[tuple[str, Any]]:
    yield from (("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2))
    yield from (("NAXIS1", dtype.itemsize), ("NAXIS2", rows), ("PCOUNT", 0), ("GCOUNT", 1))
    yield from (("TFIELDS", len(schema)), ("EXTNAME", "PREDICTIONS"))
    for keyword, text in provenance_words(schema).items():
        yield KEYWORDS[keyword], int(text) if keyword == "views" else text
    for number, field in enumerate(schema, start=1):
        kind = dtype[number - 1]
        letter = {"u1": "L", ">i8": "K", ">f4": "E", ">f8": "D"}.get(kind.str.lstrip("|"))
        yield f"TTYPE{number}", field.name
        yield f"TFORM{number}", letter or f"{kind.itemsize}A"
        if letter == "K":
            yield f"TNULL{number}", _NULL
        words = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
        for key, keyword in (("unit", "TUNIT"), ("ucd", "TUCD"), ("description", "TCOMM")):
            if key in words:
                yield f"{keyword}{number}", words[key].encode("ascii", "replace").decode()


def _records(table: pa.Table, dtype: np.dtype[Any]) -> NDArray[Any]:
    records = np.zeros(table.num_rows, dtype)
    for number, (field, column) in enumerate(zip(table.schema, table.columns, strict=True)):
        name = f"f{number}"
        if pa.types.is_boolean(field.type):
            cells = column.to_pylist()
            codes = [0 if cell is None else ord("T") if cell else ord("F") for cell in cells]
            records[name] = codes
        elif pa.types.is_integer(field.type):
            records[name] = column.fill_null(int(_NULL)).to_numpy()
        elif pa.types.is_string(field.type):
            records[name] = [(cell or "").encode("ascii") for cell in column.to_pylist()]
        else:
            records[name] = column.to_numpy()  # NaN where empty
    return records


def require_ascii(columns: Iterable[tuple[str, Iterable[str | None]]], output: Path) -> None:
    """Refuse text that FITS cannot hold, before any work is done.

    Raises
    ------
    OutputError
    """
    for name, cells in columns:
        wrong = next((cell for cell in cells if cell is not None and not cell.isascii()), None)
        if wrong is not None:
            raise OutputError(
                f"{output}: FITS holds text in ASCII alone",
                got=f"{wrong!r} in column {name!r}",
                hint=f"pass `output={str(output.with_suffix('.vot'))!r}`, or parquet or ECSV; or "
                "choose columns without it: `carry`",
            )


def text_columns(table: pa.Table) -> Iterator[tuple[str, Iterable[str | None]]]:
    """The columns of text of a table, and their cells."""
    for name in table.column_names:
        if pa.types.is_string(table.schema.field(name).type):
            yield name, table[name].to_pylist()


class VotableWriter(FlatWriter):
    """A VOTable with its rows as text (TABLEDATA)."""

    def join(self, path: Path, chunks: Iterable[Path], empty: pa.Table) -> None:
        schema = flat(empty).schema
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.write(votable_start(schema, provenance_words(schema)))
            file.write("<DATA>\n<TABLEDATA>\n")
            for table in self.read(chunks):
                cells = [list(map(_votable_cell, column.to_pylist())) for column in table.columns]
                file.writelines(
                    f"<TR>{''.join(f'<TD>{cell}</TD>' for cell in row)}</TR>\n"
                    for row in zip(*_shortest(table, cells), strict=True)
                )
            file.write("</TABLEDATA>\n</DATA>\n")
            file.write(VOTABLE_END)


def _votable_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))


def _shortest(table: pa.Table, cells: list[list[str]]) -> list[list[str]]:
    """Cells with 32-bit floats written in as few digits as they need."""
    for number, field in enumerate(table.schema):
        if pa.types.is_float32(field.type):
            values = table.column(number).to_numpy()
            cells[number] = ["NaN" if np.isnan(value) else str(value) for value in values]
    return cells


class EcsvWriter(FlatWriter):
    """ECSV: a CSV with its columns' types, units and descriptions above it."""

    def join(self, path: Path, chunks: Iterable[Path], empty: pa.Table) -> None:
        schema, rows = flat(empty).schema, CsvWriter()
        scratch = path.with_name(f".{path.name}.rows.tmp")
        try:
            with path.open("wb") as file:
                file.write(_ecsv_header(schema).encode())
                rows.write_header(file, schema.names)
                for table in self.read(chunks):
                    rows.write_chunk(scratch, table)
                    file.write(scratch.read_bytes())
        finally:
            scratch.unlink(missing_ok=True)


def _ecsv_header(schema: pa.Schema) -> str:
    lines = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:"]
    for field in schema:
        words = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
        entry: dict[str, Any] = {"name": field.name, "datatype": _ecsv_type(field.type)}
        entry |= {key: words[key] for key in ("unit", "description") if key in words}
        if "ucd" in words:
            entry["meta"] = {"ucd": words["ucd"]}
        lines.append(f"- {json.dumps(entry, ensure_ascii=False)}")
    lines.append(f"meta: {json.dumps(provenance_words(schema), ensure_ascii=False)}")
    lines.append("schema: astropy-2.0")
    return "".join(f"# {line}\n" for line in lines)


def _ecsv_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_integer(kind):
        return "int64"
    if pa.types.is_string(kind):
        return "string"
    return "float32" if pa.types.is_float32(kind) else "float64"
