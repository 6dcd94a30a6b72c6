"""Tables in memory: pandas, polars, astropy, pyarrow and mappings, all converted to pyarrow."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from galaxyclass.data.tables.delimited import TableFile
from galaxyclass.errors import ArgumentTypeError, CatalogError
from galaxyclass.extras import require
from galaxyclass.short import first_line, short_value


def name_in_memory(argument: str) -> Path:
    """What messages call a table in memory that was given as this argument."""
    return Path(f"<{argument} in memory>")


#: The name of a table in memory in messages.
IN_MEMORY = name_in_memory("table")

#: The kinds of tables that are accepted, for messages.
KINDS = (
    "a pandas DataFrame, a polars DataFrame, an astropy Table, a pyarrow Table or a mapping of "
    "columns"
)

#: The key of a column's unit in its field's metadata.
UNIT = b"unit"
#: The keys of what astronomers say of a column: its unit, its Unified Content Descriptor, words.
COLUMN_METADATA = (UNIT, b"ucd", b"description")


def is_table(value: object) -> bool:
    """Whether a value is a table in memory (see `as_arrow`); imports no library.

    Examples
    --------
    >>> is_table({"id": [1, 2]}), is_table("votes.csv"), is_table(pa.table({"id": [1]}))
    (True, False, True)
    """
    return (
        isinstance(value, Mapping | pa.RecordBatch)
        or _is_pandas(value)
        or _is_astropy(value)
        or (
            hasattr(value, "__arrow_c_stream__")  # as single columns have it, too
            and (hasattr(value, "columns") or hasattr(value, "column_names"))
        )
    )


def as_arrow(value: Any, argument: str = "table") -> pa.Table:
    """A table in memory as a pyarrow table.

    Parameters
    ----------
    value : pandas.DataFrame, polars.DataFrame, astropy.table.Table, pyarrow.Table or mapping
        A row per galaxy. The index of pandas is read as a column where it has a name. Masked
        values of astropy, NaN in a column of objects, and None become null. A mapping goes from
        names to columns of one length: lists, arrays, or series of pandas or polars. Paths
        (`os.PathLike`) become text.
    argument : str
        The argument of the public function that the table was given as, for messages.

    Returns
    -------
    pyarrow.Table
        Categories and byte strings as text, columns of vectors as lists, others in their own type;
        astropy's coordinates become empty. Names are stripped of surrounding spaces. A unit of
        astropy is kept in its field's metadata, and so are its UCD and description
        (`COLUMN_METADATA`).

    Raises
    ------
    ArgumentTypeError
        Not a table.
    CatalogError
        Columns of several lengths or of the same name; a column that mixes types.

    Examples
    --------
    >>> as_arrow({"id": ["a", "b"], "smooth": [0.25, None]}).to_pydict()
    {'id': ['a', 'b'], 'smooth': [0.25, None]}
    """
    if not is_table(value):
        raise ArgumentTypeError(
            f"`{argument}`: not a table",
            argument=argument,
            wanted=f"a path, or {KINDS}",
            got=short_value(value),
        )
    source = name_in_memory(argument)
    if _is_pandas(value):
        _require_different(list(map(str, value.columns)), argument)
    try:
        table = _as_arrow(value)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise CatalogError(
            f"{source}: a column cannot be read",
            argument=argument,
            got="; ".join(str(part) for part in error.args) or first_line(error),
            hint="give that column one type (in pandas .astype(str) makes text), or leave it out",
        ) from error
    names = [name.strip() for name in table.column_names]
    _require_different(names, argument)
    return plain_columns(table.rename_columns(names))


def _require_different(names: Sequence[str], argument: str) -> None:
    """Refuse a table with two columns of one name.

    Raises
    ------
    CatalogError
    """
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise CatalogError(
            f"{name_in_memory(argument)}: several columns have the same name",
            argument=argument,
            got=", ".join(map(repr, repeated)),
            hint="rename or remove all but one of each",
        )


def plain_columns(table: pa.Table) -> pa.Table:
    """A table with categories, views and bytes as plain text, and `COLUMN_METADATA` alone."""
    columns = [_plain(column) for column in table.columns]
    fields = [
        pa.field(field.name, column.type, metadata=_known_metadata(field.metadata))
        for column, field in zip(columns, table.schema, strict=True)
    ]
    return pa.table(columns, schema=pa.schema(fields))


def open_in_memory(value: Any) -> TableFile:
    """A table in memory as if it had been read from a file; its rows are numbered from 1.

    Raises
    ------
    ArgumentTypeError, CatalogError
        As `as_arrow`; and where it has no rows.
    """
    table = as_arrow(value)
    if not table.num_rows:
        raise CatalogError(f"{IN_MEMORY}: the table has no rows", wanted="a row per galaxy")
    return TableFile(IN_MEMORY, table, np.arange(1, table.num_rows + 1, dtype=np.int64), ())


def to_pandas(table: pa.Table) -> Any:
    """A pandas DataFrame of a pyarrow table.

    Raises
    ------
    MissingExtraError
        pandas is not installed.
    """
    require("pandas")
    return table.to_pandas()


def to_astropy(table: pa.Table) -> Any:
    """An astropy Table of a pyarrow table: empty cells are masked, units are kept.

    Raises
    ------
    MissingExtraError
        astropy is not installed.
    """
    astropy = require("astropy.table")
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        words = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
        empty = np.asarray(column.is_null())
        if pa.types.is_floating(field.type):
            values = column.to_numpy()  # NaN where empty
            empty = np.zeros(len(empty), bool)
        elif pa.types.is_integer(field.type) or pa.types.is_boolean(field.type):
            filled = column.fill_null(False if pa.types.is_boolean(field.type) else 0)
            values = np.asarray(filled).astype(field.type.to_pandas_dtype())
        elif pa.types.is_string(field.type):
            values = np.array(column.fill_null("").to_pylist(), dtype=str)
        else:
            values = np.empty(len(column), object)
            values[:] = column.to_pylist()
        kind = astropy.MaskedColumn if empty.any() else astropy.Column
        column_words: dict[str, Any] = {
            "unit": words.get("unit"),
            "description": words.get("description"),
            "meta": {"ucd": words["ucd"]} if "ucd" in words else None,
        }
        if empty.any():
            column_words["mask"] = empty
        columns.append(kind(values, name=field.name, **column_words))
    metadata = {
        key.decode(): text.decode("utf-8", "replace")
        for key, text in (table.schema.metadata or {}).items()
    }
    return astropy.Table(columns, meta=metadata)


def _as_arrow(value: Any) -> pa.Table:
    if isinstance(value, pa.RecordBatch):
        return pa.Table.from_batches([value])
    if isinstance(value, pa.Table):
        return value
    if _is_astropy(value):
        arrays = [_column(name, value[name]) for name in value.colnames]
        fields = [
            pa.field(name, array.type, metadata=_metadata(value[name]))
            for name, array in zip(value.colnames, arrays, strict=True)
        ]
        return pa.table(arrays, schema=pa.schema(fields))
    if _is_pandas(value):
        named = [name for name in value.index.names if name is not None]
        if named and not set(named) & set(value.columns):
            value = value.reset_index()
        value = value.set_axis(map(str, value.columns), axis=1)
        for position, kind in enumerate(value.dtypes):
            cells = value.iloc[:, position].tolist() if str(kind) == "object" else []
            if any(isinstance(cell, os.PathLike) for cell in cells):
                value.isetitem(position, _paths_as_text(cells))
        return pa.Table.from_pandas(value, preserve_index=False)
    if isinstance(value, Mapping):
        names = [str(name) for name in value]
        return pa.table(list(map(_column, names, value.values())), names=names)
    if _comes_from("polars", "DataFrame", value) and "Object" in map(str, value.dtypes):
        return _as_arrow({column.name: column for column in value.get_columns()})
    return pa.table(value)


def _paths_as_text(cells: Any) -> Any:
    """A list of cells, or a series of objects as such a list, with paths as text."""
    if str(getattr(cells, "dtype", "")).lower() == "object" and hasattr(cells, "to_list"):
        cells = cells.to_list()
    if not isinstance(cells, list | tuple):
        return cells
    return [os.fsdecode(cell) if isinstance(cell, os.PathLike) else cell for cell in cells]


def _plain(column: Any) -> Any:
    """Categories, views and bytes as plain text, whole decimals as integers: easier to compute."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        if str(kind.value_type) == "string_view":  # as polars has its categories
            column = column.cast(pa.dictionary(kind.index_type, pa.string()))
        return _plain(column.cast(column.type.value_type))
    if str(kind) in ("string_view", "large_string"):
        return column.cast(pa.string())
    if pa.types.is_decimal(kind) and kind.scale == 0:  # exact integers, as databases have them
        with suppress(pa.ArrowInvalid):
            return column.cast(pa.int64())
        return column.cast(pa.string())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        with suppress(pa.ArrowInvalid):  # bytes that are not text stay bytes
            return column.cast(pa.string())
    return column


