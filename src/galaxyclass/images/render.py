"""From a picture in bands to the grey levels that a cutout is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError, ImageError
from galaxyclass.images.band_image import BandImage
from galaxyclass.images.band_labels import wavelength_order
from galaxyclass.images.colour_formulas import COLOUR_FORMULAS
from galaxyclass.images.cutout_boxes import Beyond, centre_box
from galaxyclass.images.levels import are_level_bounds, levels_of_16_bits
from galaxyclass.images.standardised import standardised_by
from galaxyclass.images.stretch import Stretch, reversed_limits, stretch_pixels, with_limits
from galaxyclass.recipes.stretches import STRETCHES_WITH, StretchName

#: ``any``: whatever can be read, in as many channels as it has; to see whether a file is sound.
Channels = Literal["rgb", "grey", "bands", "any"]

#: A picture is enlarged and shrunk by its WCS by no more than this.
_MOST_ZOOM = 16.0

#: A larger share of pixels without data is remarked on.
_MUCH_MISSING = 0.1

#: Fluxes in nanomaggies: the sky's level and the brightest pixels of a picture lie between these.
_SKY, _BRIGHT = 2.0, (0.003, 1e5)


@dataclass(frozen=True)
class RenderSettings:
    """The settings of `Preprocessing` by which a picture is read and stretched; see there.

    With a ``frame`` only the middle of a picture in bands is stretched, as much as a cutout of that
    frame shows.
    """

    colour: Channels = "rgb"
    bands: tuple[str, ...] = ()
    stretch: StretchName | None = None
    limits: tuple[float, float] | tuple[tuple[float, float], ...] | None = None
    percentiles: tuple[float, float] | None = None
    softening: float | None = None
    hdu: str | int | None = None
    scale: Literal["auto", "keep"] | float = "auto"
    pixel_scale: float | None = None
    given_scale: float | None = None
    picture_size: int | None = None
    frame: int | None = None
    beyond: Beyond = "border"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> RenderSettings:
        """Those among all settings of a `Preprocessing`."""
        names = [name for name in _NAMES if settings.get(name) is not None]
        if settings.get("cutout", "centre") != "centre":  # the object is detected in the whole
            names = [name for name in names if name not in ("frame", "beyond")]
        chosen = {name: settings[name] for name in names}
        for name in ("bands", "limits", "percentiles"):
            if name in chosen:
                chosen[name] = _tuples(chosen[name])
        if chosen.get("limits") == "survey":  # a training replaces the word by numbers
            del chosen["limits"]
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
    """Grey levels (height, width, channels) uint8, and how they were made.

    A pixel is ``zoom`` pixels of the model; ``notes`` are remarks for the user.
    """

    levels: NDArray[np.uint8]
    zoom: float
    notes: tuple[str, ...]


def render_bands(image: BandImage, settings: RenderSettings) -> Rendered:
    """Choose the bands of a picture and stretch them.

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
    require_light(image.unit)
    bands, pixels = choose_bands(image, settings)
    name, reason = settings.stretch, ""
    if name is None:
        name, reason = _default_stretch(image, pixels, bands, settings)
    formula = COLOUR_FORMULAS.get(name)
    if formula is not None and bands:
        order = _places(bands, formula.bands)
        if order:
            bands, pixels = formula.bands, pixels[..., order]
    stretch, named = settings.stretched(name), bands
    height, width = image.pixels.shape[:2]
    zoom, scaled = zoom_of(image.pixel_scale, height, width, settings)
    narrow: tuple[str, ...] = ()
    if name == "none" and _has_16_bits(pixels):
        pixels, narrow = levels_of_16_bits(pixels.astype(np.uint16))
    # Of grey levels red is the first; where the bands are named, it is the longest wavelength.
    named_bands = bool(settings.bands) or bool(bands and wavelength_order(bands))
    one_by_one = not stretch.in_colour and (name != "none" or named_bands)
    if settings.colour == "rgb" and pixels.shape[2] == 3 and one_by_one:
        # Red is the longest wavelength.
        pixels, bands = pixels[..., ::-1], bands[::-1]
        stretch = replace(stretch, limits=reversed_limits(stretch.limits))
    shown = _window(pixels, settings, zoom)
    finite = np.isfinite(shown) if shown.dtype.kind == "f" else np.ones(shown.shape, bool)
    if not finite.any():
        raise ImageError(
            "no pixel of the picture has data",
            wanted="numbers around its middle",
            got="NaN, blank or masked pixels only",
        )
    try:
        if shown.shape != pixels.shape:
            stretch = with_limits(stretch, pixels)
        levels = stretch_pixels(shown, stretch, bands)
    except ArgumentError as error:
        raise ImageError(error.what, wanted=error.wanted, got=error.got, hint=error.hint) from error
    names = bands if len(bands) == shown.shape[2] else [str(1 + i) for i in range(shown.shape[2])]
    notes = [_how(image, named, name, reason), *narrow, *_unused_settings(settings, name)]
    notes += _missing_notes(shown, finite, names)
    if image.unused:
        notes.append(f"left out of its file: {image.unused}")
    if image.is_scaleless and _wants_scale(settings):
        notes.append("the WCS of its header gives no scale: its pixels are taken as they are")
    if image.doubt:
        notes.append(image.doubt)
    return Rendered(levels, zoom, (*notes, *scaled))


