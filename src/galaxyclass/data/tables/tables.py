"""Reading tables of any format: the cells of a text table are text exactly as written.

An 18-digit id never becomes a float here, and ``007`` stays ``007``.
"""

from __future__ import annotations

import io
import zlib
from lzma import LZMAError
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from galaxyclass.data.tables.astronomical import read_astronomical
from galaxyclass.data.tables.content import (
    TABLE_ENDINGS,
    TableKind,
    kind_of_content,
    open_content,
    require_regular,
)
from galaxyclass.data.tables.delimited import (
    Piecewise,
    TableFile,
    all_of_it,
    read_csv,
    with_names,
)
from galaxyclass.data.tables.in_memory import plain_columns
from galaxyclass.data.tables.pictures import without_pictures
from galaxyclass.data.tables.votable_header import with_voparquet
from galaxyclass.data.unused import Unused
from galaxyclass.errors import CatalogError
from galaxyclass.images.parquet_pictures import picture_column
from galaxyclass.short import counted, first_line

_WANTED = f"a table such as {', '.join(TABLE_ENDINGS)}, also compressed"


def read_table(path: str | Path, argument: str = "table") -> pa.Table:
    r"""Read a table of any format, the cells of a CSV as text exactly as written.

    Parameters
    ----------
    path : str or Path
    argument : str
        The argument of the public function that names the table, for messages.

    Returns
    -------
    pyarrow.Table
        Empty cells of a CSV are null.

    Raises
    ------
    CatalogError
        As `open_table`; and when lines have more or fewer cells than the header.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "votes.csv"
    >>> _ = path.write_text("id,smooth\n587722981748965649,0.10\n007,\n")
    >>> read_table(path).to_pydict()
    {'id': ['587722981748965649', '007'], 'smooth': ['0.10', None]}
    """
    file = open_table(path, argument=argument)
    require_even_rows(file)
    return file.table


def require_table(path: Path, argument: str = "table") -> None:
    """Refuse a missing table; ``argument`` of the public function names it.

    Raises
    ------
    CatalogError
    """
    if not path.exists():
        raise CatalogError(
            f"{path}: no such table",
            argument=argument,
            wanted=_WANTED,
            hint=f"check the path of `{argument}`",
        )


def open_table(
    path: str | Path, piecewise: Piecewise = all_of_it, *, argument: str = "table"
) -> TableFile:
    """Read a table together with the line of each row and the lines that could not be read.

    Parameters
    ----------
    path : str or Path
    piecewise : callable
        Called with the rows piece by piece, in order; returns the piece that is kept.
    argument : str
        The argument of the public function that names the table, for messages.

    Raises
    ------
    CatalogError
        No such file, a folder, a pipe or a device, a file that is no table, no header, no rows, a
        column twice.
    MissingExtraError
        The library that reads its format is not installed.
    """
    path = Path(path)
    if path.is_dir():
        raise CatalogError(
            f"{path}: a folder was given as the table",
            argument=argument,
            wanted=_WANTED,
            hint=f"give the table's file as `{argument}`"
            + (", the folder of images as `images`" if argument == "table" else ""),
        )
    require_table(path, argument)
    try:
        return _read(path, piecewise)
    except CatalogError as error:
        error.argument = error.argument or argument
        raise


def _read(path: Path, piecewise: Piecewise) -> TableFile:
    try:
        require_regular(path)
        kind = kind_of_content(path)
        file = read_csv(path, piecewise) if kind == "text" else _read_typed(path, kind, piecewise)
    except (OSError, EOFError, LZMAError, zlib.error, UnicodeError) as error:
        raise CatalogError(f"{path}: the table cannot be read", got=first_line(error)) from error
    except MemoryError as error:  # Arrow's is one, too
        raise CatalogError(
            f"{path}: the table needs more memory than there is",
            got=first_line(error),
            hint="keep the columns and rows that are needed",
        ) from error
    if file.table.num_rows == 0:
        require_even_rows(file)
        why = "; ".join(f"{each.names}: {each.why}" for each in file.unused)
        raise CatalogError(
            f"{path}: the table has a header but no rows",
            wanted="a row per galaxy",
            got=why or None,
        )
    return file


def require_even_rows(file: TableFile) -> None:
    """Refuse a table with lines of more or fewer cells than the header.

    Raises
    ------
    CatalogError
    """
    if file.ragged:
        raise CatalogError(
            f"{file.path}: {counted(len(file.ragged), 'line has', 'lines have')} more or fewer "
            "cells than the header",
            wanted=counted(file.table.num_columns, "cell"),
            got="\n".join(
                f"line {row.line}: {counted(row.cells, 'cell')}" for row in file.ragged[:5]
            ),
            hint="mend these lines (look for a comma in a cell that is not quoted)",
        )


def _read_typed(path: Path, kind: TableKind, piecewise: Piecewise) -> TableFile:
    unused: tuple[Unused, ...] = ()
    if kind == "parquet":
        table = _read_parquet(path)
    elif kind == "arrow":
        table = _read_arrow(path)
    elif kind == "labels":
        from galaxyclass.data.labels.table import read_label_table

        table, unused = read_label_table(path)
    elif kind == "hdf5":
        from galaxyclass.data.tables.hdf5 import read_hdf5

        table, unused = read_hdf5(path)
    elif kind == "excel":
        from galaxyclass.data.tables.workbook import read_workbook

        table, unused = read_workbook(path)
    else:
        table, unused = read_astronomical(path, kind)
    table = piecewise(plain_columns(with_names(path, table, table.column_names)))
    lines = np.arange(1, table.num_rows + 1, dtype=np.int64)
    return TableFile(path, table, lines, (), unused=unused)


def _read_parquet(path: Path) -> pa.Table:
    try:
        return without_pictures(path, with_voparquet(_parquet_table(path)))
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CatalogError(
            f"{path}: not a parquet file, or a damaged one",
            got=first_line(error),
            hint="write the table again",
        ) from error


def _parquet_table(path: Path) -> pa.Table:
    """The columns of a parquet file, without those that hold pictures."""
    with open_content(path) as stream:
        file = pa.parquet.ParquetFile(
            stream if stream.seekable() else io.BytesIO(stream.read()),
            page_checksum_verification=True,
        )
        pictures = picture_column(path)
        names = [name for name in file.schema_arrow.names if name != pictures]
        return _valid(file.read(names))


def _valid(table: pa.Table) -> pa.Table:
    """A table whose offsets and text are checked.

    Arrow trusts what it reads: a damaged file may name places outside its memory, which the next
    computation would read and write, or text that is not UTF-8.

    Raises
    ------
    pyarrow.ArrowInvalid
    """
    table.validate(full=True)
    return table


def _read_arrow(path: Path) -> pa.Table:
    from pyarrow import feather

    try:
        with open_content(path) as stream:
            return _valid(feather.read_table(pa.BufferReader(stream.read())))
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CatalogError(
            f"{path}: not an Arrow file, or a damaged one",
            got=first_line(error),
            hint="write the table again",
        ) from error
