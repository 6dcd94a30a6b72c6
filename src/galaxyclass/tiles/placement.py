"""Which tile each source is cut out of, and at which pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted
from galaxyclass.tiles.field import Field, sides
from galaxyclass.tiles.positions import SkyCatalogue
from galaxyclass.tiles.sky import chord, footprint, unit_vectors
from galaxyclass.tiles.tile import SkyTile


@dataclass(frozen=True)
class Placement:
    """The sources that lie in tiles, tile after tile, and in the catalogue's order in each.

    Attributes
    ----------
    source : (placed,) int64
        Row of the catalogue.
    tile : (placed,) int32
    x, y : (placed,) float64
        Pixels of the tile, 0 the first pixel's centre.
    side : (placed,) float64
        Of the cutout's field, in pixels of the tile.
    at_edge : (placed,) bool
        Whether the field reaches beyond the tile.
    outside : int
        How many sources lie in no tile.
    without_radius : int
        How many of those in a tile have no radius, and no cutout therefore.
    """

    source: NDArray[np.int64]
    tile: NDArray[np.int32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    side: NDArray[np.float64]
    at_edge: NDArray[np.bool_]
    outside: int
    without_radius: int

    def __len__(self) -> int:
        return len(self.source)


def place_sources(
    tiles: Sequence[SkyTile], catalogue: SkyCatalogue, field: Field, progress: Progress = silent
) -> Placement:
    """Find the tile and the pixels of each source.

    The positions near a tile are turned to pixels in one call. A source that lies in several tiles
    is cut out of the one that shows all of its field, or the most of it; of equals, the first.

    Raises
    ------
    ImageError
        No source lies in any of the tiles.
    """
    from scipy.spatial import cKDTree

    known = np.flatnonzero(np.isfinite(catalogue.ra) & np.isfinite(catalogue.dec))
    ra, dec = catalogue.ra[known], catalogue.dec[known]
    tree = cKDTree(unit_vectors(ra, dec)) if len(known) else None
    count = len(catalogue)
    best = np.full(count, -np.inf)
    tile_of = np.full(count, -1, np.int32)
    x, y, side = (np.full(count, np.nan) for _ in range(3))
    for index, tile in enumerate(tiles):
        progress("place sources", index + 1, len(tiles), unit="tiles")
        if tile.sky is None or tree is None:
            continue
        centre, radius = footprint(tile.sky, tile.size)
        near = np.sort(np.array(tree.query_ball_point(centre, chord(radius)), np.int64))
        if not len(near):
            continue
        tile_x, tile_y = tile.sky.to_pixels(ra[near], dec[near])
        margin = _margin(tile_x, tile_y, tile.size)
        inside = margin >= 0
        rows = known[near[inside]]
        tile_side = _sides(field, tile, catalogue, rows)
        # The share of half a field that lies inside, up to 1: all of it.
        share = np.minimum((margin[inside] + 0.5) / np.maximum(tile_side / 2, 0.5), 1.0)
        share = np.where(np.isnan(share), 0.0, share)
        better = share > best[rows]
        chosen = rows[better]
        best[chosen], tile_of[chosen] = share[better], index
        x[chosen], y[chosen] = tile_x[inside][better], tile_y[inside][better]
        side[chosen] = tile_side[better]
    if not (tile_of >= 0).any():
        raise _all_outside(tiles, catalogue)
    placed = np.flatnonzero((tile_of >= 0) & np.isfinite(side))
    placed = placed[np.argsort(tile_of[placed], kind="stable")]
    return Placement(
        source=placed,
        tile=tile_of[placed],
        x=x[placed],
        y=y[placed],
        side=side[placed],
        at_edge=best[placed] < 1,
        outside=int((tile_of < 0).sum()),
        without_radius=int(((tile_of >= 0) & ~np.isfinite(side)).sum()),
    )


def _margin(
    x: NDArray[np.float64], y: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float64]:
    """The distance of pixels from the tile's nearest edge; negative outside."""
    height, width = size
    with np.errstate(invalid="ignore"):
        margin = np.minimum.reduce([x + 0.5, width - 0.5 - x, y + 0.5, height - 0.5 - y])
    return np.where(np.isfinite(margin), margin, -1.0)


