"""Tables in memory: pandas, polars, astropy and pyarrow, and plain mappings, as one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
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
        Masked values of astropy, NaN in a column of objects, and None become null. A mapping goes
        from names to columns of one length: lists, arrays, or series of pandas or polars.

    Returns
    -------
    pyarrow.Table
        Categories and byte strings as text, columns of vectors as lists, others as they are typed;
        of astropy's coordinates nothing is read. Names are stripped of surrounding spaces.

    Raises
    ------
    CatalogError
        Not a table; columns of several lengths or of the same name; a column that mixes types.

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
            table = pa.table({name: _column(name, value[name]) for name in value.colnames})
        elif _is_pandas(value):
            table = pa.Table.from_pandas(value, preserve_index=False).replace_schema_metadata()
        elif hasattr(value, "__arrow_c_stream__"):
            table = pa.table(value)
        elif isinstance(value, Mapping):
            names = [str(name) for name in value]
            table = pa.table(list(map(_column, names, value.values())), names=names)
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
    names = [name.strip() for name in table.column_names]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise CatalogError(
            f"{IN_MEMORY}: several columns have the same name",
            got=", ".join(map(repr, repeated)),
            hint="rename or remove all but one of each",
        )
    return pa.table([_plain(column) for column in table.columns], names=names)


def open_in_memory(value: Any) -> TableFile:
    """A table in memory as if it had been read from a file; its rows are numbered from 1.

    Raises
    ------
    CatalogError
        As `as_arrow`; and where it has no rows.
    """
    table = as_arrow(value)
    if not table.num_rows:
        raise CatalogError(f"{IN_MEMORY}: the table has no rows", wanted="a row per galaxy")
    return TableFile(IN_MEMORY, table, np.arange(1, table.num_rows + 1, dtype=np.int64), ())


def _plain(column: Any) -> Any:
    """Categories, views and bytes as plain text: most of pyarrow's functions know no others."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        if str(kind.value_type) == "string_view":  # as polars has its categories
            column = column.cast(pa.dictionary(kind.index_type, pa.string()))
        return _plain(column.cast(column.type.value_type))
    if str(kind) in ("string_view", "large_string"):
        return column.cast(pa.string())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        with suppress(pa.ArrowInvalid):  # what is no text stays what it is
            return column.cast(pa.string())
    return column


def _column(name: str, values: Any) -> Any:
    """A column of astropy, numpy or plain Python values; what is masked becomes null."""
    try:
        return _converted(values)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise ValueError(f"{name!r}: {error}") from error


def _converted(values: Any) -> Any:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if hasattr(values, "__arrow_c_stream__"):  # a series, whose integers beside nulls stay exact
        return pa.chunked_array(values)
    if isinstance(values, list | tuple) or hasattr(values, "__arrow_array__"):
        return pa.array(values, from_pandas=True)
    if hasattr(values, "datetime64"):  # astropy's times
        values = values.datetime64
    elif hasattr(values, "info") and not hasattr(values, "dtype"):  # its coordinates, and the like
        return pa.nulls(len(values))
    mask = np.ma.getmaskarray(np.ma.asanyarray(values)) if hasattr(values, "mask") else None
    array = np.asarray(getattr(values, "unmasked", values))
    if array.ndim == 0:
        raise ValueError("a single value, where one for each row is wanted")
    if array.ndim > 1:
        return pa.array(list(array.reshape(len(array), -1)))
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    if array.dtype.kind == "U":
        return pa.array(array.tolist(), pa.string(), mask=mask)
    if array.dtype.kind == "O":
        return pa.array(array.tolist(), from_pandas=True, mask=mask)
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
