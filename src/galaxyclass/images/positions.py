"""Where on the sky an image is: by its name (J101112.3+040506.7), or by the WCS of a FITS file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.files import FITS_SUFFIXES, is_image_name
from galaxyclass.images.fits_hdus import astropy_warnings
from galaxyclass.io.reading import require_ordinary

#: Names of the International Astronomical Union: hours, minutes, seconds; degrees, and so on.
_SEXAGESIMAL = re.compile(
    r"J?(\d{2})(\d{2})(\d{2}(?:\.\d+)?)([+-])(\d{2})(\d{2})(\d{2}(?:\.\d+)?)(?![\d.])"
)
#: Degrees with three decimals or more: 150.1234+2.2345, ra150.1234_dec-2.2345.
_DEGREES = re.compile(
    r"(?<![\d.])(\d{1,3}\.\d{3,})(?:_(?:dec)?_?)?([+-]?\d{1,2}\.\d{3,})(?![\d.])", re.IGNORECASE
)


def positions_of(paths: Iterable[str]) -> NDArray[np.float64]:
    """(images, 2) Right ascension and declination of each image in degrees; NaN unknown.

    Parameters
    ----------
    paths : iterable of str
        FITS files are opened for the WCS of their first picture, the centre of which counts.
    """
    paths = list(paths)
    positions = [_of_fits(path) if path.lower().endswith(FITS_SUFFIXES) else None for path in paths]
    named = [position_of_name(PurePath(path).name) for path in paths]
    unknown = (np.nan, np.nan)
    pairs = [wcs or name or unknown for wcs, name in zip(positions, named, strict=True)]
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def position_of_name(name: str) -> tuple[float, float] | None:
    """The position that the name of a file says; None where it says none.

    Examples
    --------
    >>> position_of_name("J013215.28-003515.5.jpg")
    (23.063667, -0.587639)
    >>> position_of_name("J0.8121-0.0383.jpg"), position_of_name("587722981748965649.jpg")
    ((0.8121, -0.0383), None)
    """
    stem = (
        name.rsplit(".", 1)[0]
        if is_image_name(name) or name.lower().endswith(FITS_SUFFIXES)
        else name
    )
    if (match := _SEXAGESIMAL.search(stem)) is not None:
        hours, minutes, seconds, sign, degrees, arcmin, arcsec = match.groups()
        ra = 15 * (int(hours) + int(minutes) / 60 + float(seconds) / 3600)
        dec = int(degrees) + int(arcmin) / 60 + float(arcsec) / 3600
        pair = ra, -dec if sign == "-" else dec
    elif (match := _DEGREES.search(stem)) is not None:
        pair = float(match[1]), float(match[2])
    else:
        return None
    return (round(pair[0], 6), round(pair[1], 6)) if _possible(*pair) else None


def _possible(ra: float, dec: float) -> bool:
    return 0 <= ra < 360 and -90 <= dec <= 90


def _of_fits(path: str) -> tuple[float, float] | None:
    """The centre of the first picture of a FITS file that has a WCS of the sky."""
    from galaxyclass.extras import require

    fits, wcs = require("astropy.io.fits"), require("astropy.wcs")
    try:
        require_ordinary(path)
        with astropy_warnings(), fits.open(path) as file:
            for part in file:
                if getattr(part, "shape", ()) and len(part.shape) >= 2 and "CTYPE1" in part.header:
                    whole = wcs.WCS(part.header)
                    # Axes as FITS counts them; a cube may have its bands first.
                    axes = sorted((whole.wcs.lng, whole.wcs.lat))
                    width, height = (part.shape[::-1][axis] for axis in axes)
                    sky = whole.celestial
                    centre = sky.pixel_to_world((width - 1) / 2, (height - 1) / 2).icrs
                    pair = float(centre.ra.deg), float(centre.dec.deg)
                    return pair if _possible(*pair) else None
    except Exception:  # a damaged file is reported when its picture is read
        return None
    return None
