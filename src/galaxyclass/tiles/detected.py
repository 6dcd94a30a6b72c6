"""The catalogue of the sources that are found in tiles, each with its tile and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from galaxyclass.data.tables.in_memory import UNIT
from galaxyclass.errors import ArgumentError, ImageError
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted
from galaxyclass.tiles.field import Field
from galaxyclass.tiles.find_sources import SOURCE_COLUMNS, FoundSources, find_sources
from galaxyclass.tiles.open_planes import Planes
from galaxyclass.tiles.placement import Placement
from galaxyclass.tiles.positions import SkyCatalogue
from galaxyclass.tiles.sky import unit_vectors
from galaxyclass.tiles.tile import SkyTile

#: Sources of two tiles that are nearer than this (arcsec) are one source.
_SAME_SOURCE = 1.0
#: Tiles of so many bytes, all together, stay in memory from finding to cutting.
_KEPT_BYTES = 512 << 20


@dataclass(frozen=True)
class Detection:
    """The sources of tiles.

    Attributes
    ----------
    tiles : tuple of SkyTile
        Those that could be read.
    catalogue : SkyCatalogue
        With the columns ``ra``, ``dec`` and those of `FoundSources`.
    placement : Placement
    skipped : tuple of (str, str)
        Tiles that could not be read, and why.
    planes : dict of int to planes
        The pixels of tiles, where all of them are few.
    """

    tiles: tuple[SkyTile, ...]
    catalogue: SkyCatalogue
    placement: Placement
    skipped: tuple[tuple[str, str], ...]
    planes: dict[int, Planes]


def detect(
    candidates: Sequence[SkyTile],
    field: Field,
    *,
    threshold: float,
    minimum_area: int,
    progress: Progress = silent,
) -> Detection:
    """Find the sources of all tiles; one that two tiles show is taken from the better of them.

    Parameters
    ----------
    candidates : sequence of SkyTile
    field : Field
        Of the cutouts; a multiple of one of the columns of `FoundSources`, or stated.
    threshold, minimum_area
        See `find_sources`.
    progress : Progress

    Raises
    ------
    ImageError
        No tile can be read, or no source was found.
    ArgumentError
        A field in arcsec of a tile without WCS.
    MissingExtraError
        sep is not installed.
    """
    read = _read_tiles(
        candidates, threshold=threshold, minimum_area=minimum_area, progress=progress
    )
    tiles, per_tile = read.tiles, read.sources
    tile_of = np.repeat(np.arange(len(tiles), dtype=np.int32), [len(each.x) for each in per_tile])
    if not len(tile_of):
        raise ImageError(
            f"not one source in {counted(len(tiles), 'tile')}",
            wanted=f"{minimum_area} pixels of {threshold:g} times the noise",
            hint="lower `threshold`",
        )
    x = np.concatenate([each.x for each in per_tile])
    y = np.concatenate([each.y for each in per_tile])
    columns = {
        name: np.concatenate([each.columns[name] for each in per_tile]) for name in SOURCE_COLUMNS
    }
    ra, dec = np.full((2, len(x)), np.nan)
    for index, tile in enumerate(tiles):
        if tile.sky is not None:
            rows = tile_of == index
            ra[rows], dec[rows] = tile.sky.to_sky(x[rows], y[rows])
    scales = np.array([tile.scale for tile in tiles])[tile_of]
    side = _sides_of_found(field, scales, columns)
    sizes = np.array([tile.size for tile in tiles])[tile_of]
    depth = np.minimum.reduce([x, sizes[:, 1] - 1 - x, y, sizes[:, 0] - 1 - y]) + 0.5
    at_edge = depth < side / 2
    keep = _once(ra, dec, tile_of, depth)
    names = [f"{tiles[tile_of[row]].name}_{number:05}" for row, number in
             zip(np.flatnonzero(keep), _numbers(tile_of[keep]), strict=True)]  # fmt: skip
    with_sky = all(tile.sky is not None for tile in tiles)
    table = _table_of_found(ra[keep], dec[keep], {n: c[keep] for n, c in columns.items()}, with_sky)
    count = int(keep.sum())
    notes = () if with_sky else ("Tiles without WCS: RA and Dec are empty, radii in pixels.",)
    catalogue = SkyCatalogue(
        names, "id", False, ra[keep], dec[keep], None, not with_sky, table, notes,
        ("ra", "dec") if with_sky else None,
    )  # fmt: skip
    placement = Placement(
        np.arange(count), tile_of[keep], x[keep], y[keep], side[keep], at_edge[keep], 0, 0
    )
    return Detection(tuple(tiles), catalogue, placement, tuple(read.skipped), read.planes)


@dataclass(frozen=True)
class _ReadTiles:
    """Tiles that could be read, and the sources of each; the others, and why they could not.

    `planes` are the pixels of the tiles, where all of them are few.
    """

    tiles: list[SkyTile] = field(default_factory=list)
    sources: list[FoundSources] = field(default_factory=list)
    planes: dict[int, Planes] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def _read_tiles(
    candidates: Sequence[SkyTile], *, threshold: float, minimum_area: int, progress: Progress
) -> _ReadTiles:
    """Read all tiles and find their sources.

    Raises
    ------
    ImageError
        No tile can be read.
    """
    read = _ReadTiles()
    errors: list[ImageError] = []
    size = sum(tile.size[0] * tile.size[1] * len(tile.bands) * 4 for tile in candidates)
    for count, tile in enumerate(candidates, start=1):
        try:
            planes = tile.read()
            sources = find_sources(tile, planes, threshold=threshold, minimum_area=minimum_area)
        except ImageError as error:
            errors.append(error)
            read.skipped.append((tile.path, error.one_line))
        else:
            if size <= _KEPT_BYTES:
                read.planes[len(read.tiles)] = planes
            read.tiles.append(tile)
            read.sources.append(sources)
        progress("find sources", count, len(candidates), unit="tiles")
    if not read.tiles:
        raise errors[0]
    return read


def _sides_of_found(field: Field, scales: Any, columns: dict[str, Any]) -> Any:
    """The side of each field, in pixels."""
    known = np.isfinite(scales)
    if field.unit == "column":
        return field.value * columns[field.column] / np.where(known, scales, 1.0)
    if field.unit == "pixels":
        return np.full(len(scales), field.value)
    if not known.all():
        raise ArgumentError(
            "`field` in arcsec, but a tile has no WCS and its scale is not known",
            argument="field",
            hint='name it in pixels: `field="64 pixels"`',
        )
    return field.value / scales


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