def _column(name: str, values: Any) -> Any:
    """A column of astropy, numpy or plain Python values; masked values become null."""
    try:
        return _converted(values)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise ValueError(f"{name!r}: {error}") from error


def _converted(values: Any) -> Any:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    values = _paths_as_text(values)
    if hasattr(values, "__arrow_c_stream__"):  # a series, whose integers beside nulls stay exact
        try:
            return pa.chunked_array(values)
        except OSError:  # of older versions of polars: categories are announced, their codes come
            return values.to_arrow()
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
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    if not array.dtype.isnative:  # FITS is big-endian
        array = array.astype(array.dtype.newbyteorder("="))
    if array.ndim > 1:
        cells = list(array.reshape(len(array), math.prod(array.shape[1:])))
        empty = [mask is not None and bool(mask[row].all()) for row in range(len(cells))]
        return pa.array(
            [None if is_empty else cell for cell, is_empty in zip(cells, empty, strict=True)]
        )
    if array.dtype.kind == "U":
        return pa.array(array.tolist(), pa.string(), mask=mask)
    if array.dtype.kind == "O":
        return pa.array(_paths_as_text(array.tolist()), from_pandas=True, mask=mask)
    return pa.array(array, mask=mask)


def _metadata(column: Any) -> dict[bytes, bytes] | None:
    """The unit, the UCD and the description of a column of astropy."""
    meta = getattr(getattr(column, "info", None), "meta", None) or {}
    words = {
        UNIT: getattr(column, "unit", None),
        b"ucd": meta.get("ucd"),
        b"description": getattr(getattr(column, "info", None), "description", None),
    }
    return {key: str(text).encode() for key, text in words.items() if text} or None


def _known_metadata(metadata: Mapping[bytes, bytes] | None) -> dict[bytes, bytes] | None:
    return {key: metadata[key] for key in COLUMN_METADATA if metadata and key in metadata} or None


def _is_pandas(value: object) -> bool:
    return _comes_from("pandas", "DataFrame", value)


def _is_astropy(value: object) -> bool:
    return _comes_from("astropy", "Table", value)


def _comes_from(library: str, name: str, value: object) -> bool:
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] == library
        for kind in type(value).__mro__
    )
