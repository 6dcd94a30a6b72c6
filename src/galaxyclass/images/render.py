"""From a picture in bands to the grey levels that a cutout is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError, ImageError
from galaxyclass.images.band_image import BandImage
from galaxyclass.images.colour_formulas import COLOUR_FORMULAS
from galaxyclass.images.levels import levels_of_16_bits
from galaxyclass.images.stretch import Stretch, stretch_pixels
from galaxyclass.recipes.stretches import StretchName

#: ``any``: whatever can be read, in as many channels as it has; to see whether a file is sound.
Channels = Literal["rgb", "grey", "bands", "any"]

#: A picture is enlarged and shrunk by its WCS by no more than this.
_MOST_ZOOM = 16.0

#: Fluxes in nanomaggies: the sky's level and the brightest pixels of a picture lie between these.
_SKY, _BRIGHT = 2.0, (0.003, 1e5)


@dataclass(frozen=True)
class RenderSettings:
    """The settings of `Preprocessing` by which a picture is read and stretched; see there."""

    colour: Channels = "rgb"
    bands: tuple[str, ...] = ()
    stretch: StretchName | None = None
    limits: tuple[float, float] | tuple[tuple[float, float], ...] | None = None
    percentiles: tuple[float, float] | None = None
    softening: float | None = None
    hdu: str | int | None = None
    scale: Literal["auto", "keep"] = "auto"
    pixel_scale: float | None = None
    picture_size: int | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> RenderSettings:
        """Those among all settings of a `Preprocessing`."""
        chosen = {name: settings[name] for name in _NAMES if settings.get(name) is not None}
        for name in ("bands", "limits", "percentiles"):
            if name in chosen:
                chosen[name] = _tuples(chosen[name])
        return cls(**chosen)

    def stretched(self, name: StretchName) -> Stretch:
        """The stretch of that name with the other settings."""
        stated = {
            field: value
            for field in ("limits", "percentiles", "softening")
            if (value := getattr(self, field)) is not None
        }
        return Stretch(name, **stated)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


_NAMES = tuple(field.name for field in fields(RenderSettings))


@dataclass(frozen=True)
class Rendered:
    """Grey levels (height, width, channels) uint8, and remarks on how they were made."""

    levels: NDArray[np.uint8]
    notes: tuple[str, ...]


def render_bands(image: BandImage, settings: RenderSettings) -> Rendered:
    """Choose the bands of a picture, stretch them, and bring it to the scale of the model.

    Parameters
    ----------
    image : BandImage
    settings : RenderSettings
        Without a stretch: three bands become colours, by SDSS's formula where they are g, r, i and
        by Galaxy Zoo DECaLS' where they are g, r, z, if they are fluxes in nanomaggies; otherwise
        by Lupton's, with limits found in the picture. One band is stretched by asinh, and is grey.

    Returns
    -------
    Rendered
        1 or 3 channels, or one for each band where ``colour`` is ``bands``.

    Raises
    ------
    ImageError
        A band is missing; it is not clear which bands are meant; a pixel scale that cannot be.
    """
    bands, pixels = _chosen(image, settings)
    name, reason = settings.stretch, ""
    if name is None:
        name, reason = _default_stretch(image, pixels, bands, settings)
    formula = COLOUR_FORMULAS.get(name)
    if formula is not None and bands:
        order = _places(bands, formula.bands)
        if order:
            bands, pixels = formula.bands, pixels[..., order]
    stretch = settings.stretched(name)
    narrow: tuple[str, ...] = ()
    if name == "none" and _has_16_bits(pixels):
        pixels, narrow = levels_of_16_bits(pixels.astype(np.uint16))
    try:
        levels = stretch_pixels(pixels, stretch, bands)
    except ArgumentError as error:
        raise ImageError(error.what, wanted=error.wanted, got=error.got, hint=error.hint) from error
    notes = [_how(image, bands, stretch, reason), *narrow]
    if image.unused:
        notes.append(f"not used: {image.unused}")
    levels, scaled = _to_scale(levels, image.pixel_scale, settings)
    return Rendered(levels, (*notes, *scaled))


def _chosen(
    image: BandImage, settings: RenderSettings
) -> tuple[tuple[str, ...], NDArray[np.generic]]:
    """The names of the bands that are wanted, none where they have only numbers; their pixels."""
    if settings.bands:
        numbered = all(band.isdecimal() for band in settings.bands)
        return () if numbered else settings.bands, image.choose(settings.bands)
    count = image.pixels.shape[2]
    if settings.colour == "any" or count in (1, 3):
        return image.bands, image.pixels
    formula = COLOUR_FORMULAS.get(settings.stretch or "")
    if image.bands:
        for wanted in [formula.bands] if formula else [("g", "r", "z"), ("g", "r", "i")]:
            if all(image.index(band) is not None for band in wanted):
                return wanted, image.choose(wanted)
    raise ImageError(
        f"{count} bands, and it is not clear which of them are meant",
        argument="bands",
        wanted="one band, or three that become blue, green and red",
        got=", ".join(image.names) if image.bands else f"{count} bands without names",
        hint="name them in `bands`, the shortest wavelength first",
    )


def _places(bands: tuple[str, ...], wanted: tuple[str, ...]) -> list[int]:
    """Where the bands of a formula are among bands with names; empty if one is missing."""
    named = BandImage(np.empty((0, 0, len(bands))), bands)
    places = [named.index(band) for band in wanted]
    return [] if None in places else [place for place in places if place is not None]


def _default_stretch(
    image: BandImage,
    pixels: NDArray[np.generic],
    bands: tuple[str, ...],
    settings: RenderSettings,
) -> tuple[StretchName, str]:
    """The stretch for a picture, and why it is not another."""
    if pixels.dtype == np.uint8:
        return "none", ""
    if image.is_display and _has_16_bits(pixels):
        return "none", ""
    if image.is_display and pixels.dtype.kind == "f" and _are_levels(pixels):
        return "none", "floats from 0 to 1 are grey levels"
    if pixels.shape[2] != 3 or settings.colour == "bands":
        return "asinh", ""
    formulas: tuple[StretchName, ...] = ("galaxy-zoo-decals", "sdss")
    for name in formulas:
        if _places(bands, COLOUR_FORMULAS[name].bands):
            if not _in_nanomaggies(image, pixels):
                return "lupton", "the pixels are not fluxes in nanomaggies"
            return name, ""
    return "lupton", "" if bands else "the bands have no names: the first is taken as blue"


def _has_16_bits(pixels: NDArray[np.generic]) -> bool:
    return pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2


def _are_levels(pixels: NDArray[np.generic]) -> bool:
    """Whether floats are grey levels already: none below 0, none above 1."""
    values = np.asarray(pixels, np.float64)
    finite = values[np.isfinite(values)]
    return bool(finite.size and finite.min() >= 0 and finite.max() <= 1)


def _in_nanomaggies(image: BandImage, pixels: NDArray[np.generic]) -> bool:
    """Whether fluxes can be in nanomaggies with the sky at 0, by their unit or by their values."""
    if image.unit:
        return "nanomag" in image.unit.casefold() or image.unit.casefold() == "nmgy"
    step = max(1, int(np.sqrt(pixels.shape[0] * pixels.shape[1] / 4000)))
    sample = np.asarray(pixels[::step, ::step, 1], np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return True
    sky, bright = np.percentile(sample, (50, 99.9))
    return bool(abs(sky) <= _SKY and _BRIGHT[0] <= bright <= _BRIGHT[1])


def _how(image: BandImage, bands: tuple[str, ...], stretch: Stretch, reason: str) -> str:
    """How a picture was read, in a sentence."""
    where = f"{image.source}, " if image.source else ""
    count = image.pixels.shape[2]
    what = f"bands {', '.join(bands)}" if len(bands) > 1 else f"band {bands[0]}" if bands else ""
    what = what or ("one band" if count == 1 else f"{count} bands")
    grey = ", grey" if count == 1 or len(bands) == 1 else ""
    return f"{where}{what}{grey}, stretch {stretch.name}" + (f" ({reason})" if reason else "")


def _to_scale(
    levels: NDArray[np.uint8], pixel_scale: float | None, settings: RenderSettings
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Bring a picture to the model's pixel scale, or to the size of its training pictures."""
    height, width = levels.shape[:2]
    if settings.scale == "keep":
        return levels, ()
    if settings.pixel_scale is not None:
        if pixel_scale is None:
            return levels, (
                "no scale (WCS) in the file: its pixels are taken for "
                f"{settings.pixel_scale:g} arcsec",
            )
        factor = pixel_scale / settings.pixel_scale
        note = f"brought to {settings.pixel_scale:g} arcsec a pixel"
    elif pixel_scale is not None and settings.picture_size is not None:
        factor = settings.picture_size / min(height, width)
        note = f"brought to a size of {settings.picture_size} pixels, that of the training pictures"
    else:
        return levels, ()
    if not 1 / _MOST_ZOOM <= factor <= _MOST_ZOOM:
        raise ImageError(
            f"the picture would be {'enlarged' if factor > 1 else 'shrunk'} by "
            f"{max(factor, 1 / factor):.3g}",
            wanted=f"a factor of at most {_MOST_ZOOM:g}",
            got=f"{pixel_scale:.4g} arcsec a pixel (WCS), {height} x {width} pixels",
            hint="`scale='keep'` takes the pixels as they are",
        )
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if size == (width, height):
        return levels, ()
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LANCZOS4
    # OpenCV's Lanczos takes four channels at most.
    groups = [levels[..., first : first + 4] for first in range(0, levels.shape[2], 4)]
    resized = [
        np.asarray(cv2.resize(np.ascontiguousarray(group), size, interpolation=way)).reshape(
            size[1], size[0], group.shape[2]
        )
        for group in groups
    ]
    return np.concatenate(resized, axis=2).astype(np.uint8, copy=False), (note,)
