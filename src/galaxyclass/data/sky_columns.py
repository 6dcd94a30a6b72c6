"""Right ascension and declination of a table, by UCD or by name; matching on the sky."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import is_text, numbers
from galaxyclass.errors import CatalogError

_UCDS = ("pos.eq.ra", "pos.eq.dec")
_NAMES = (
    ("ra", "raj2000", "ra_j2000", "_raj2000", "ra_icrs", "ra_deg", "radeg", "alpha_j2000",
     "right_ascension", "target_ra", "ra_1"),
    ("dec", "dej2000", "dec_j2000", "decj2000", "_dej2000", "de_icrs", "dec_icrs", "dec_deg",
     "decdeg", "dedeg", "delta_j2000", "declination", "target_dec", "dec_1"),
)  # fmt: skip
_HOURS = re.compile(r"\s*([+-]?)(\d{1,3})[:h\sd°]+(\d{1,2})[:m\s'′]+(\d{1,2}(?:\.\d*)?)[s\"″]?\s*")


def find_sky_columns(table: pa.Table) -> tuple[str, str] | None:
    """The columns of right ascension and declination: by UCD (the main ones first), or by name.

    Examples
    --------
    >>> find_sky_columns(pa.table({"RAJ2000": [1.0], "DEJ2000": [2.0], "z": [0.1]}))
    ('RAJ2000', 'DEJ2000')
    """
    found = []
    for ucd, names in zip(_UCDS, _NAMES, strict=True):
        ucds = {
            field.name: (field.metadata or {}).get(b"ucd", b"").decode().lower()
            for field in table.schema
        }
        by_ucd = [name for name, text in ucds.items() if text.split(";")[0] == ucd]
        by_ucd.sort(key=lambda name: "meta.main" not in ucds[name])
        lower = {name.lower(): name for name in reversed(table.column_names)}
        by_name = [lower[name] for name in names if name in lower]
        candidates = by_ucd or by_name
        if not candidates:
            return None
        found.append(candidates[0])
    return found[0], found[1]


def read_positions(table: pa.Table, source: str) -> NDArray[np.float64]:
    """(rows, 2) Right ascension and declination in degrees; NaN unknown.

    Text such as 10:11:12.3 +04:05:06 is read as hours and degrees, and so is a unit of hours.

    Raises
    ------
    CatalogError
        No such columns, or one that does not hold positions.
    """
    names = find_sky_columns(table)
    if names is None:
        raise CatalogError(
            f"{source}: no columns of right ascension and declination",
            wanted="columns with the UCDs pos.eq.ra and pos.eq.dec, or called ra and dec",
            got=", ".join(table.column_names[:20]),
            hint="rename the columns to ra and dec",
        )
    columns = []
    for name, is_ra in zip(names, (True, False), strict=True):
        column = table[name]
        values, wrong = numbers(column)
        if len(wrong) and is_text(column):
            cells = column.to_pylist()
            values[wrong] = [_sexagesimal(cells[row], 15 if is_ra else 1) for row in wrong]
        unit = (table.schema.field(name).metadata or {}).get(b"unit", b"").decode().lower()
        if is_ra and unit in ("h", "hourangle", "hour", "hr"):
            values = values * 15
        if unit in ("rad", "radian"):
            values = np.degrees(values)
        columns.append(values)
    ra, dec = columns
    with np.errstate(invalid="ignore"):
        impossible = (np.abs(dec) > 90) | (np.abs(ra) > 360)
    if impossible.any():
        row = int(np.flatnonzero(impossible)[0])
        raise CatalogError(
            f"{source}: {impossible.sum():,} positions are not on the sky",
            wanted="degrees, right ascension from 0 to 360 and declination from -90 to 90",
            got=f"{names[0]} {ra[row]:g}, {names[1]} {dec[row]:g} in row {row + 1}",
            hint="are the two columns swapped?",
        )
    return np.column_stack([ra % 360, dec])


def _sexagesimal(cell: str | None, factor: float) -> float:
    match = None if cell is None else _HOURS.fullmatch(cell)
    if match is None:
        return float("nan")
    sign, first, minutes, seconds = match.groups()
    value = factor * (int(first) + int(minutes) / 60 + float(seconds) / 3600)
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
