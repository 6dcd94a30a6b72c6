"""`open_tiles`: from tiles and a catalogue to the sources that can be cut out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from galaxyclass.arguments import public
from galaxyclass.data.tables.in_memory import UNIT
from galaxyclass.errors import ArgumentError, ImageError
from galaxyclass.images.colour_formulas import COLOUR_FORMULAS
from galaxyclass.images.stretch import Stretch
from galaxyclass.progress import Progress, silent
from galaxyclass.tiles.field import GALAXY_ZOO_FIELD, Field, parse_field, require_field
from galaxyclass.tiles.find_sources import FoundSources, find_sources
from galaxyclass.tiles.find_tiles import FoundTiles, find_tiles
from galaxyclass.tiles.placement import Placement, place_sources
from galaxyclass.tiles.positions import SkyCatalogue, find_sources_of, read_catalogue
from galaxyclass.tiles.sky import unit_vectors
from galaxyclass.tiles.tile import Tile
from galaxyclass.tiles.tile_cutouts import TileCutouts

#: Side of a picture in its own pixels, as Galaxy Zoo 2's.
PICTURE_SIZE = 424
#: Columns of sources that were found.
_FOUND = ("snr", "r50", "r90", "axis_ratio")
#: Sources of two tiles that are nearer than this (arcsec) are one source.
_SAME_SOURCE = 1.0


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
        `find_sources_of` for how the columns are found. All columns are carried along. Without it,
        sources are found in the tiles by SEP.
    field : str or astropy Quantity
        The side of the square of sky that a picture shows: ``"30 arcsec"``, ``"64 pixels"`` of the
        tile, or a multiple of a column of radii: ``"8.48 petroR90_r"``. For found sources by
        default ``"8.48 r90"``, as Galaxy Zoo 2's pictures.
    bands : sequence of str, optional
        The bands to use, the shortest wavelength first, or names for the planes of cubes.
    stretch : str or Stretch, optional
        From brightness to grey levels. By default the survey's own where its bands are in
        nanomaggies, otherwise Lupton's for three bands and asinh for one.
    size : int
        Side of the pictures, in their own pixels. A model that looks at the middle of a picture
        (the pretrained one at 205 of 424 pixels) sees the same share of it.
    hdu : str or int, optional
        The HDU of the image; by default the first that holds one.
    ra_column, dec_column, id_column : str, optional
        Of the catalogue.
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
        The field is not stated or not possible; neither one nor three bands.
    MissingExtraError
        astropy or sep is not installed.
    """
    table = None if catalogue is None else read_catalogue(catalogue)
    columns = _FOUND if table is None else tuple(table.column_names)
    if field is None and table is not None:
        raise require_field(columns)
    side = parse_field(f"{GALAXY_ZOO_FIELD} r90" if field is None else field, columns)
    found = find_tiles(tiles, bands=bands, hdu=hdu, progress=progress)
    _require_bands(found.tiles)
    chosen, stretch_note = _stretch(stretch, found.tiles)
    notes = [*found.notes, stretch_note]
    skipped = list(found.skipped)
    if table is None:
        opened, sources, placement = _find(
            found, side, threshold, minimum_area, skipped, progress
        )
        notes.append(f"{len(sources):,} sources were found, of {threshold:g} times the noise.")
    else:
        sources = find_sources_of(
            table, side, ra_column=ra_column, dec_column=dec_column, id_column=id_column
        )
        opened = found.tiles
        placement = place_sources(opened, sources, side, progress)
        notes += sources.notes
    notes += _left_out(placement, skipped, len(opened))
    return TileCutouts(
        opened, sources, placement,
        field=side, stretch=chosen, size=size, notes=notes, skipped=skipped,
    )  # fmt: skip


def _require_bands(tiles: Sequence[Tile]) -> None:
    bands = tiles[0].bands
    if len(bands) not in (1, 3):
        raise ArgumentError(
            f"{tiles[0].path}: {len(bands)} bands",
            argument="bands",
            wanted="one band, or three of which a colour picture is made",
            got=", ".join(bands),
            hint=f"name three: `bands={list(bands[:3])}`" if len(bands) > 3 else
            f"name one: `bands={list(bands[:1])}`",
        )  # fmt: skip


