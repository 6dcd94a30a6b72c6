"""Which bands of tiles become a picture, and by which stretch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError, ImageError
from galaxyclass.images.band_image import BandImage
from galaxyclass.images.colour_formulas import COLOUR_FORMULAS
from galaxyclass.images.render import RenderSettings, require_light
from galaxyclass.images.stretch import Stretch, stretch_pixels
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.stretches import StretchName
from galaxyclass.tiles.tile import SkyTile

#: The surveys' own stretches that are chosen by themselves, where fluxes are in nanomaggies.
_OWN: tuple[StretchName, ...] = ("galaxy-zoo-decals", "sdss")


@dataclass(frozen=True)
class TileRendering:
    """How bands become grey levels.

    Attributes
    ----------
    planes : tuple of int
        Indices of the bands among those of the tile.
    bands : tuple of str
        Their names.
    stretch : Stretch
    red_first : bool
        Whether bands that are stretched each by itself are shown the last one first.
    """

    planes: tuple[int, ...]
    bands: tuple[str, ...]
    stretch: Stretch
    red_first: bool

    def levels(self, pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
        """(height, width, channels) uint8 of the pixels (height, width, bands) of its bands.

        Raises
        ------
        ImageError
            The stretch does not fit the bands.
        """
        try:
            levels = stretch_pixels(pixels, self.stretch, self.bands)
        except ArgumentError as error:
            raise ImageError(
                error.what, wanted=error.wanted, got=error.got, hint=error.hint
            ) from error
        if self.red_first and not self.stretch.in_colour:
            levels = levels[..., ::-1]
        return np.ascontiguousarray(levels)


def picture_rendering(tiles: Sequence[SkyTile], stretch: Any) -> tuple[TileRendering | None, str]:
    """How the pictures of tiles are made, and a sentence on it.

    Parameters
    ----------
    tiles : sequence of SkyTile
        Of the same bands.
    stretch : str, Stretch or None
        None: the survey's own where three bands are in nanomaggies; otherwise Lupton's of three
        bands, asinh of one.

    Returns
    -------
    TileRendering or None
        None where neither one nor three bands are chosen: they make no picture, but can be written
        as FITS, and be seen by a model of as many bands.
    """
    bands = tiles[0].bands
    planes = _planes(bands)
    if planes is None:
        return None, f"{len(bands)} bands, {', '.join(bands)}: no picture without three in `bands`."
    bands = tuple(bands[plane] for plane in planes)
    chosen = _stretch(tiles[0], bands) if stretch is None else stretch
    if not isinstance(chosen, Stretch):
        chosen = Stretch(chosen)
    formula = COLOUR_FORMULAS.get(chosen.name)
    note = f"Stretch {chosen.name}" + (f" ({formula.title})" if formula else "")
    shown = "red, green, blue" if len(bands) == 3 else "grey"
    note += f": {', '.join(reversed(bands))} as {shown}."
    if stretch is None and formula is None:
        note += " Limits that are not stated are found in each picture."
    return TileRendering(planes, bands, chosen, red_first=True), note


def model_rendering(
    preprocessing: Preprocessing, tile: SkyTile, picture: TileRendering | None
) -> TileRendering:
    """How a model sees tiles: by its own bands and stretch where it has some, or as pictures.

    Raises
    ------
    ImageError
        A band of the model is missing, or there are neither one nor three bands.
    """
    for image in tile.images:
        require_light(str(image.header.get("BUNIT", "")).strip())
    settings = RenderSettings.of(preprocessing.model_dump())
    if not settings.bands and settings.stretch is None and settings.limits is None:
        return require_picture(picture, tile)
    if settings.bands:
        named = BandImage(np.empty((0, 0, len(tile.bands))), tile.bands, source=tile.path)
        indices = [named.index(band) for band in settings.bands]
        if None in indices:
            named.choose(settings.bands)  # raises what is missing
        planes = tuple(index for index in indices if index is not None)
    else:
        planes = require_picture(picture, tile).planes
    name = settings.stretch
    if name is None:
        alone = settings.colour == "bands" or picture is None
        name = "asinh" if alone or picture is None else picture.stretch.name
    bands = tuple(tile.bands[plane] for plane in planes)
    red_first = settings.colour == "rgb" and len(planes) == 3
    return TileRendering(planes, bands, settings.stretched(name), red_first)


def require_picture(picture: TileRendering | None, tile: SkyTile) -> TileRendering:
    """The rendering of pictures, if the bands make some.

    Raises
    ------
    ArgumentError
    """
    for image in tile.images:
        require_light(str(image.header.get("BUNIT", "")).strip())
    if picture is None:
        bands = list(tile.bands[:3] if len(tile.bands) > 3 else tile.bands[:1])
        raise ArgumentError(
            f"{tile.path}: {len(tile.bands)} bands",
            argument="bands",
            wanted="one band, or three of which a colour picture is made",
            got=", ".join(tile.bands),
            hint=f"name them, for instance `bands={bands}`",
        )
    return picture


def _planes(bands: Sequence[str]) -> tuple[int, ...] | None:
    """The bands of a picture: the only one, three, or those of a survey's formula."""
    if len(bands) in (1, 3):
        return tuple(range(len(bands)))
    for name in _OWN:
        wanted = COLOUR_FORMULAS[name].bands
        if set(wanted) <= set(bands):
            return tuple(bands.index(band) for band in wanted)
    return None


def _stretch(tile: SkyTile, bands: Sequence[str]) -> StretchName:
    header = tile.images[0].header
    unit = str(header.get("BUNIT", "")).casefold()
    survey = str(header.get("SURVEY", "")).casefold()
    in_nanomaggies = (
        "nanomag" in unit or unit == "nmgy" or (not unit and survey in ("decals", "sdss"))
    )
    for name in _OWN if in_nanomaggies else ():
        if {band.lower() for band in bands} == set(COLOUR_FORMULAS[name].bands):
            return name
    return "lupton" if len(bands) == 3 else "asinh"
