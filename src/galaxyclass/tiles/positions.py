"""The sources of a catalogue: ids, positions on the sky, radii, and all its other columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.sky_columns import find_sky_columns, read_positions
from galaxyclass.data.tables.cells import is_text, numbers_in_text
from galaxyclass.data.tables.in_memory import UNIT, as_arrow, is_table
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.short import counted, did_you_mean, short_value, verb
from galaxyclass.tasks.names import is_exact_integer
from galaxyclass.tiles.field import Field

#: Names of columns of ids, in lower case without `_`, `-`, `.`; the most usual first.
_IDS = (
    "id", "objid", "sourceid", "objectid", "iauname", "dr7objid", "dr8objid", "specobjid",
    "galaxyid", "assetid", "name", "objname", "source", "number", "catid", "identifier",
)  # fmt: skip
#: Arcseconds in a unit of a radius.
_ARCSEC = {"arcsec": 1.0, "arcmin": 60.0, "deg": 3600.0, "degree": 3600.0, "mas": 1e-3,
           "rad": 206264.80624709636}  # fmt: skip
#: The id column of a catalogue that has none.
ROW = "row"


@dataclass(frozen=True)
class SkyCatalogue:
    """Sources with positions.

    Attributes
    ----------
    ids : sequence of str
    id_column : str
    id_integer : bool
        Whether all ids are whole numbers.
    ra, dec : (sources,) float64
        Degrees, ICRS; NaN where the row has none.
    radii : (sources,) float64 or None
        In arcsec, or in pixels of the tile (`radius_in_pixels`); NaN where the row has none.
    radius_in_pixels : bool
    table : pyarrow.Table
        All columns but that of the ids.
    notes : tuple of str
        What was read as what.
    sky_columns : (str, str) or None
        The columns of right ascension and declination; None where there are none.
    """

    ids: Sequence[str]
    id_column: str
    id_integer: bool
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    radii: NDArray[np.float64] | None
    radius_in_pixels: bool
    table: pa.Table
    notes: tuple[str, ...]
    sky_columns: tuple[str, str] | None = None

    def __len__(self) -> int:
        return len(self.ra)


def carried_columns(catalogue: SkyCatalogue, carry: Sequence[str]) -> list[str]:
    """The columns that come along: those that are asked for, and the positions.

    Parameters
    ----------
    catalogue : SkyCatalogue
    carry : sequence of str
        All columns where it is empty, or names ``all``.

    Raises
    ------
    ArgumentError
        A column that the catalogue does not have.
    """
    names: list[str] = catalogue.table.column_names
    missing = [name for name in carry if name not in {"all", catalogue.id_column, *names}]
    if missing:
        raise ArgumentError(
            f"the catalogue has no column {missing[0]!r}",
            argument="carry",
            wanted=f"some of {', '.join(names[:20])}; or all",
            hint=did_you_mean(missing[0], names) or None,
        )
    if not carry or "all" in carry:
        return names
    return [name for name in names if name in {*carry, *(catalogue.sky_columns or ())}]


def read_catalogue(catalogue: Any) -> pa.Table:
    """A catalogue's table, from a file or memory; columns of numbers in text become numbers.

    Raises
    ------
    CatalogError, ArgumentTypeError
        As for `read_table` and `as_arrow`.
    """
    table = (
        as_arrow(catalogue, "catalogue")
        if is_table(catalogue)
        else read_table(Path(catalogue), "catalogue")
    )
    if not table.num_rows:
        raise CatalogError("the catalogue has no rows", wanted="a row for each source")
    columns = [numbers_in_text(column) for column in table.columns]
    fields = [
        field.with_type(column.type) for field, column in zip(table.schema, columns, strict=True)
    ]
    return pa.table(columns, schema=pa.schema(fields))


def find_sources_of(
    table: pa.Table,
    field: Field,
    *,
    ra_column: str | None = None,
    dec_column: str | None = None,
    id_column: str | None = None,
) -> SkyCatalogue:
    """The ids, positions and radii of a catalogue.

    Parameters
    ----------
    table : pyarrow.Table
    field : Field
        Names the column of radii, where it is a multiple of one.
    ra_column, dec_column, id_column : str, optional
        By default right ascension and declination are found by UCD (``pos.eq.ra;meta.main``) or
        name, and the id by name. Without an id, sources are called by the number of their row.

    Raises
    ------
    CatalogError
        No such columns; text that is no position; numbers beyond the sky.
    """
    _require_columns(table, ra_column=ra_column, dec_column=dec_column, id_column=id_column)
    positions = read_positions(
        table, "the catalogue", ra_column=ra_column, dec_column=dec_column, can_be_named=True
    )
    ra, dec = np.ascontiguousarray(positions.T)
    columns = find_sky_columns(table) or ("", "")
    ra_name, dec_name = ra_column or columns[0], dec_column or columns[1]
    hours = ", hours and degrees" if is_text(table[ra_name]) else ""
    notes = [f"Positions: the columns {ra_name} and {dec_name}{hours}."]
    radii, in_pixels = None, False
    if field.unit == "column":
        radii, in_pixels, note = _radii(table, field.column)
        notes.append(note)
    name = _id_column(table, id_column)
    if name is None:
        ids = [str(row) for row in range(table.num_rows)]
        unfit = next((column for column in table.column_names if _plain(column) in _IDS), None)
        reason = (
            "No column of ids was found"
            if unfit is None
            else f"The column {unfit} cannot hold the ids, since it has empty cells or floats"
        )
        notes.append(
            f"{reason}: sources are called by their row, 0, 1, … (`id_column` names a column)."
        )
        return SkyCatalogue(
            ids, ROW, True, ra, dec, radii, in_pixels, table, tuple(notes), (ra_name, dec_name)
        )
    ids = [str(value) for value in table[name].to_pylist()]
    if (repeated := len(ids) - len(set(ids))) > 0:
        notes.append(
            f"{counted(repeated, 'row')} {verb(repeated, 'has')} the {name} of another row."
        )
    integer = all(map(is_exact_integer, ids))
    rest = table.drop_columns([name])
    return SkyCatalogue(
        ids, name, integer, ra, dec, radii, in_pixels, rest, tuple(notes), (ra_name, dec_name)
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _require_columns(table: pa.Table, **named: str | None) -> None:
    for argument, name in named.items():
        if name is not None and name not in table.column_names:
            raise ArgumentError(
                f"the catalogue has no column {name!r}",
                argument=argument,
                wanted=f"one of {', '.join(table.column_names[:20])}",
            )


def _radii(table: pa.Table, name: str) -> tuple[NDArray[np.float64], bool, str]:
    column, unread = table[name], ""
    if is_text(column):
        values, unread = _numbers_among_words(column, name)
    elif pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        values = np.array(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    else:
        raise CatalogError(
            f"the column {name!r} holds no radii", wanted="numbers", got=str(column.type)
        )
    values[~(values > 0)] = np.nan  # -9999 stands for unknown in many catalogues
    unit = (table.schema.field(name).metadata or {}).get(UNIT, b"").decode().lower()
    in_pixels = unit in ("pix", "pixel", "pixels") or bool(
        re.search(r"_(pix|px|image)$", name, re.I)
    )
    if in_pixels:
        return values, True, f"Radii: the column {name}, in pixels of the tile{unread}."
    if unit and unit not in _ARCSEC:
        raise CatalogError(f"the column {name!r} has the unit {unit!r}", wanted="arcsec or pixel")
    stated = f"in {unit}" if unit else "in arcsec (it states no unit)"
    return values * _ARCSEC.get(unit, 1.0), False, f"Radii: the column {name}, {stated}{unread}."


def _numbers_among_words(column: Any, name: str) -> tuple[NDArray[np.float64], str]:
    """The numbers of a column of text, NaN for a word; and what to say of the words.

    Raises
    ------
    CatalogError
        Fewer than half of its cells are numbers.
    """
    cells = [str(cell or "").strip() for cell in column.to_pylist()]
    values, words = np.full(len(cells), np.nan), dict[int, str]()
    for row, cell in enumerate(cells):
        try:
            values[row] = float(cell) if cell else np.nan
        except ValueError:
            words[row] = cell
    if 2 * np.isfinite(values).sum() < len(cells):
        first = next(iter(words.values()), "")
        raise CatalogError(
            f"the column {name!r} holds no radii", wanted="numbers", got=short_value(first)
        )
    row, word = next(iter(words.items()))
    return values, (
        f"; {counted(len(words), 'row')} {verb(len(words), 'has')} a word there "
        f"({short_value(word)} in row {row}) and no radius"
    )


def _id_column(table: pa.Table, name: str | None) -> str | None:
    if name is not None:
        if table[name].null_count:
            raise CatalogError(
                f"the column {name!r} of ids has {table[name].null_count:,} empty cells"
            )
        return name
    fitting = {
        _plain(column): column
        for column in reversed(table.column_names)
        if (pa.types.is_string(table[column].type) or pa.types.is_integer(table[column].type))
        and not table[column].null_count
    }
    return next((fitting[name] for name in _IDS if name in fitting), None)
