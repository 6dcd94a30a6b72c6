"""The sources of a catalogue: ids, positions on the sky, radii, and all its other columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from galaxyclass.data.tables.in_memory import UNIT, as_arrow, is_table
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.extras import require
from galaxyclass.tasks.names import is_exact_integer
from galaxyclass.tiles.field import Field

#: The key of a column's UCD in its field's metadata.
UCD = b"ucd"
#: Names of columns of right ascension and declination, in lower case without `_`, `-`, `.`; in
#: pairs, the most usual first.
_NAMES: tuple[tuple[str, str], ...] = (
    ("ra", "dec"), ("raj2000", "dej2000"), ("raj2000", "decj2000"), ("raicrs", "deicrs"),
    ("radeg", "decdeg"), ("radeg", "dedeg"), ("alphaj2000", "deltaj2000"), ("ramean", "decmean"),
    ("rightascension", "declination"), ("coordra", "coorddec"), ("targetra", "targetdec"),
    ("racat", "deccat"), ("ra2000", "dec2000"), ("raobj", "decobj"), ("alpha", "delta"),
    ("ra1", "dec1"), ("plugra", "plugdec"),
)  # fmt: skip
_IDS = (
    "id", "objid", "sourceid", "objectid", "iauname", "dr7objid", "dr8objid", "specobjid",
    "galaxyid", "assetid", "name", "objname", "source", "number", "catid", "identifier",
)  # fmt: skip
#: Degrees in a unit of angle.
_DEGREES = {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": 180 / np.pi, "radian": 180 / np.pi,
            "hourangle": 15.0, "hour": 15.0, "h": 15.0, "hr": 15.0, "arcsec": 1 / 3600}  # fmt: skip
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

    def __len__(self) -> int:
        return len(self.ra)


def read_catalogue(catalogue: Any) -> pa.Table:
    """A catalogue's table, from a file or memory; columns of numbers in text become numbers.

    Raises
    ------
    CatalogError, ArgumentTypeError
        As for `read_table` and `as_arrow`.
    """
    table = as_arrow(catalogue) if is_table(catalogue) else read_table(Path(catalogue))
    if not table.num_rows:
        raise CatalogError("the catalogue has no rows", wanted="a row for each source")
    columns = [_as_numbers(column) for column in table.columns]
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
    ra_name, dec_name = _position_columns(table, ra_column, dec_column)
    ra, ra_note = _degrees(table, ra_name, hours=True)
    dec, _ = _degrees(table, dec_name, hours=False)
    _require_on_sky(ra_name, dec_name, ra, dec)
    notes = [f"Positions: the columns {ra_name} and {dec_name}{ra_note}."]
    radii, in_pixels = None, False
    if field.unit == "column":
        radii, in_pixels, note = _radii(table, field.column)
        notes.append(note)
    name = _id_column(table, id_column)
    if name is None:
        ids = [str(row) for row in range(table.num_rows)]
        notes.append("No column of ids was found: sources are called by their row, 0, 1, …")
        return SkyCatalogue(ids, ROW, True, ra, dec, radii, in_pixels, table, tuple(notes))
    ids = [str(value) for value in table[name].to_pylist()]
    if (repeated := len(ids) - len(set(ids))) > 0:
        notes.append(f"{repeated:,} rows have the {name} of another row.")
    integer = all(map(is_exact_integer, ids))
    rest = table.drop_columns([name])
    return SkyCatalogue(ids, name, integer, ra, dec, radii, in_pixels, rest, tuple(notes))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _position_columns(table: pa.Table, ra: str | None, dec: str | None) -> tuple[str, str]:
    for name, argument in ((ra, "ra_column"), (dec, "dec_column")):
        if name is not None and name not in table.column_names:
            raise ArgumentError(
                f"the catalogue has no column {name!r}",
                argument=argument,
                wanted=f"one of {', '.join(table.column_names[:20])}",
            )
    found = _by_ucd(table) or _by_name(table) or ("", "")
    ra, dec = ra or found[0], dec or found[1]
    if not ra or not dec:
        raise CatalogError(
            "the catalogue has no columns of right ascension and declination that can be found",
            wanted="ra and dec (or RAJ2000 and DEJ2000, ALPHA_J2000 and DELTA_J2000, …), in "
            "degrees",
            got=f"the columns {', '.join(table.column_names[:20])}",
            hint="name them: `ra_column` and `dec_column`",
        )
    return ra, dec


def _by_ucd(table: pa.Table) -> tuple[str, str] | None:
    ucds = {
        field.name: (field.metadata or {}).get(UCD, b"").decode().lower() for field in table.schema
    }
    for suffix in (";meta.main", ""):
        found = [
            next((name for name, ucd in ucds.items() if ucd == f"pos.eq.{axis}{suffix}"), "")
            for axis in ("ra", "dec")
        ]
        if all(found):
            return found[0], found[1]
    return None


def _by_name(table: pa.Table) -> tuple[str, str] | None:
    names: dict[str, str] = {}
    for name in table.column_names:
        names.setdefault(_plain(name), name)
    pair = next((pair for pair in _NAMES if pair[0] in names and pair[1] in names), None)
    return None if pair is None else (names[pair[0]], names[pair[1]])


def _degrees(table: pa.Table, name: str, *, hours: bool) -> tuple[NDArray[np.float64], str]:
    column = table[name]
    unit = (table.schema.field(name).metadata or {}).get(UNIT, b"").decode().lower()
    if pa.types.is_string(column.type):
        return _sexagesimal(column.to_pylist(), name, hours=hours), (
            ", hours and degrees" if hours else ""
        )
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise CatalogError(
            f"the column {name!r} holds no positions", wanted="numbers", got=str(column.type)
        )
    if unit and unit not in _DEGREES:
        raise CatalogError(
            f"the column {name!r} has the unit {unit!r}", wanted="deg, rad or hourangle"
        )
    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(values, np.float64) * _DEGREES.get(unit, 1.0), ""


def _sexagesimal(cells: list[str | None], name: str, *, hours: bool) -> NDArray[np.float64]:
    coordinates = require("astropy.coordinates")
    texts = [(cell or "").strip() for cell in cells]
    values = np.full(len(texts), np.nan)
    filled = []
    for row, text in enumerate(texts):
        try:
            values[row] = float(text or "nan")  # plain numbers are degrees
        except ValueError:
            filled.append(row)
    unit = "hourangle" if hours else "deg"
    try:
        values[filled] = coordinates.Angle([texts[row] for row in filled], unit=unit).degree
    except (ValueError, TypeError) as error:
        raise CatalogError(
            f"the column {name!r} holds no positions",
            wanted="degrees, or text such as 05:41:05.7 or 5h41m5.7s",
            got=", ".join(repr(texts[row]) for row in filled[:3]),
        ) from error
    return values


def _require_on_sky(ra_name: str, dec_name: str, ra: Any, dec: Any) -> None:
    beyond = (np.abs(dec) > 90) | (ra < -180) | (ra > 360)
    if not beyond.any():
        return
    row = int(np.flatnonzero(beyond)[0])
    swapped = not ((np.abs(ra) > 90) | (dec < -180) | (dec > 360)).any()
    raise CatalogError(
        f"{int(beyond.sum()):,} positions of the catalogue lie nowhere on the sky",
        wanted=f"{ra_name} of 0 to 360 and {dec_name} of -90 to 90 degrees",
        got=f"{ra_name} {ra[row]:g}, {dec_name} {dec[row]:g} in row {row}",
        hint=f"they would fit the other way round: `ra_column={dec_name!r}` and "
        f"`dec_column={ra_name!r}`" if swapped else None,
    )  # fmt: skip


def _radii(table: pa.Table, name: str) -> tuple[NDArray[np.float64], bool, str]:
    column = table[name]
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise CatalogError(
            f"the column {name!r} holds no radii", wanted="numbers", got=str(column.type)
        )
    values = np.array(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    values[~(values > 0)] = np.nan  # -9999 stands for unknown in many catalogues
    unit = (table.schema.field(name).metadata or {}).get(UNIT, b"").decode().lower()
    in_pixels = unit in ("pix", "pixel", "pixels") or bool(
        re.search(r"_(pix|px|image)$", name, re.I)
    )
    if in_pixels:
        return values, True, f"Radii: the column {name}, in pixels of the tile."
    if unit and unit not in _ARCSEC:
        raise CatalogError(f"the column {name!r} has the unit {unit!r}", wanted="arcsec or pixel")
    stated = f"in {unit}" if unit else "in arcsec (it states no unit)"
    return values * _ARCSEC.get(unit, 1.0), False, f"Radii: the column {name}, {stated}."


def _id_column(table: pa.Table, name: str | None) -> str | None:
    if name is not None:
        if name not in table.column_names:
            raise ArgumentError(
                f"the catalogue has no column {name!r}",
                argument="id_column",
                wanted=f"one of {', '.join(table.column_names[:20])}",
            )
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


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of text that holds numbers alone, as numbers; digits are never lost."""
    if not pa.types.is_string(column.type) or column.null_count == len(column):
        return column
    for kind in (pa.int64(), pa.float64()):
        try:
            numbers = pc.cast(column, kind)
        except pa.ArrowInvalid:
            continue
        if kind == pa.float64() or pc.all(pc.equal(pc.cast(numbers, pa.string()), column)).as_py():
            return numbers
        return column  # 007 and the like
    return column
