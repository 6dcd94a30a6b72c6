"""Stretches: from the brightness of pixels in any number of bands to grey levels of 0 to 255."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError
from galaxyclass.images.colour_formulas import (
    COLOUR_FORMULAS,
    BandPlane,
    asinh,
    finite_plane,
    keep_hue,
)
from galaxyclass.images.levels import are_level_bounds
from galaxyclass.recipes.stretches import (
    COLOUR_STRETCHES,
    LIMITED_STRETCHES,
    STRETCHES,
    StretchName,
)

#: Pixels of a picture, at most, from which its limits are found.
_SAMPLE = 40_000


@dataclass(frozen=True)
class Stretch:
    """How the brightness of pixels becomes grey level.

    Attributes
    ----------
    name : str
        ``none``: the pixels are grey levels already: uint8, or floats from 0 to 1.

        ``linear``, ``sqrt``, ``asinh``: each band by itself, between its limits.
        ``asinh`` is nearly linear below `softening` of the range and logarithmic above.

        ``zscale``, ``percentile``: linear between limits that are found in each picture: by IRAF's
        zscale algorithm, or at `percentiles`.

        ``lupton``: three bands become one colour picture whose colours do not depend on brightness
        (Lupton et al. 2004, PASP 116, 133), between the limits of each band.

        ``sdss``, ``legacy-surveys``, ``galaxy-zoo-decals``: the colour pictures of these projects
        with their constants, for fluxes in nanomaggies a pixel (`COLOUR_FORMULAS`).
    limits : (black, white), or one such pair for each band, or None
        Brightness that becomes 0 and 255. None: found in each picture and each band: black is the
        sky (the median) less its noise, white is the brightest 0.5 % of the pixels.
    percentiles : (low, high)
        Of ``percentile``, percent of the pixels.
    softening : float
        Of ``asinh`` and ``lupton``: the share of the range at which linear turns to logarithmic.
    scale : float
        The pixels are multiplied by it first; of use where a formula wants nanomaggies.
    """

    name: StretchName = "asinh"
    limits: tuple[float, float] | tuple[tuple[float, float], ...] | None = None
    percentiles: tuple[float, float] = (0.5, 99.5)
    softening: float = 0.05
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in STRETCHES:
            raise ArgumentError(
                f"no stretch {self.name!r}",
                argument="stretch",
                wanted=", ".join(STRETCHES),
            )
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise ArgumentError(
                "`percentiles`: not two increasing shares of 0 to 100 percent",
                argument="percentiles",
                got=str(self.percentiles),
            )
        for black, white in _pairs(self.limits):
            if not black < white:
                raise ArgumentError(
                    "`limits`: black is not below white",
                    argument="limits",
                    got=f"({black:g}, {white:g})",
                )
        for field in ("softening", "scale"):
            if not getattr(self, field) > 0:
                raise ArgumentError(
                    f"`{field}`: not above 0", argument=field, got=str(getattr(self, field))
                )

    @property
    def in_colour(self) -> bool:
        """Whether bands become red, green and blue together."""
        return self.name in COLOUR_STRETCHES

    def channels(self, bands: int) -> int:
        """The number of channels that a picture of so many bands gets."""
        return 3 if self.in_colour else bands


def stretch_pixels(
    pixels: NDArray[np.generic], stretch: Stretch, bands: Sequence[str] = ()
) -> NDArray[np.uint8]:
    """Turn the brightness of pixels into grey levels.

    Parameters
    ----------
    pixels : (height, width, bands) floats or integers
        Any byte order. NaN is a pixel without data: it becomes black, or as dark as an empty sky
        where the stretch makes a colour picture.
    stretch : Stretch
    bands : sequence of str
        The bands' names (``("g", "r", "z")``), in the order of the last axis. A colour picture
        takes the three bands of its formula, by name; without names it wants exactly three, the
        one of the shortest wavelength first.

    Returns
    -------
    (height, width, channels) uint8
        Bands in their order; of a colour picture red, green, blue: the band of the longest
        wavelength is red.

    Raises
    ------
    ArgumentError
        A colour picture without its bands; limits for another number of bands; ``none`` of floats
        beyond 0..1.

    Examples
    --------
    >>> pixels = np.array([[[0.0], [0.25], [1.0], [np.nan]]])
    >>> stretch_pixels(pixels, Stretch("sqrt", limits=(0.0, 1.0)))[0, :, 0].tolist()
    [0, 128, 255, 0]
    """
    if stretch.name == "none":
        return _unchanged(pixels)
    order: Sequence[int] = range(pixels.shape[2])
    if stretch.in_colour:
        order = colour_order(bands, pixels.shape[2], stretch.name)
    formula = COLOUR_FORMULAS.get(stretch.name)
    if formula is not None:
        red, green, blue = (_scaled(pixels[..., band], stretch) for band in order)
        return formula.render(red, green, blue)
    limits = _limits(pixels, stretch)
    most = 1e6 if stretch.name == "lupton" else 1.0
    shares = [_shares(pixels[..., band], *limits[band], most) for band in order]
    if stretch.name == "lupton":
        red, green, blue = shares
        return keep_hue(red, green, blue, nonlinearity=1 / (3 * stretch.softening), white=3)
    grey = [_grey(share, stretch) for share in shares]
    return np.asarray(cv2.merge(grey), dtype=np.uint8).reshape(pixels.shape)


def colour_order(bands: Sequence[str], count: int, name: str) -> Sequence[int]:
    """Indices of the bands that become red, green and blue.

    Parameters
    ----------
    bands : sequence of str
        Names; none where they are not known.
    count : int
        How many bands the picture has.
    name : str
        The stretch.

    Raises
    ------
    ArgumentError
        A band of the formula is missing, or it is not clear which bands are meant.

    Examples
    --------
    >>> colour_order(("g", "r", "z"), 3, "legacy-surveys")
    [2, 1, 0]
    """
    formula = COLOUR_FORMULAS.get(name)
    if formula is not None and bands:
        names = [band.lower() for band in bands]
        missing = [band for band in formula.bands if band not in names]
        if not missing:
            return [names.index(band) for band in reversed(formula.bands)]
        raise ArgumentError(
            f"the stretch {name!r} has no band {', '.join(missing)}",
            argument="stretch",
            wanted=f"the bands {', '.join(formula.bands)}",
            got=", ".join(bands),
            hint="`asinh` and `lupton` take any bands",
        )
    if count == 3:
        return [2, 1, 0]
    raise ArgumentError(
        f"the stretch {name!r} makes a colour picture of three bands",
        argument="stretch",
        wanted="three bands, the one of the shortest wavelength first",
        got=f"{count} bands" + (f": {', '.join(bands)}" if bands else ""),
        hint="name three of them",
    )


def _unchanged(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey levels as they are; floats from 0 to 1 times 255."""
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels, dtype=np.uint8)
    values = np.nan_to_num(np.asarray(pixels, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if not are_level_bounds(low, high):
        raise ArgumentError(
            "the stretch `none` is for grey levels, and these pixels are brightness",
            argument="stretch",
            wanted="uint8, or floats from 0 (black) to 1 (white)",
            got=f"{pixels.dtype}, {low:.6g} to {high:.6g}",
            hint="choose a stretch, such as `asinh`",
        )
    return np.ascontiguousarray(np.rint(values * 255).astype(np.uint8))


def _pairs(
    limits: tuple[float, float] | tuple[tuple[float, float], ...] | None,
) -> list[tuple[float, float]]:
    """Limits as a list of pairs: none, one for all bands, or one for each."""
    if limits is None:
        return []
    pairs = np.asarray(limits, np.float64)
    if pairs.size == 0 or pairs.shape[-1] != 2 or pairs.ndim > 2:
        raise ArgumentError(
            "`limits`: not (black, white), or such a pair for each band",
            argument="limits",
            got=str(limits),
        )
    return [(float(black), float(white)) for black, white in pairs.reshape(-1, 2)]


def reversed_limits(
    limits: tuple[float, float] | tuple[tuple[float, float], ...] | None,
) -> tuple[tuple[float, float], ...] | None:
    """The limits of bands in the opposite order."""
    return tuple(reversed(_pairs(limits))) or None


def _limits(values: NDArray[np.generic], stretch: Stretch) -> list[tuple[float, float]]:
    """Black and white of each band, in the pixels' own unit."""
    count = values.shape[2]
    stated = _pairs(stretch.limits)
    if stated and stretch.name in LIMITED_STRETCHES:
        if len(stated) not in (1, count):
            raise ArgumentError(
                "`limits`: not one pair for each band",
                argument="limits",
                wanted=f"one pair, or {count}",
                got=f"{len(stated)} pairs",
            )
        return stated * count if len(stated) == 1 else stated
    return [find_limits(values[..., band], stretch) for band in range(count)]


def with_limits(stretch: Stretch, pixels: NDArray[np.generic]) -> Stretch:
    """A stretch that treats a part of a picture as it would treat the whole.

    Parameters
    ----------
    stretch : Stretch
    pixels : (height, width, bands)
        The whole picture.

    Examples
    --------
    >>> with_limits(Stretch("percentile", percentiles=(0, 100)), np.arange(4.0).reshape(2, 2, 1))
    Stretch(name='linear', limits=((0.0, 3.0),), percentiles=(0, 100), softening=0.05, scale=1.0)
    """
    if stretch.name == "none" or stretch.name in COLOUR_FORMULAS:
        return stretch
    name = stretch.name if stretch.name in LIMITED_STRETCHES else "linear"
    return replace(stretch, name=name, limits=tuple(_limits(pixels, stretch)))


def find_limits(band: NDArray[np.generic], stretch: Stretch) -> tuple[float, float]:
    """Black and white of one band, found in its pixels.

    Parameters
    ----------
    band : (height, width)
        NaN is left out; so are all but some 40,000 pixels on a grid.
    stretch : Stretch

    Returns
    -------
    black, white : float
        Apart from each other, also of a constant picture.

    Examples
    --------
    >>> find_limits(np.arange(101.0).reshape(1, 101), Stretch("percentile", percentiles=(1, 90)))
    (1.0, 90.0)
    """
    step = max(1, int(np.ceil(np.sqrt(band.size / _SAMPLE))))
    sample = np.asarray(band[::step, ::step], np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    if stretch.name == "zscale":
        from galaxyclass.extras import require

        low, high = require("astropy.visualization").ZScaleInterval().get_limits(sample)
    elif stretch.name == "percentile":
        low, high = np.percentile(sample, stretch.percentiles)
    else:
        sky, high = np.percentile(sample, (50, 99.5))
        low = sky - 1.4826 * np.median(np.abs(sample - sky))
    low, high = float(low), float(high)
    return (low, high) if high > low else (low, low + max(abs(low), 1.0))


def _scaled(band: NDArray[np.generic], stretch: Stretch) -> BandPlane:
    plane = finite_plane(band)
    if stretch.scale != 1:
        np.multiply(plane, np.float32(stretch.scale), out=plane)
    return plane


def _shares(band: NDArray[np.generic], black: float, white: float, most: float) -> BandPlane:
    """0 at black and 1 at white, ``most`` at most: (height, width) float32. NaN is black."""
    # In double where a float32 cannot tell the levels of a bright sky apart.
    wide = np.float64 if band.dtype.itemsize >= 4 and band.dtype.str[1:] != "f4" else np.float32
    plane = np.ascontiguousarray(np.subtract(band, black, dtype=wide), np.float32)
    cv2.patchNaNs(plane, 0.0)
    plane *= np.float32(1 / (white - black))
    return np.clip(plane, 0, most, out=plane)


def _grey(share: BandPlane, stretch: Stretch) -> NDArray[np.uint8]:
    """Grey levels of shares from 0 to 1."""
    if stretch.name == "sqrt":
        np.sqrt(share, out=share)
    elif stretch.name == "asinh":
        if stretch.softening >= _TABLE_SOFTENING:
            share *= np.float32(_TABLE_STEPS)
            share += np.float32(0.5)
            return np.take(_asinh_table(stretch.softening), share.astype(np.uint16))
        np.divide(share, np.float32(stretch.softening), out=share)
        asinh(share)
        np.divide(share, np.float32(np.arcsinh(1 / stretch.softening)), out=share)
    np.multiply(share, 255, out=share)
    return np.rint(share, out=share).astype(np.uint8)


#: Steps of a table of asinh, and the softening from which they are finer than a tenth of a level.
_TABLE_STEPS, _TABLE_SOFTENING = 65_534, 0.01


@functools.cache
def _asinh_table(softening: float) -> NDArray[np.uint8]:
    """Grey levels of evenly spaced shares from 0 to 1: four times as fast as the function."""
    shares = np.arange(_TABLE_STEPS + 1) / _TABLE_STEPS
    levels = np.rint(np.arcsinh(shares / softening) / np.arcsinh(1 / softening) * 255)
    table: NDArray[np.uint8] = levels.astype(np.uint8)
    return table
