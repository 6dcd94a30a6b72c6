"""Columns of a user's catalogue beside the predictions: joined by id, by path or by position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.arguments import check_fields
from galaxyclass.data.catalog.catalog import row_word
from galaxyclass.data.catalog.id_map import open_map, with_map
from galaxyclass.data.catalog.matching import ImageNames
from galaxyclass.data.catalog.roles import find_ids
from galaxyclass.data.sky_columns import match_on_sky, read_positions
from galaxyclass.data.tables.cells import as_text, is_exact_integers, numbers_in_text
from galaxyclass.data.tables.delimited import TableFile, unused_rows
from galaxyclass.data.tables.in_memory import is_table, open_in_memory
from galaxyclass.data.tables.tables import open_table
from galaxyclass.data.unused import Unused, unused_columns
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.images.positions import positions_of
from galaxyclass.model.image_source import ImageSource
from galaxyclass.short import counted, first_few, short_path, summary, verb
from galaxyclass.tasks.names import free_name

#: The column of the distance between an image and its row, in arcseconds.
SEPARATION = "match_arcsec"


@dataclass(frozen=True, eq=False, repr=False)
class TableJoin:
    """A table whose columns are copied beside predictions, and how its rows find their images.

    Attributes
    ----------
    table : path or table in memory
        A catalogue of any format (see `read_catalog`).
    carry : sequence of str
        The columns that are copied; by default all.
    id_column : str, optional
        Its ids, or paths of images; by default the column that names the images.
    id_map : path or table in memory, optional
        Joins its ids to the names of images, as in `read_catalog`.
    match_radius : float, optional
        Join by position instead: the nearest row within so many arcseconds. The position of an
        image is that of its name (J101112.3+040506.7) or of its WCS (FITS).
    ra_column, dec_column : str, optional
        Right ascension and declination, for ``match_radius``; by default found by their UCDs or
        names.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        A value that is not possible, or of another type; a column of positions without a radius.

    Examples
    --------
    >>> TableJoin("sdss.fits", carry=["z"], match_radius=1.0)
    <TableJoin of sdss.fits within 1 arcsec>
    """

    table: Any
    carry: Sequence[str] = ("all",)
    id_column: str | None = None
    id_map: Any = None
    match_radius: float | None = None
    ra_column: str | None = None
    dec_column: str | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        for argument in ("ra_column", "dec_column"):
            if getattr(self, argument) is not None and self.match_radius is None:
                raise ArgumentError(
                    f"`{argument}` belongs to a join by position",
                    argument=argument,
                    hint="state the `match_radius`, in arcseconds",
                )

    def __repr__(self) -> str:
        table = "a table in memory" if is_table(self.table) else short_path(self.table)
        radius = self.match_radius
        return summary(
            f"TableJoin of {table}" + ("" if radius is None else f" within {radius:g} arcsec")
        )


def carry_columns(source: ImageSource, join: TableJoin, images: Any) -> ImageSource:
    """The images with the columns of a table, a row for each image.

    Parameters
    ----------
    source : ImageSource
        Image files.
    join : TableJoin
    images : anything
        As the user gave them: a folder below which paths are compared, if it is one.

    Raises
    ------
    CatalogError
        The table cannot be read, or does not name the images.
    ArgumentError
        A column that it does not have; images that are not files.
    """
    paths = source.paths
    if paths is None:
        raise ArgumentError(
            "`table`: only image files can be joined to a catalogue",
            argument="table",
            hint="pass a table with a column of paths as `images`, or `ids`",
        )
    file = _open(join.table)
    names = _requested(file, join.carry)
    folder = str(images) if isinstance(images, str | Path) and Path(images).is_dir() else ""
    known = ImageNames(folder, paths)
    if join.id_map is not None:
        file = with_map(file, open_map(join.id_map), known)
    separations: NDArray[np.float64] | None = None
    notes, id_name = list(source.notes), None
    repeated = np.zeros(file.table.num_rows, bool)
    if join.match_radius is not None:
        sky_columns = (join.ra_column, join.dec_column)
        rows, separations, crowded = _by_position(paths, file, join.match_radius, sky_columns)
        joined_by = f"within {join.match_radius:g} arcseconds"
        if crowded:
            notes.append(
                f"{counted(crowded, 'image')} {verb(crowded, 'has')} several rows {joined_by}: the "
                "nearest is taken."
            )
    else:
        match = find_ids(file.table, known, join.id_column, str(file.path), ())
        rows = _inverted(match.image, len(paths))
        repeated = match.image >= 0
        joined_by = f"by column {match.column!r}"
        if match.path_column is None:
            id_name = match.column
    joined = int((rows >= 0).sum())
    notes.append(
        f"{joined:,} of {counted(len(paths), 'image')} {verb(joined, 'has')} a row of {file.path} "
        f"({joined_by})."
    )
    carried = _typed(file, names).take(pa.array(rows, mask=rows < 0))
    if separations is not None:
        name = free_name(SEPARATION, set(carried.column_names), "_of_image")
        field = pa.field(name, pa.float64(), metadata={"unit": "arcsec"})
        carried = carried.append_column(field, pa.array(separations, from_pandas=True))
    source = replace(
        source,
        carried=carried,
        notes=tuple(notes),
        unused=(*source.unused, *_unused(file, names, rows, repeated, id_name)),
    )
    return source if id_name is None else _with_ids(source, file, id_name, rows)


def _open(table: Any) -> TableFile:
    if isinstance(table, TableFile):
        return table
    return open_in_memory(table) if is_table(table) else open_table(table)


def _requested(file: TableFile, carry: Sequence[str]) -> list[str]:
    present: list[str] = file.table.column_names
    if list(carry) == ["all"]:
        return list(present)
    missing = [name for name in carry if name not in present]
    if missing:
        close = get_close_matches(missing[0], present, n=1)
        raise ArgumentError(
            f"{file.path}: no column {missing[0]!r}",
            argument="carry",
            wanted=f"some of {first_few(present, 12)}; or all",
            hint=f"did you mean `carry={close[0]!r}`?" if close else None,
        )
    return list(dict.fromkeys(carry))


def _by_position(
    paths: Sequence[str],
    file: TableFile,
    radius: float,
    sky_columns: tuple[str | None, str | None],
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    positions = positions_of(paths)
    if np.isnan(positions).all():
        raise CatalogError(
            "the position of no image is known",
            argument="match_radius",
            wanted="file names such as J101112.3+040506.7 or 152.8012+4.0853, or FITS with a WCS",
            got=f"names such as {Path(paths[0]).name}",
            hint="leave `match_radius` out: images and rows are joined by their names",
        )
    for argument, name in zip(("ra_column", "dec_column"), sky_columns, strict=True):
        if name is not None and name not in file.table.column_names:
            raise ArgumentError(
                f"{file.path}: no column {name!r}",
                argument=argument,
                wanted=f"one of {first_few(file.table.column_names, 12)}",
            )
    ra_column, dec_column = sky_columns
    sky = read_positions(
        file.table, str(file.path), ra_column=ra_column, dec_column=dec_column, can_be_named=True
    )
    rows, separations, crowded = match_on_sky(positions, sky, radius)
    if (rows < 0).all():
        in_hours = (
            np.nanmax(sky[:, 0]) <= 24
            and (match_on_sky(positions, sky * (15, 1), radius)[0] >= 0).any()
        )
        raise CatalogError(
            f"{file.path}: no position within {radius:g} arcseconds of an image",
            argument="match_radius",
            got="the nearest pairs are further apart, or the catalogue is of another field",
            hint="right ascension is in hours: multiply it by 15"
            if in_hours
            else "a larger `match_radius` finds them, if the positions are right",
        )
    return rows, separations, crowded


def _inverted(image: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """(images,) the first row of each image, -1 none."""
    rows = np.full(count, -1, np.int64)
    matched = np.flatnonzero(image >= 0)
    rows[image[matched][::-1]] = matched[::-1]
    return rows


def _typed(file: TableFile, names: Sequence[str]) -> pa.Table:
    """Columns of a catalogue; the text of a CSV as numbers where all cells are."""
    table = file.table.select(names)
    if row_word(file.path) != "line":
        return table
    columns = [numbers_in_text(column) for column in table.columns]
    fields = [
        pa.field(field.name, column.type, metadata=field.metadata)
        for field, column in zip(table.schema, columns, strict=True)
    ]
    return pa.table(columns, schema=pa.schema(fields))


def _unused(
    file: TableFile,
    names: Sequence[str],
    rows: NDArray[np.int64],
    repeated: NDArray[np.bool_],
    id_name: str | None,
) -> Iterator[Unused]:
    """What of a catalogue is not used; ``repeated`` says which rows name an image."""
    yield from file.unused
    left = [name for name in file.table.column_names if name not in {*names, id_name}]
    yield from unused_columns(left, "not asked for by `carry`")
    without = np.ones(file.table.num_rows, bool)
    without[rows[rows >= 0]] = False
    for unused, reason in (
        (without & repeated, "an earlier row of the catalogue names the same image"),
        (without & ~repeated, "rows of the catalogue without an image"),
    ):
        yield from unused_rows(file.lines[unused].tolist(), reason)


def _with_ids(
    source: ImageSource, file: TableFile, name: str, rows: NDArray[np.int64]
) -> ImageSource:
    """Call the ids as the catalogue does, if they are its ids."""
    text = as_text(file.table[name])
    cells = text.take(pa.array(rows, mask=rows < 0)).to_pylist()
    ids = list(source.ids or ())
    if any(
        cell is not None and cell != image_id for cell, image_id in zip(cells, ids, strict=True)
    ):
        return source
    carried = source.carried
    if carried is not None and name in carried.column_names:
        carried = carried.drop_columns([name])
    numeric = pa.types.is_integer(file.table.schema.field(name).type) or (
        row_word(file.path) == "line"
    )
    integer = numeric and is_exact_integers(pa.array(ids, pa.string()))
    return replace(source, id_column=name, id_integer=integer, carried=carried)