def _stretch(stretch: Any, tiles: Sequence[Tile]) -> tuple[Stretch, str]:
    """The stretch, and what to say of it."""
    bands = tiles[0].bands
    shown = "red, green, blue" if len(bands) == 3 else "grey"
    order = f"{', '.join(reversed(bands))} as {shown}"
    if stretch is not None:
        chosen = stretch if isinstance(stretch, Stretch) else Stretch(str(stretch))  # type: ignore[arg-type]
        return chosen, f"Stretch {chosen.name}: {order}."
    unit = str(tiles[0].images[0].header.get("BUNIT", "")).lower()
    survey = str(tiles[0].images[0].header.get("SURVEY", "")).lower()
    flux = "nanomagg" in unit or "nmgy" in unit or survey in ("decals", "sdss")
    if flux:
        for name, formula in COLOUR_FORMULAS.items():
            if {band.lower() for band in bands} == set(formula.bands):
                return Stretch(name), f"Stretch {name} ({formula.title}'s colours): {order}."  # type: ignore[arg-type]
    name = "lupton" if len(bands) == 3 else "asinh"
    return Stretch(name), (  # type: ignore[arg-type]
        f"Stretch {name}, between limits found in each picture: {order}. Of fluxes in nanomaggies "
        "the surveys' own are known (`stretch`)."
    )


def _find(
    found: FoundTiles,
    field: Field,
    threshold: float,
    minimum_area: int,
    skipped: list[tuple[str, str]],
    progress: Progress,
) -> tuple[tuple[Tile, ...], SkyCatalogue, Placement]:
    """Find the sources of all tiles; those of two tiles that overlap are taken once."""
    tiles: list[Tile] = []
    per_tile: list[FoundSources] = []
    errors: list[ImageError] = []
    for count, tile in enumerate(found.tiles, start=1):
        try:
            per_tile.append(find_sources(tile, threshold=threshold, minimum_area=minimum_area))
            tiles.append(tile)
        except ImageError as error:
            errors.append(error)
            skipped.append((tile.path, " ".join(str(error).split())))
        progress("find sources", count, len(found.tiles), unit="tiles")
    if not tiles:
        raise errors[0]
    tile_of = np.repeat(np.arange(len(tiles), dtype=np.int32), [len(each.x) for each in per_tile])
    if not len(tile_of):
        raise ImageError(
            f"not one source in {len(tiles):,} tiles",
            wanted=f"{minimum_area} pixels of {threshold:g} times the noise",
            hint="lower `threshold`",
        )
    x = np.concatenate([each.x for each in per_tile])
    y = np.concatenate([each.y for each in per_tile])
    columns = {name: np.concatenate([each.columns[name] for each in per_tile]) for name in _FOUND}
    ra, dec = np.full((2, len(x)), np.nan)
    for index, tile in enumerate(tiles):
        if tile.sky is not None:
            rows = tile_of == index
            ra[rows], dec[rows] = tile.sky.to_sky(x[rows], y[rows])
    side, at_edge, depth = _field_of_found(field, tiles, tile_of, x, y, columns)
    keep = _once(ra, dec, tile_of, depth)
    names = [f"{tiles[tile_of[row]].name}_{number:05}" for row, number in
             zip(np.flatnonzero(keep), _numbers(tile_of[keep]), strict=True)]  # fmt: skip
    with_sky = all(tile.sky is not None for tile in tiles)
    table = _table_of_found(ra[keep], dec[keep], {n: c[keep] for n, c in columns.items()}, with_sky)
    count = int(keep.sum())
    notes = () if with_sky else ("Tiles without WCS: RA and Dec are empty, radii in pixels.",)
    catalogue = SkyCatalogue(
        names, "id", False, ra[keep], dec[keep], None, not with_sky, table, notes
    )
    placement = Placement(
        np.arange(count), tile_of[keep], x[keep], y[keep], side[keep], at_edge[keep], 0, 0
    )
    return tuple(tiles), catalogue, placement


