"""Whether pictures of one band each have their pixels at the same places of the sky."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.extras import require
from galaxyclass.images.fits_hdus import astropy_warnings, hdu_numbers, picture_axes

#: Cards of a WCS (and of its distortions), and the frame of its coordinates.
_CARDS = re.compile(
    r"(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)[12]|(CD|PC|PV)[12]_\d+|PC00[12]00[12]|LONPOLE|LATPOLE"
    r"|RADESYS|EQUINOX|EPOCH|(A|B|AP|BP)_(ORDER|\d_\d)"
)
#: Pixels by which bands may be apart without a word, and the share of a picture's side beyond
#: which they are not of one galaxy.
_APART, _ELSEWHERE = 1.0, 0.1
#: Of a right ascension this is a thousandth of an arcsecond.
_ROUNDING = 1e-9

Cards = tuple[tuple[str, object], ...]


def grid_cards(header: Any) -> Cards:
    """The cards of a header that say where on the sky its pixels are.

    Examples
    --------
    >>> grid_cards({"CTYPE1": "RA---TAN", "CRVAL1": 10.0, "EXPTIME": 90})
    (('CTYPE1', 'RA---TAN'), ('CRVAL1', 10.0))
    """
    return tuple((key, header[key]) for key in header if _CARDS.fullmatch(key))


def header_with_sky(hdus: Any, number: int) -> tuple[Any, str]:
    """The header of an HDU, with the WCS of the primary HDU where it has none of its own.

    Parameters
    ----------
    hdus : astropy's list of HDUs
    number : int
        Of the HDU.

    Returns
    -------
    header : astropy.io.fits.Header
    words : str
        ``, WCS of HDU 0`` where that is used. It is where HDU 0 holds no picture, and all pictures
        of the file are of one size: those of a camera's several chips lie elsewhere each.
    """
    header = hdus[number].header
    if number == 0 or "CTYPE1" in header:
        return header, ""
    primary = hdus[0]
    if "CTYPE1" not in primary.header or picture_axes(primary):
        return header, ""
    shapes = {axes[-2:] for each in hdu_numbers(hdus) if (axes := picture_axes(hdus[each]))}
    if len(shapes) != 1:
        return header, ""
    header = header.copy()
    for key, value in grid_cards(primary.header):
        header[key] = value
    return header, ", WCS of HDU 0"


def misaligned(grids: Mapping[str, Cards], height: int, width: int) -> str:
    """How far bands are apart by their WCS, in words; nothing where they are not, or have none.

    Parameters
    ----------
    grids : mapping of str to cards
        Of each band.
    height, width : int
        Of the pictures.

    Raises
    ------
    ImageError
        They are of different places.
    """
    one, *rest = grids.values()
    if all(_are_same(one, other) for other in rest):
        return ""
    skies = {band: sky for band, cards in grids.items() if (sky := _sky(cards)) is not None}
    if len(skies) < 2:
        return ""
    (first, reference), *others = skies.items()
    corners = np.array([[0, 0], [width - 1, height - 1]], np.float64)
    for band, sky in others:
        distance = _distance(reference, sky, corners)
        if distance is None:
            continue
        if not distance <= _ELSEWHERE * min(height, width):
            raise ImageError(
                "the bands show different places of the sky",
                wanted="files of one band each, on one grid of pixels",
                got=f"by their WCS, {first} and {band} are "
                + ("far" if np.isnan(distance) else f"up to {distance:.0f} pixels")
                + " apart",
                hint="bring them to the pixels of one of them first (the package reproject does "
                "it), or correct the headers",
            )
        if distance > _APART:
            return (
                f"by their WCS, the bands {first} and {band} are more than {_APART:.0f} pixel apart"
            )
    return ""


def _are_same(first: Cards, second: Cards) -> bool:
    """Whether cards are the same, but for the rounding of their numbers."""
    return first == second or (
        len(first) == len(second)
        and all(
            key == other
            and (
                math.isclose(value, number, rel_tol=_ROUNDING)
                if isinstance(value, float) and isinstance(number, float)
                else value == number
            )
            for (key, value), (other, number) in zip(first, second, strict=True)
        )
    )


@lru_cache(maxsize=64)
def _sky(cards: Cards) -> Any:
    """A WCS of the sky; None where the cards give none."""
    wcs, fits = require("astropy.wcs"), require("astropy.io.fits")
    with astropy_warnings():
        try:
            sky = wcs.WCS(fits.Header(list(cards)), naxis=2)
        except Exception:  # of many kinds; a header that is wrong says nothing of places
            return None
    return sky if sky.has_celestial else None


def _frame(sky: Any) -> tuple[object, ...]:
    """The system of the coordinates of a WCS."""
    return (*(kind[:4] for kind in sky.wcs.ctype), sky.wcs.radesys, str(sky.wcs.equinox))


def _distance(first: Any, second: Any, corners: NDArray[np.float64]) -> float | None:
    """The largest distance of corners of the first picture from their places in the second.

    None where that cannot be computed; NaN where these are on the other side of the sky.
    """
    with astropy_warnings():
        try:
            if _frame(first) == _frame(second):  # ten times as fast
                sky = first.pixel_to_world_values(*corners.T)
                places = second.world_to_pixel_values(*sky)
            else:
                places = second.world_to_pixel(first.pixel_to_world(*corners.T))
        except Exception:  # of many kinds, such as distortions that do not converge
            return None
    return float(np.max(np.hypot(*(np.array(places) - corners.T))))