def require_light(unit: str) -> None:
    """Refuse a picture whose bright pixels are small numbers.

    Raises
    ------
    ImageError
        By its unit it is of magnitudes.
    """
    if re.match(r"mag(nitude)?s?\b", unit.casefold()):
        raise ImageError(
            "the pixels are magnitudes: what is brighter would be shown darker",
            wanted="fluxes, counts or other numbers that grow with the light",
            got=f"the unit (BUNIT) {unit}",
            hint="write fluxes: `10 ** (-0.4 * pixels)`",
        )


def _missing_notes(
    shown: NDArray[np.generic], finite: NDArray[np.bool_], names: Sequence[str]
) -> Iterator[str]:
    """Remarks on bands and pixels without data."""
    height, width = shown.shape[:2]
    if finite.all() and (shown[height // 2, width // 2] != shown[0, 0]).all():
        return  # nearly all pictures
    filled = [
        band for band in range(shown.shape[2]) if _varies(shown[..., band], finite[..., band])
    ]
    if not filled:
        return  # remarked on where the cutout is made
    without = [name for band, name in enumerate(names) if band not in filled]
    if without:
        words = "band" if len(without) == 1 else "bands"
        yield f"nothing in {words} {', '.join(without)}: all pixels are the same, or have no data"
    missing: NDArray[np.bool_] = ~np.all(finite[..., filled], axis=2)
    middle = missing[
        height * 9 // 20 : height * 11 // 20 + 1, width * 9 // 20 : width * 11 // 20 + 1
    ]
    if missing.mean() > _MUCH_MISSING:
        yield f"more than {_MUCH_MISSING:.0%} of its pixels have no data, and are black"
    elif middle.mean() > _MUCH_MISSING:
        yield "pixels in its middle have no data, and are black"


def _varies(band: NDArray[np.generic], finite: NDArray[np.bool_]) -> bool:
    values = band[finite]
    return bool(values.size) and bool(values.min() != values.max())


def _window(
    pixels: NDArray[np.generic], settings: RenderSettings, zoom: float
) -> NDArray[np.generic]:
    """The part of a picture that the cutout shows: the rest need not be stretched."""
    height, width = pixels.shape[:2]
    if settings.frame is None:
        return pixels
    box = centre_box(height, width, zoomed_frame(settings.frame, zoom), settings.beyond)
    if not box.inside(height, width):
        return pixels
    return pixels[box.top : box.top + box.height, box.left : box.left + box.width]


def zoomed_frame(frame: int, zoom: float) -> int:
    """A frame of the model in pixels of a picture, of which each is ``zoom`` of the model's."""
    return max(1, round(frame / zoom))


def choose_bands(
    image: BandImage, settings: RenderSettings
) -> tuple[tuple[str, ...], NDArray[np.generic]]:
    """The names of the bands that are wanted, none where they have only numbers; their pixels.

    Raises
    ------
    ImageError
        A band is missing, or it is not clear which are meant.
    """
    if settings.bands:
        numbered = all(band.isdecimal() for band in settings.bands)
        return () if numbered else settings.bands, image.choose(settings.bands)
    count = image.pixels.shape[2]
    if settings.colour == "any" or count in (1, 3):
        order = wavelength_order(image.bands) if settings.colour != "any" else None
        if order and order != list(range(count)):
            return tuple(image.bands[place] for place in order), image.pixels[..., order]
        return image.bands, image.pixels
    formula = COLOUR_FORMULAS.get(settings.stretch or "")
    if image.bands:
        for wanted in [formula.bands] if formula else [("g", "r", "z"), ("g", "r", "i")]:
            if all(image.index(band) is not None for band in wanted):
                return wanted, image.choose(wanted)
    with_opacity = count == 4 and image.is_display and image.pixels.dtype == np.uint8
    raise ImageError(
        f"{count} bands, and it is not clear which of them are meant",
        argument="bands",
        wanted="one band, or three that become blue, green and red",
        got=", ".join(image.names) if image.bands else f"{count} bands without names",
        hint="of red, green, blue and opacity take the first three: `bands='3,2,1'`"
        if with_opacity
        else "name them in `bands`, the shortest wavelength first",
    )


def _places(bands: tuple[str, ...], wanted: tuple[str, ...]) -> list[int]:
    """Where the bands of a formula are among bands with names; empty if one is missing."""
    named = BandImage(np.empty((0, 0, len(bands))), bands)
    indices = [named.index(band) for band in wanted]
    return [] if None in indices else [index for index in indices if index is not None]


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
    if image.is_display and not bands and not image.unit:
        _require_brightness(pixels)
    formulas: tuple[StretchName, ...] = ("galaxy-zoo-decals", "sdss")
    for name in formulas:
        if _places(bands, COLOUR_FORMULAS[name].bands):
            if not _in_nanomaggies(image, pixels):
                return "lupton", "the pixels are not fluxes in nanomaggies"
            return name, ""
    if bands and (settings.bands or wavelength_order(bands)):
        return "lupton", ""
    unknown = "the wavelengths of the bands are not known" if bands else "the bands have no names"
    return "lupton", (f"{unknown}: the first is taken as blue; `bands` and `stretch` state others")


def _unused_settings(settings: RenderSettings, stretch: str) -> Iterator[str]:
    """A remark on settings that do nothing to the stretch of a picture."""
    unused = [
        setting
        for setting, stretches in STRETCHES_WITH.items()
        if getattr(settings, setting) is not None and stretch not in stretches
    ]
    if unused:
        yield f"the stretch {stretch} has no {' and no '.join(unused)}: not applied"


def _has_16_bits(pixels: NDArray[np.generic]) -> bool:
    return pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2


def _are_levels(pixels: NDArray[np.generic]) -> bool:
    """Whether floats are grey levels already: none below 0, none above 1."""
    values = np.asarray(pixels, np.float64)
    finite = values[np.isfinite(values)]
    return bool(finite.size) and are_level_bounds(float(finite.min()), float(finite.max()))


def _require_brightness(pixels: NDArray[np.generic]) -> None:
    """Refuse three bands that look like the red, green and blue of a picture in wide numbers.

    Taken for brightness, their first would become blue.

    Raises
    ------
    ImageError
        All are whole numbers from 0 to 255, or grey levels that were standardised.
    """
    values = pixels.astype(np.float64)
    values = values[np.isfinite(values)]
    if values.size == pixels.size and (
        undone_by := standardised_by(pixels, float(values.min()), float(values.max()))
    ):
        raise ImageError(
            "three bands that look like standardised grey levels",
            wanted="grey levels from 0 (black) to 1 (white), or a stretch for brightness",
            got=f"{values.min():.6g} to {values.max():.6g}",
            hint=f"of grey levels, undo it: {undone_by}; of brightness: `stretch='lupton'`",
        )
    if values.size and values.min() >= 0 and values.max() <= 255 and (values % 1 == 0).all():
        raise ImageError(
            "three bands that could be grey levels or brightness",
            wanted="grey levels of 8 bits (uint8: red, green, blue), or a stretch for brightness",
            got=f"whole numbers, {values.min():.0f} to {values.max():.0f}, as {pixels.dtype}",
            hint="of grey levels: `image.astype('uint8')`; of brightness: `stretch='lupton'`",
        )


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


def _how(image: BandImage, bands: tuple[str, ...], stretch: str, reason: str) -> str:
    """How a picture was read, in a sentence."""
    where = f"{image.source}, " if image.source else ""
    count = image.pixels.shape[2]
    what = f"bands {', '.join(bands)}" if len(bands) > 1 else f"band {bands[0]}" if bands else ""
    what = what or ("one band" if count == 1 else f"{count} bands")
    grey = ", grey" if count == 1 or len(bands) == 1 else ""
    return f"{where}{what}{grey}, stretch {stretch}" + (f" ({reason})" if reason else "")


def _wants_scale(settings: RenderSettings) -> bool:
    """Whether pictures are brought to a size by a scale that their files have to say."""
    by_size = settings.pixel_scale is None and settings.picture_size is not None
    return by_size and settings.scale == "auto" and settings.given_scale is None


def zoom_of(
    pixel_scale: float | None, height: int, width: int, settings: RenderSettings
) -> tuple[float, tuple[str, ...]]:
    """How many pixels of the model a pixel of a picture is, and remarks on it.

    Parameters
    ----------
    pixel_scale : float or None
        Arcseconds a pixel by the file; None where it does not say it.
    height, width : int
        Of the picture, pixels.
    settings : RenderSettings

    Raises
    ------
    ImageError
        By the scale the picture would be far larger or smaller.
    """
    if not isinstance(settings.scale, str):
        return settings.scale, ()
    if settings.scale == "keep":
        return 1.0, ()
    scale = settings.given_scale if pixel_scale is None else pixel_scale
    if settings.pixel_scale is not None:
        if scale is None:
            return 1.0, (
                "no scale (WCS) in the file: its pixels are taken for "
                f"{settings.pixel_scale:g} arcsec",
            )
        zoom = scale / settings.pixel_scale
        note = f"brought to {settings.pixel_scale:g} arcsec a pixel"
    elif scale is not None and settings.picture_size is not None:
        zoom = settings.picture_size / min(height, width)
        note = f"brought to a size of {settings.picture_size} pixels, that of the training pictures"
    else:
        return 1.0, ()
    if not 1 / _MOST_ZOOM <= zoom <= _MOST_ZOOM:
        by = "WCS" if pixel_scale is not None else "given"
        raise ImageError(
            f"the picture would be {'enlarged' if zoom > 1 else 'shrunk'} by "
            f"{max(zoom, 1 / zoom):.3g}",
            wanted=f"a factor of at most {_MOST_ZOOM:g}",
            got=f"{scale:.4g} arcsec a pixel ({by}), {height} x {width} pixels",
            hint="`scale='keep'` takes the pixels as they are",
        )
    return zoom, (note,) if abs(zoom - 1) > 1e-3 else ()
