"""Tables in memory: pandas, polars, astropy and pyarrow, and plain mappings, as one kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from galaxyclass.data.tables.delimited import TableFile
from galaxyclass.errors import CatalogError

#: What messages call a table that has no file.
IN_MEMORY = Path("<table in memory>")


def is_table(value: object) -> bool:
    """Whether a value is a table in memory (see `as_arrow`), and not a path.

    Examples
    --------
    >>> is_table({"id": [1, 2]}), is_table("votes.csv"), is_table(pa.table({"id": [1]}))
    (True, False, True)
    """
    return (
        isinstance(value, Mapping | pa.Table | pa.RecordBatch)
        or hasattr(value, "__arrow_c_stream__")
        or _is_pandas(value)
        or _is_astropy(value)
    )


def as_arrow(value: Any) -> pa.Table:
    """A table in memory as pyarrow has it.

    Parameters
    ----------
    value : pandas.DataFrame, polars.DataFrame, astropy.table.Table, pyarrow.Table or mapping
        A row per galaxy. Of a pandas index nothing is read: ``reset_index()`` makes columns of it.
        Masked values of astropy, NaN in a column of objects, and None become null; astropy's byte
        strings become text. A mapping goes from names to columns of one length.

    Returns
    -------
    pyarrow.Table
        Categories as text; other columns as they are typed.

    Raises
    ------
    CatalogError
        Not a table; a column that has more than one dimension, or mixes types.

    Examples
    --------
    >>> as_arrow({"id": ["a", "b"], "smooth": [0.25, None]}).to_pydict()
    {'id': ['a', 'b'], 'smooth': [0.25, None]}
    """
    try:
        if isinstance(value, pa.RecordBatch):
            table = pa.Table.from_batches([value])
        elif isinstance(value, pa.Table):
            table = value
        elif _is_astropy(value):
            table = pa.table({name: _column(value[name]) for name in value.colnames})
        elif _is_pandas(value):
            table = pa.Table.from_pandas(value, preserve_index=False).replace_schema_metadata()
        elif hasattr(value, "__arrow_c_stream__"):
            table = pa.table(value)
        elif isinstance(value, Mapping):
            table = pa.table({str(name): _column(column) for name, column in value.items()})
        else:
            raise CatalogError(
                "not a table",
                wanted="a path, or a pandas, polars, astropy or pyarrow table",
                got=type(value).__name__,
            )
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise CatalogError(
            f"{IN_MEMORY}: a column cannot be read", got=str(error).splitlines()[0][:300]
        ) from error
    return pa.table([_plain(column) for column in table.columns], names=table.column_names)


def open_in_memory(value: Any) -> TableFile:
    """A table in memory as if it had been read from a file; its rows are numbered from 1.

    Raises
    ------
    CatalogError
        As `as_arrow`; and where it has no rows, or two columns of one name.
    """
    table = as_arrow(value)
    repeated = {name for name in table.column_names if table.column_names.count(name) > 1}
    if repeated:
        raise CatalogError(
            f"{IN_MEMORY}: columns of the same name", got=", ".join(sorted(repeated))
        )
    if not table.num_rows:
        raise CatalogError(f"{IN_MEMORY}: it has no rows", wanted="a row per galaxy")
    return TableFile(IN_MEMORY, table, np.arange(1, table.num_rows + 1, dtype=np.int64), ())


def _plain(column: Any) -> Any:
    """Categories and views as plain text: most of pyarrow's functions know no others."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if str(column.type) in ("string_view", "large_string"):
        column = column.cast(pa.string())
    return column


def _column(values: Any) -> Any:
    """A column of astropy, numpy or plain Python values; what is masked becomes null."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    mask = np.ma.getmaskarray(np.ma.asanyarray(values)) if hasattr(values, "mask") else None
    array = np.asarray(values)
    if array.ndim > 1:
        raise ValueError(f"a column of shape {array.shape}, where one value a row is wanted")
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    if array.dtype.kind in "US":
        return pa.array(array.tolist(), pa.string(), mask=mask)
    if array.dtype.kind == "O":
        return pa.array(array.tolist(), from_pandas=True)
    if not array.dtype.isnative:  # FITS is big-endian
        array = array.astype(array.dtype.newbyteorder("="))
    return pa.array(array, mask=mask)


def _is_pandas(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "columns")


def _is_astropy(value: object) -> bool:
    return any(
        kind.__module__.partition(".")[0] == "astropy" and kind.__name__ == "Table"
        for kind in type(value).__mro__
    )
