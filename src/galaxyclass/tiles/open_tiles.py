"""`open_tiles`: from tiles and a catalogue to the sources that can be cut out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from galaxyclass.arguments import public
from galaxyclass.data.unused import Unused, unused_columns
from galaxyclass.errors import ArgumentError
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, first_few
from galaxyclass.tiles.detected import detect
from galaxyclass.tiles.field import GALAXY_ZOO_FIELD, parse_field, require_field
from galaxyclass.tiles.find_sources import SOURCE_COLUMNS
from galaxyclass.tiles.find_tiles import find_tiles
from galaxyclass.tiles.placement import Placement, place_sources, require_sky
from galaxyclass.tiles.positions import carried_columns, find_sources_of, read_catalogue
from galaxyclass.tiles.rendering import picture_rendering
from galaxyclass.tiles.tile import SkyTile
from galaxyclass.tiles.tile_cutouts import TileCutouts

#: Side of a picture in its own pixels, as Galaxy Zoo 2's.
PICTURE_SIZE = 424


@public
def open_tiles(
    tiles: Any,
    catalogue: Any = None,
    *,
    field: Any = None,
    bands: Sequence[str] = (),
    stretch: Any = None,
    size: int = PICTURE_SIZE,
    hdu: str | int | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    id_column: str | None = None,
    carry: Sequence[str] = (),
    threshold: float = 5.0,
    minimum_area: int = 9,
    progress: Progress = silent,
) -> TileCutouts:
    """Open tiles with the sources of a catalogue, or with those that are found in them.

    The result is a stream of pictures for `Model.predict` and `Model.predict_to_file`: no files
    lie between, and memory does not grow with the number of sources, except for the catalogue.

    Parameters
    ----------
    tiles : str, Path, sequence of them, or mapping of str to them
        FITS files (plain, ``.gz``, ``.bz2``, ``.fz``), folders or patterns. With a file for each
        band: ``{"g": "tiles/{tile}_g.fits", "r": "tiles/{tile}_r.fits", …}``, or
        ``["g=tiles/{tile}_g.fits", …]``.
    catalogue : path or table, optional
        Sources with right ascension and declination in degrees (ICRS or J2000); see
        `find_sources_of` for how the columns are found. Its columns come along. Without it,
        sources are found in the tiles by SEP.
    field : str or astropy Quantity
        The side of the square of sky that a picture shows: ``"30 arcsec"``, ``"64 pixels"`` of the
        tile, or a multiple of a column of radii: ``"8.48 petroR90_r"``. For found sources by
        default ``"8.48 r90"``, as Galaxy Zoo 2's pictures.
    bands : sequence of str, optional
        The bands to use, the shortest wavelength first, by name or by number from 1; or names for
        the planes of cubes. Of more than three, g, r, z or g, r, i make the picture.
    stretch : str or Stretch, optional
        From brightness to grey levels. By default the survey's own where its bands are in
        nanomaggies, otherwise Lupton's for three bands and asinh for one. A model that was trained
        with bands and a stretch of its own sees those.
    size : int
        Side of the pictures, in their own pixels. A model that looks at the middle of a picture
        (the pretrained one at 205 of 424 pixels) sees the same share of it.
    hdu : str or int, optional
        The HDU of the image; by default the first that holds one.
    ra_column, dec_column, id_column : str, optional
        Of the catalogue.
    carry : sequence of str
        Columns of the catalogue that come along, beside its positions; all by default.
    threshold : float
        Of found sources: brightness above the background, in units of its noise.
    minimum_area : int
        Of found sources: pixels above the threshold.
    progress : Progress

    Raises
    ------
    ImageError
        No tile can be used (see `find_tiles`); no source lies in a tile; a tile without WCS, where
        there is a catalogue.
    CatalogError
        The catalogue cannot be read, or has no positions.
    ArgumentError
        The field is not stated or not possible.
    MissingExtraError
        astropy or sep is not installed.
    """
    if catalogue is None:
        _require_no_columns(ra_column=ra_column, dec_column=dec_column, id_column=id_column)
    table = None if catalogue is None else read_catalogue(catalogue)
    columns = SOURCE_COLUMNS if table is None else tuple(table.column_names)
    if field is None and table is not None:
        raise require_field(columns)
    side = parse_field(f"{GALAXY_ZOO_FIELD} r90" if field is None else field, columns)
    tile_files = find_tiles(tiles, bands=bands, hdu=hdu, progress=progress)
    rendering, how = picture_rendering(tile_files.tiles, stretch)
    notes = [*tile_files.notes, how]
    skipped, left = list(tile_files.skipped), list[str]()
    if table is None:
        detection = detect(
            tile_files.tiles,
            side,
            threshold=threshold,
            minimum_area=minimum_area,
            progress=progress,
        )
        opened, placement, planes = detection.tiles, detection.placement, detection.planes
        sources = detection.catalogue
        skipped += detection.skipped
        notes.append(
            f"Found: {counted(len(sources), 'source')}, {threshold:g} times above the noise."
        )
    else:
        sources = find_sources_of(
            table, side, ra_column=ra_column, dec_column=dec_column, id_column=id_column
        )
        carried = carried_columns(sources, carry)
        with_sky, without = require_sky(tile_files.tiles)
        opened, planes = tuple(with_sky), {}
        skipped += without
        placement = place_sources(opened, sources, side, progress)
        used = side.column if side.unit == "column" else None
        left = [name for name in sources.table.column_names if name not in {*carried, used}]
        sources = replace(sources, table=sources.table.select(carried))
    notes += sources.notes
    if edge := int(placement.at_edge.sum()):
        notes.append(
            "Where a field reaches beyond the edge of its tile, `flags` says edge (about "
            f"{counted(edge, 'source')})."
        )
    return TileCutouts(
        opened, sources, placement,
        field=side, rendering=rendering, size=size, notes=notes, skipped=skipped, planes=planes,
        unused=(
            *_unused(placement, opened, skipped),
            *unused_columns(left, "not asked for by `carry`"),
        ),
    )  # fmt: skip


def _unused(
    placement: Placement, tiles: Sequence[SkyTile], skipped: Sequence[tuple[str, str]]
) -> Iterator[Unused]:
    """What of the catalogue and the tiles is not used."""
    if placement.outside:
        yield Unused("rows", placement.outside, "of the catalogue", "outside of all tiles")
    if placement.without_radius:
        yield Unused("rows", placement.without_radius, "of the catalogue", "without a radius")
    counts = np.bincount(placement.tile, minlength=len(tiles))
    empty = [tile.name for tile, count in zip(tiles, counts, strict=True) if not count]
    if empty:
        yield Unused("tiles", len(empty), first_few(empty), "no source is cut out of them")
    for path, reason in skipped[:3]:
        yield Unused("tiles", 1, path, reason)
    if (more := len(skipped) - 3) > 0:
        yield Unused("tiles", more, "others", "cannot be used either")


def _require_no_columns(**columns: str | None) -> None:
    """Refuse columns of a catalogue that there is not.

    Raises
    ------
    ArgumentError
    """
    for argument, name in columns.items():
        if name is not None:
            raise ArgumentError(
                f"`{argument}` is a column of a catalogue, and none is given",
                argument=argument,
                wanted="a `catalogue`",
                got=repr(name),
                hint=f"leave `{argument}` out: sources are found in the tiles",
            )
