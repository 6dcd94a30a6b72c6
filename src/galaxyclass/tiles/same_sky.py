"""Tiles that show the same piece of the sky, pixel for pixel: often the bands of one tile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from galaxyclass.errors import ImageError
from galaxyclass.short import counted, first_few
from galaxyclass.tiles.tile import SkyTile

#: The band in a file's name, between separators.
_BAND = re.compile(r"(?<![A-Za-z0-9])[ugrizyYJHK](?![A-Za-z0-9])")


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
        All tiles have one band, each shows the same pixels of the sky as another, and their headers
        do not say that it is one band.
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
    if (
        sum(map(len, repeated)) < len(tiles)
        or any(len(tile.bands) > 1 for tile in tiles)
        or _state_one_band(tiles)
    ):
        return (
            f"{names} show the same piece of the sky, pixel for pixel: each source is cut out of "
            "one of them.",
        )
    example = ", ".join(
        f"'{band}={tile.path}'" for band, tile in zip(_bands(group), group, strict=True)
    )
    raise ImageError(
        f"{counted(len(group), 'file')} of one band show the same piece of the sky, pixel for "
        "pixel",
        wanted="the bands of a tile, each file named with its band (BAND=FILE); or one band alone",
        got=names,
        hint=f"if these are bands of one tile: `tiles=[{example}]`",
    )


def _state_one_band(tiles: Sequence[SkyTile]) -> bool:
    """Whether the headers state one band for all tiles: several exposures, and no colours."""
    stated = {tile.bands[0] for tile in tiles}
    return len(stated) == 1 and not stated.pop().isdigit()


def _bands(group: Sequence[SkyTile]) -> list[str]:
    """The band of each file by its header, or by its name; an ellipsis where they do not say."""
    by_header = [tile.bands[0] for tile in group]
    by_name = [_BAND.findall(Path(tile.path).name) for tile in group]
    for bands in (by_header, [found[-1] if found else "" for found in by_name]):
        if len(set(bands)) == len(group) and all(band and not band.isdigit() for band in bands):
            return bands
    return ["…"] * len(group)


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
