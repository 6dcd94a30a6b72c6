"""Reading CSV and parquet tables: the cells of a CSV are text exactly as written.

An 18-digit id never becomes a float here, and ``007`` stays ``007``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from galaxyclass.data.tables.delimited import (
    EXCEL_HINT,
    Piecewise,
    TableFile,
    all_of_it,
    read_csv,
    with_names,
)
from galaxyclass.errors import CatalogError

#: Ending of a table's name -> what it is read as.
TABLE_SUFFIXES: dict[str, str] = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".parquet": "parquet",
}

_WANTED = f"a table that ends in {', '.join(TABLE_SUFFIXES)}"


def read_table(path: str | Path, argument: str = "table") -> pa.Table:
    r"""Read a CSV or parquet table, the cells of a CSV as text exactly as written.

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
        No such file, a folder, an ending that is not known, a file that is not what its ending
        says, no header, no rows, a column twice, text that is not UTF-8.
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
    kind = next(
        (kind for ending, kind in TABLE_SUFFIXES.items() if path.name.lower().endswith(ending)),
        None,
    )
    if kind is None:
        excel = path.suffix.lower() in (".xls", ".xlsx", ".xlsm", ".ods")
        raise CatalogError(
            f"{path}: not a supported kind of table",
            argument=argument,
            wanted=_WANTED,
            got=f"the ending {path.suffix!r}" if path.suffix else "no ending",
            hint=EXCEL_HINT if excel else "save it as CSV or parquet",
        )
    try:
        file = read_csv(path, piecewise) if kind == "csv" else _read_parquet(path, piecewise)
    except (OSError, EOFError) as error:
        raise CatalogError(f"{path}: the table cannot be read", got=str(error)) from error
    if file.table.num_rows == 0:
        require_even_rows(file)
        raise CatalogError(f"{path}: the table has a header but no rows", wanted="a row per galaxy")
    return file


def require_even_rows(file: TableFile) -> None:
    """Refuse a table with lines of more or fewer cells than the header.

    Raises
    ------
    CatalogError
    """
    if file.ragged:
        raise CatalogError(
            f"{file.path}: {len(file.ragged)} lines have more or fewer cells than the header",
            wanted=f"{file.table.num_columns} cells",
            got="\n".join(f"line {row.line}: {row.cells} cells" for row in file.ragged[:5]),
            hint="mend these lines (look for a comma in a cell that is not quoted)",
        )


def _read_parquet(path: Path, piecewise: Piecewise) -> TableFile:
    try:
        table = pa.parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(
            f"{path}: not a parquet file, or a damaged one",
            got=str(error).splitlines()[0],
            hint="write the table again, or rename it to .csv if it is text",
        ) from error
    table = piecewise(_without_views(with_names(path, table, table.column_names)))
    lines = np.arange(1, table.num_rows + 1, dtype=np.int64)
    return TableFile(path, table, lines, ())


def _without_views(table: pa.Table) -> pa.Table:
    """Columns of `string_view` as plain strings: most of pyarrow's functions do not know views."""
    plain = [
        pa.field(field.name, pa.string()) if str(field.type) == "string_view" else field
        for field in table.schema
    ]
    return table.cast(pa.schema(plain))