def _sides(
    field: Field, tile: SkyTile, catalogue: SkyCatalogue, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    radii = None if catalogue.radii is None else catalogue.radii[rows]
    scale = 1.0 if catalogue.radius_in_pixels else tile.scale
    return np.broadcast_to(sides(field, scale, radii), (len(rows),)).astype(np.float64)


def require_sky(tiles: Sequence[SkyTile]) -> tuple[list[SkyTile], list[tuple[str, str]]]:
    """The tiles whose header has a WCS; and the others, with the reason.

    Raises
    ------
    ImageError
        Not one has it.
    """
    with_sky = [tile for tile in tiles if tile.sky is not None]
    if not with_sky:
        raise _without_wcs(tiles[0])
    reason = "no position on the sky in its header (WCS)"
    return with_sky, [(tile.path, reason) for tile in tiles if tile.sky is None]


def _without_wcs(tile: SkyTile) -> ImageError:
    return ImageError(
        f"{tile.path}: no position on the sky in its header (WCS)",
        wanted="CTYPE1 and CTYPE2 such as RA---TAN and DEC--TAN, with CRVAL, CRPIX and CD",
        hint="solve the image (astrometry.net), choose another HDU (`hdu`), or find its sources "
        "without a `catalogue`",
    )


def _all_outside(tiles: Sequence[SkyTile], catalogue: SkyCatalogue) -> ImageError:
    tiles = [tile for tile in tiles if tile.sky is not None]
    boxes = [_box(tile) for tile in tiles[:3]]
    ra, dec = catalogue.ra, catalogue.dec
    more = f"\nand {counted(len(tiles) - 3, 'more tile')}" if len(tiles) > 3 else ""
    return ImageError(
        "not one source of the catalogue lies in a tile",
        wanted="\n".join(
            f"RA {low_ra:.4f} to {high_ra:.4f}, Dec {low_dec:+.4f} to {high_dec:+.4f} ({tile.path})"
            for tile, (low_ra, high_ra, low_dec, high_dec) in zip(tiles, boxes, strict=False)
        )
        + more,
        got=f"RA {np.nanmin(ra):.4f} to {np.nanmax(ra):.4f}, "
        f"Dec {np.nanmin(dec):+.4f} to {np.nanmax(dec):+.4f}"
        if np.isfinite(ra).any() and np.isfinite(dec).any()
        else "no positions at all",
        hint=_remedy(tiles, catalogue),
    )


def _remedy(tiles: Sequence[SkyTile], catalogue: SkyCatalogue) -> str:
    """What would put the sources into the tiles, tried out."""
    ra, dec = catalogue.ra, catalogue.dec
    trials = (
        ("right ascension and declination seem to be swapped: name `ra_column` and `dec_column`",
         dec, ra),
        ("right ascension seems to be in hours: multiply it by 15", ra * 15, dec),
        ("the catalogue seems to be in radians: turn it to degrees",
         np.degrees(ra), np.degrees(dec)),
    )  # fmt: skip
    for remedy, other_ra, other_dec in trials:
        possible = np.abs(other_dec) <= 90
        possible &= (other_ra >= -180) & (other_ra <= 360)
        if possible.any() and any(
            (_margin(*tile.sky.to_pixels(other_ra[possible], other_dec[possible]), tile.size) >= 0)
            .any()
            for tile in tiles[:100]
            if tile.sky is not None
        ):  # fmt: skip
            return remedy
    return "check that catalogue and tiles belong together, and the header's CRVAL"


def _box(tile: SkyTile) -> tuple[float, float, float, float]:
    """Smallest and largest RA and Dec along a tile's border; RA runs below 0 at its zero."""
    assert tile.sky is not None, "tiles without a WCS are refused before"
    height, width = tile.size
    steps = np.linspace(-0.5, 1, 9)[1:]
    x = np.concatenate([steps * width, steps * width, 0 * steps, 0 * steps + width]) - 0.5
    y = np.concatenate([0 * steps, 0 * steps + height, steps * height, steps * height]) - 0.5
    ra, dec = tile.sky.to_sky(x, y)
    if np.nanmax(ra) - np.nanmin(ra) > 180:
        ra = np.where(ra > 180, ra - 360, ra)
    return float(np.nanmin(ra)), float(np.nanmax(ra)), float(np.nanmin(dec)), float(np.nanmax(dec))
