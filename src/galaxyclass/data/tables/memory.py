"""Tables that are in memory already: pandas, astropy, pyarrow and polars, as arrow tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from galaxyclass.errors import ArgumentError

#: What a message says of the tables that are taken.
KINDS = "a pandas DataFrame, an astropy Table, a pyarrow Table or a polars DataFrame"

#: Where a column's unit is kept among its field's metadata.
UNIT = b"unit"


def is_image_table(value: object) -> bool:
    """Whether it is a table in memory; nothing is imported to tell.

    Examples
    --------
    >>> is_image_table(pa.table({"id": [1]})), is_image_table([1]), is_image_table(np.zeros(3))
    (True, False, False)
    """
    if isinstance(value, pa.Table | pa.RecordBatch):
        return True
    room, kind = _library(value), type(value).__name__
    return (
        (room == "pandas" and kind == "DataFrame")
        or (room == "astropy" and hasattr(value, "colnames"))
        or (room == "polars" and kind == "DataFrame")
    )


def as_table(value: Any) -> pa.Table:
    """A table in memory as an arrow table.

    Parameters
    ----------
    value : pandas DataFrame, astropy Table, pyarrow Table or polars DataFrame
        The index of a DataFrame becomes a column where it has a name, and is left out otherwise.

    Returns
    -------
    pyarrow.Table
        Integers stay integers. A unit of astropy's is kept among its field's metadata (`UNIT`); a
        column of several dimensions becomes one of lists.

    Raises
    ------
    ArgumentError
        Two columns of one name, or a column that arrow has no type for.
    """
    try:
        table = _as_table(value)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise ArgumentError(
            "a column of the table cannot be read", got=str(error).splitlines()[0]
        ) from error
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise ArgumentError(
            f"the table has several columns called {twice[0]!r}",
            wanted="a name for each column",
            hint="rename them",
        )
    return _plain_text(table)


def _as_table(value: Any) -> pa.Table:
    if isinstance(value, pa.Table):
        return value
    if isinstance(value, pa.RecordBatch):
        return pa.Table.from_batches([value])
    library = _library(value)
    if library == "pandas":
        named = any(name is not None for name in value.index.names)
        frame = value.reset_index() if named else value
        frame = frame.set_axis(map(str, frame.columns), axis=1)
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    if library == "polars":
        return value.to_arrow()
    names = list(value.colnames)
    arrays = [_from_astropy(value[name]) for name in names]
    fields = [
        pa.field(name, array.type, metadata=_unit(value[name]))
        for name, array in zip(names, arrays, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _from_astropy(column: Any) -> pa.Array:
    """An arrow array of a column: plain, masked, with a unit, or of objects such as times."""
    if hasattr(column, "value") and not isinstance(column, np.ndarray):
        column = column.value  # of a Time its numbers or texts
    masked = isinstance(column, np.ma.MaskedArray)
    mask = np.asarray(np.ma.getmaskarray(column)) if masked else None
    values = np.asarray(column if mask is None else column.filled())
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    if values.dtype.kind in "iufc" and not values.dtype.isnative:  # as FITS has them
        values = values.astype(values.dtype.newbyteorder("="))
    if values.ndim > 1 or values.dtype.kind in "OU":
        cells = values.tolist()
        if mask is not None:
            whole: Any = mask.reshape(len(mask), -1).all(axis=1)
            cells = [None if no else cell for cell, no in zip(cells, whole, strict=True)]
        return pa.array(cells)
    return pa.array(values, mask=mask)


def _unit(column: Any) -> dict[bytes, bytes] | None:
    unit = getattr(column, "unit", None)
    return {UNIT: str(unit).encode()} if unit else None


def _plain_text(table: pa.Table) -> pa.Table:
    """Every kind of text column as plain strings: most of pyarrow's functions know those alone."""
    fields = []
    for field in table.schema:
        kind = str(field.type)
        text = kind in ("string_view", "large_string") or kind.startswith("dictionary<values=")
        if text and (not kind.startswith("dictionary") or "string" in kind):
            fields.append(pa.field(field.name, pa.string(), metadata=field.metadata))
        else:
            fields.append(field)
    return table.cast(pa.schema(fields))


def _library(value: object) -> str:
    """The name of the library that a value's class comes from, subclasses of it included."""
    known = ("pandas", "astropy", "polars")
    names = (kind.__module__.split(".")[0] for kind in type(value).__mro__)
    return next((name for name in names if name in known), "")


def to_pandas(table: pa.Table) -> Any:
    """A pandas DataFrame of an arrow table.

    Raises
    ------
    MissingExtraError
        pandas is not installed.
    """
    from galaxyclass.extras import require

    require("pandas")
    return table.to_pandas()


def to_astropy(table: pa.Table) -> Any:
    """An astropy Table of an arrow table: empty cells are masked, units are kept.

    Raises
    ------
    MissingExtraError
        astropy is not installed.
    """
    from galaxyclass.extras import require

    astropy = require("astropy.table")
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        unit = (field.metadata or {}).get(UNIT)
        empty = np.asarray(column.is_null())
        if pa.types.is_floating(field.type):
            values = column.to_numpy()  # NaN where empty
            empty = np.zeros(len(empty), bool)
        elif pa.types.is_integer(field.type) or pa.types.is_boolean(field.type):
            values = np.asarray(column.fill_null(0)).astype(field.type.to_pandas_dtype())
        elif pa.types.is_string(field.type):
            values = np.array(column.fill_null("").to_pylist(), dtype=str)
        else:
            values = np.empty(len(column), object)
            values[:] = column.to_pylist()
        kind = astropy.MaskedColumn if empty.any() else astropy.Column
        more = {"mask": empty} if empty.any() else {}
        columns.append(kind(values, name=field.name, unit=unit.decode() if unit else None, **more))
    return astropy.Table(columns)