def _field_of_found(
    field: Field, tiles: Sequence[Tile], tile_of: Any, x: Any, y: Any, columns: Any
) -> tuple[Any, Any, Any]:
    """Side in pixels, whether it reaches beyond the tile, and the distance to the tile's edge."""
    scales = np.array([tile.scale for tile in tiles])[tile_of]
    if field.unit == "arcsec" and np.isnan(scales).any():
        raise ArgumentError(
            "`field` in arcsec, but a tile has no WCS and its scale is not known",
            argument="field",
            hint='name it in pixels: `field="64 pixels"`',
        )
    if field.unit == "column":
        side = field.value * columns[field.column] / np.where(np.isnan(scales), 1.0, scales)
    else:
        side = np.full(len(x), field.value) / (scales if field.unit == "arcsec" else 1.0)
    sizes = np.array([tile.size for tile in tiles])[tile_of]
    depth = np.minimum.reduce([x, sizes[:, 1] - 1 - x, y, sizes[:, 0] - 1 - y]) + 0.5
    return side, depth < side / 2, depth


def _once(ra: Any, dec: Any, tile_of: Any, depth: Any) -> Any:
    """Which sources to keep: of those that two tiles show, the one deeper inside its tile."""
    from scipy.spatial import cKDTree

    keep = np.ones(len(ra), bool)
    known = np.flatnonzero(np.isfinite(ra))
    if len(known) < 2 or len(set(tile_of[known].tolist())) < 2:
        return keep
    tree = cKDTree(unit_vectors(ra[known], dec[known]))
    pairs = known[tree.query_pairs(np.radians(_SAME_SOURCE / 3600), output_type="ndarray")]
    pairs = pairs[tile_of[pairs[:, 0]] != tile_of[pairs[:, 1]]]
    for first, second in pairs:
        keep[second if depth[first] >= depth[second] else first] = False
    return keep


def _numbers(tile_of: Any) -> Any:
    """1, 2, 3 … within each tile, whose sources follow each other."""
    starts = np.flatnonzero(np.diff(tile_of, prepend=-1))
    return np.arange(len(tile_of)) - np.repeat(starts, np.diff([*starts, len(tile_of)])) + 1


def _table_of_found(ra: Any, dec: Any, columns: Any, with_sky: bool) -> pa.Table:
    radius = b"arcsec" if with_sky else b"pix"
    units = {"ra": b"deg", "dec": b"deg", "r50": radius, "r90": radius}
    arrays = {
        "ra": pa.array(ra, from_pandas=True),
        "dec": pa.array(dec, from_pandas=True),
        **{name: pa.array(column.astype(np.float32)) for name, column in columns.items()},
    }
    fields = [
        pa.field(name, array.type, metadata={UNIT: units[name]} if name in units else None)
        for name, array in arrays.items()
    ]
    return pa.table(list(arrays.values()), schema=pa.schema(fields))


def _left_out(
    placement: Placement, skipped: Sequence[tuple[str, str]], tiles: int
) -> list[str]:
    """What of catalogue and tiles is not used, and what is not whole."""
    notes = []
    if placement.outside:
        notes.append(f"{placement.outside:,} sources of the catalogue lie outside of all tiles.")
    if placement.without_radius:
        notes.append(f"{placement.without_radius:,} sources have no radius and were left out.")
    if edge := int(placement.at_edge.sum()):
        notes.append(
            f"{edge:,} sources lie so near the edge of their tile that their field reaches beyond "
            "it: `flags` says edge."
        )
    if skipped:
        shown = "; ".join(f"{path}: {reason}" for path, reason in skipped[:3])
        notes.append(f"{len(skipped):,} of {tiles + len(skipped):,} tiles cannot be used: {shown}")
    return notes
