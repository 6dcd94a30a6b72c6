"""Right ascension and declination of a table, by UCD or by name; matching on the sky."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, is_text, numbers
from galaxyclass.data.tables.in_memory import UNIT
from galaxyclass.errors import CatalogError
from galaxyclass.short import counted

#: Names of columns of right ascension and declination, in lower case without `_`, `-`, `.`; in
#: pairs, the most usual first.
_NAMES: tuple[tuple[str, str], ...] = (
    ("ra", "dec"), ("raj2000", "dej2000"), ("raj2000", "decj2000"), ("raicrs", "deicrs"),
    ("raicrs", "decicrs"), ("radeg", "decdeg"), ("radeg", "dedeg"), ("alphaj2000", "deltaj2000"),
    ("ramean", "decmean"), ("rightascension", "declination"), ("coordra", "coorddec"),
    ("targetra", "targetdec"), ("racat", "deccat"), ("ra2000", "dec2000"), ("raobj", "decobj"),
    ("alpha", "delta"), ("ra1", "dec1"), ("plugra", "plugdec"),
)  # fmt: skip
#: Degrees in a unit of angle.
_DEGREES = {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": 180 / np.pi, "radian": 180 / np.pi,
            "hourangle": 15.0, "hour": 15.0, "h": 15.0, "hr": 15.0, "arcsec": 1 / 3600}  # fmt: skip
#: Numbers of -99 and less stand for unknown positions in some catalogues.
_UNKNOWN = -99
#: 05:41:05.7, 5h41m5.7s, +04 05 06, 5h41m.
_SEXAGESIMAL = re.compile(
    r"([+-]?)(\d{1,3})[:hd°\s]+(\d{1,2}(?:\.\d*)?)(?:[:m'′\s]+(\d{1,2}(?:\.\d*)?)?)?[s\"″]?"
)


def find_sky_columns(table: pa.Table) -> tuple[str, str] | None:
    """The columns of right ascension and declination: by UCD (the main ones first), or by name.

    Examples
    --------
    >>> find_sky_columns(pa.table({"RAJ2000": [1.0], "DEJ2000": [2.0], "z": [0.1]}))
    ('RAJ2000', 'DEJ2000')
    """
    ra, dec = _by_ucd(table, "ra"), _by_ucd(table, "dec")
    if ra is not None and dec is not None:
        return ra, dec
    names: dict[str, str] = {}
    for name in table.column_names:
        names.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), name)
    pair = next((pair for pair in _NAMES if pair[0] in names and pair[1] in names), None)
    return None if pair is None else (names[pair[0]], names[pair[1]])


def _by_ucd(table: pa.Table, axis: str) -> str | None:
    """The column with the UCD ``pos.eq.ra`` (or ``POS_EQ_RA``, as it was once), the main one."""
    ucds = {field.name: _metadata(field, b"ucd") for field in table.schema}
    fitting = [
        name for name, ucd in ucds.items() if re.match(rf"pos[._]eq[._]{axis}(?![a-z])", ucd)
    ]
    return min(fitting, key=lambda name: "main" not in ucds[name], default=None)


def _metadata(field: pa.Field, key: bytes) -> str:
    return str((field.metadata or {}).get(key, b"").decode().lower())


def read_positions(
    table: pa.Table,
    source: str,
    *,
    ra_column: str | None = None,
    dec_column: str | None = None,
    can_be_named: bool = False,
) -> NDArray[np.float64]:
    """Right ascension and declination of each row.

    Parameters
    ----------
    table : pyarrow.Table
    source : str
        What messages call the table.
    ra_column, dec_column : str, optional
        Found by `find_sky_columns` if not stated.
    can_be_named : bool
        Whether the caller takes `ra_column` and `dec_column`: hints then name them.

    Returns
    -------
    (rows, 2) float64
        Degrees, right ascension from 0 to 360; NaN where a cell is empty. Text such as
        ``10:11:12.3`` and ``+04:05:06`` is read as hours and degrees, other numbers by their unit.

    Raises
    ------
    CatalogError
        No such columns, or one that does not hold positions.
    """
    columns = find_sky_columns(table) or (None, None)
    names = ra_column or columns[0], dec_column or columns[1]
    if names[0] is None or names[1] is None:
        raise CatalogError(
            f"{source}: no columns of right ascension and declination",
            wanted="columns with the UCDs pos.eq.ra and pos.eq.dec, or called ra and dec (RAJ2000 "
            "and DEJ2000, ALPHA_J2000 and DELTA_J2000, …)",
            got=", ".join(table.column_names[:20]),
            hint="name them: `ra_column` and `dec_column`"
            if can_be_named
            else "rename the columns to ra and dec",
        )
    ra = _degrees(table, names[0], source, hours=True)
    dec = _degrees(table, names[1], source, hours=False)
    with np.errstate(invalid="ignore"):
        impossible = (np.abs(dec) > 90) | (ra < -180) | (ra > 360)
        swapped = not ((np.abs(ra) > 90) | (dec < -180) | (dec > 360)).any()
    if impossible.any():
        row = int(np.flatnonzero(impossible)[0])
        other_way = f": `ra_column={names[1]!r}` and `dec_column={names[0]!r}`"
        raise CatalogError(
            f"{source}: not on the sky: {counted(int(impossible.sum()), 'position')}",
            wanted=f"{names[0]} of 0 to 360 and {names[1]} of -90 to 90 degrees",
            got=f"{names[0]} {ra[row]:g}, {names[1]} {dec[row]:g} in row {row + 1}",
            hint=f"they would fit the other way round{other_way if can_be_named else ''}"
            if swapped
            else "leave the cells empty where the position is not known"
            if (np.minimum(ra, dec)[impossible] <= _UNKNOWN).all()
            else None,
        )
    return np.column_stack([ra % 360, dec])


def _degrees(table: pa.Table, name: str, source: str, *, hours: bool) -> NDArray[np.float64]:
    column = table[name]
    values, wrong = numbers(column)
    unit = _metadata(table.schema.field(name), UNIT).strip("\"' ")
    if is_text(column) and re.fullmatch(r"[hd]\W?m\W?s", unit):  # VizieR's "h:m:s", "d:m:s"
        unit, hours = "", unit[0] == "h"
    if unit and unit not in _DEGREES:
        raise CatalogError(
            f"{source}: the column {name!r} has the unit {unit!r}",
            wanted="deg, rad or hourangle",
        )
    values = values * _DEGREES.get(unit, 1.0)
    if len(wrong) and is_text(column):
        cells = as_text(column).take(pa.array(wrong)).to_pylist()
        values[wrong] = [_sexagesimal(cell, hours=hours) for cell in cells]
        wrong = wrong[np.isnan(values[wrong])]
    if len(wrong) or pa.types.is_boolean(column.type):
        shown = column.take(pa.array(wrong[:3])).to_pylist() or [str(column.type)]
        is_partial = 0 < len(wrong) < len(column)
        problem = f"no position in {counted(len(wrong), 'row')}, the first of them {wrong[0] + 1:,}"
        raise CatalogError(
            f"{source}: the column {name!r} holds {problem if is_partial else 'no positions'}",
            wanted="degrees, or text such as 05:41:05.7 or 5h41m5.7s; an empty cell where unknown",
            got=", ".join(map(repr, shown)),
        )
    return values


def _sexagesimal(cell: str, *, hours: bool) -> float:
    """Degrees of a position in hours or degrees, minutes and seconds; its letters say which."""
    text = cell.replace("\u2212", "-")  # a minus sign, as printed tables have it
    match = _SEXAGESIMAL.fullmatch(text)
    stated = re.match(r"[+-]?\d+\s*([hd°])", text)
    if match is None or (stated and stated[1] == "h" and not hours):
        return float("nan")
    factor = 15 if hours and (stated is None or stated[1] == "h") else 1
    sign, first = match[1], int(match[2])
    minutes, seconds = float(match[3]), float(match[4] or 0)
    if minutes >= 60 or seconds > 60:
        return float("nan")
    value = factor * (first + minutes / 60 + seconds / 3600)
    return -value if sign == "-" else value


def match_on_sky(
    positions: NDArray[np.float64], catalogue: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """The nearest row of a catalogue for each position, within a radius.

    Parameters
    ----------
    positions, catalogue : (n, 2) and (rows, 2) float64
        Degrees; NaN unknown.
    radius : float
        Arcseconds.

    Returns
    -------
    rows : (n,) int64
        -1 where none is within the radius.
    separations : (n,) float64
        Arcseconds; NaN where none is.
    crowded : int
        Positions with a second row within the radius.

    Examples
    --------
    >>> here, there = np.array([[10.0, 20.0]]), np.array([[50.0, 0.0], [10.0, 20.0002]])
    >>> rows, separations, _ = match_on_sky(here, there, 1.0)
    >>> rows.tolist(), separations.round(3).tolist()
    ([1], [0.72])
    """
    from scipy.spatial import cKDTree

    rows = np.full(len(positions), -1, np.int64)
    separations = np.full(len(positions), np.nan)
    known = np.flatnonzero(np.isfinite(catalogue).all(axis=1))
    asked = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if not len(known) or not len(asked):
        return rows, separations, 0
    chord = 2 * np.sin(np.radians(radius / 3600) / 2)
    distances, nearest = cKDTree(_on_sphere(catalogue[known])).query(
        _on_sphere(positions[asked]), k=2, distance_upper_bound=chord * (1 + 1e-9)
    )
    near = np.isfinite(distances[:, 0])
    rows[asked[near]] = known[nearest[near, 0]]
    arcseconds = np.degrees(2 * np.arcsin(np.minimum(distances[near, 0] / 2, 1))) * 3600
    separations[asked[near]] = arcseconds
    return rows, separations, int(np.isfinite(distances[:, 1]).sum())


def _on_sphere(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    ra, dec = np.radians(positions).T
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
