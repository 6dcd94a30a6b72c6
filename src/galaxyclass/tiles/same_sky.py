"""Tiles that show the same piece of the sky, pixel for pixel: often the bands of one tile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxyclass.errors import ImageError
from galaxyclass.short import counted, first_few
from galaxyclass.tiles.tile import SkyTile


def require_no_bands(tiles: Sequence[SkyTile]) -> tuple[str, ...]:
    """Refuse files of one band that are the bands of one tile; a note on other repeated tiles.

    A source is cut out of one tile alone. Files of one band that were not named with their bands
    would be taken for tiles: all but one would be passed over, and the pictures be grey.

    Parameters
    ----------
    tiles : sequence of SkyTile

    Returns
    -------
    tuple of str
        A note where some tiles show the same pixels of the sky.

    Raises
    ------
    ImageError
        All tiles have one band, and each shows the same pixels of the sky as another.
    """
    groups: dict[object, list[SkyTile]] = {}
    for tile in tiles:
        if tile.sky is not None:
            groups.setdefault(_grid(tile), []).append(tile)
    repeated = [group for group in groups.values() if len(group) > 1]
    if not repeated:
        return ()
    group = repeated[0]
    names = first_few([Path(tile.path).name for tile in group])
    if sum(map(len, repeated)) < len(tiles) or any(len(tile.bands) > 1 for tile in tiles):
        return (
            f"{names} show the same piece of the sky, pixel for pixel: each source is cut out of "
            "one of them.",
        )
    bands = [tile.bands[0] for tile in group]
    if len(set(bands)) < len(group) or any(band.isdigit() for band in bands):
        bands = ["g", "r", "i", "z", "y"][: len(group)]
    example = ", ".join(
        f"'{band}={tile.path}'" for band, tile in zip(bands, group, strict=False)
    )  # fmt: skip
    raise ImageError(
        f"{counted(len(group), 'file')} of one band show the same piece of the sky, pixel for "
        "pixel",
        wanted="the bands of a tile, each file named with its band (BAND=FILE); or one band alone",
        got=names,
        hint=f"if these are bands of one tile: `tiles=[{example}]`",
    )


def _grid(tile: SkyTile) -> object:
    """What two tiles have in common that show the same pixels of the sky."""
    assert tile.sky is not None, "tiles without a WCS are not compared"
    wcs = tile.sky.wcs
    matrix = wcs.pixel_scale_matrix.ravel()
    return (
        tile.size,
        tuple(wcs.wcs.ctype),
        tuple(round(float(value), 7) for value in wcs.wcs.crval),
        tuple(round(float(value), 3) for value in wcs.wcs.crpix),
        tuple(round(float(value), 12) for value in matrix),
    )
