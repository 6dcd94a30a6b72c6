"""FITS: from a file's bytes to a picture in bands. astropy reads it (extra ``astro``)."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import GalaxyclassError, ImageError
from galaxyclass.extras import require
from galaxyclass.images.band_image import BandImage, bands_last
from galaxyclass.images.fill_values import without_fills
from galaxyclass.images.fits_grids import grid_cards, header_with_sky, misaligned
from galaxyclass.images.fits_hdus import (
    astropy_warnings,
    band_names,
    find_hdu,
    hdu_name,
    hdu_numbers,
    is_table_hdu,
    list_hdus,
    picture_axes,
)
from galaxyclass.images.fits_masks import without_masked
from galaxyclass.short import first_line

#: The first bytes of a FITS file.
FITS = (b"SIMPLE  =",)

#: Bytes of a first header, some 12,000 lines, and its end.
_LONGEST_HEADER = 1_000_000
_END = re.compile(rb"END {77}|END {0,77}$")

#: Pixels of a WCS beyond these are a mistake in the header: arcseconds. A header without CD and
#: CDELT states a degree, by the standard.
_SCALES = (1e-4, 3600.0)
#: How CTYPE begins on the sky, and in how many axes it is looked for.
_CELESTIAL = ("RA--", "DEC-", "GLON", "GLAT", "ELON", "ELAT")
_MOST_AXES = 5
#: Arcseconds in the units of CUNIT, in lower case.
_ARCSECONDS = {"deg": 3600.0, "degree": 3600.0, "degrees": 3600.0, "arcmin": 60.0, "arcsec": 1.0,
               "mas": 1e-3, "rad": 3600 * math.degrees(1)}  # fmt: skip


def read_fits(
    data: bytes, *, hdu: str | int | None = None, bands: tuple[str, ...] = (), max_pixels: int
) -> BandImage:
    """The picture in a FITS file.

    Parameters
    ----------
    data : bytes
        The whole file, not compressed; tiles inside it may be (``.fits.fz``).
    hdu : str or int, optional
        The name or the number of the HDU; by default the first that holds a picture. Where every
        one of ``bands`` is the name or the filter of an HDU, these are taken together.
    bands : tuple of str
        The bands that are wanted.
    max_pixels : int
        Refuse pictures of more pixels in a band, before they are read.

    Returns
    -------
    BandImage
        Row 0 at the top: FITS counts rows upwards. BSCALE and BZERO are applied; BLANK is NaN.

    Raises
    ------
    ImageError
        Not FITS, truncated or corrupt; no such HDU; no HDU holds a picture; not the shape of a
        picture.
    MissingExtraError
        astropy is not installed.
    """
    fits = require("astropy.io.fits")
    _require_short_header(data)
    try:
        with (
            astropy_warnings(),
            fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus,
        ):
            return _picture(_Opened(hdus, data), hdu, bands, max_pixels)
    except GalaxyclassError:
        raise
    except Exception as error:
        # astropy raises OSError, ValueError, TypeError, KeyError and others on damaged files.
        raise ImageError(
            "the FITS file is truncated or corrupt",
            got=first_line(error),
            hint="fetch the file again",
        ) from error


def _require_short_header(data: bytes) -> None:
    """Refuse a first header that takes astropy long to read.

    Raises
    ------
    ImageError
    """
    if len(data) > _LONGEST_HEADER and not _END.search(data, 0, _LONGEST_HEADER):
        raise ImageError(
            "the FITS file is truncated or corrupt",
            wanted=f"the end of the header within {_LONGEST_HEADER:,} bytes",
            got="a header that goes on",
            hint="fetch the file again",
        )


class _Opened:
    """The HDUs of a file, and its bytes."""

    def __init__(self, hdus: Any, content: bytes) -> None:
        self._hdus, self._content = hdus, content

    def __len__(self) -> int:
        return len(self._hdus)

    def __getitem__(self, number: int) -> Any:
        return self._hdus[number]

    def pixels(self, number: int) -> NDArray[np.generic]:
        """The array of an HDU.

        A view of the file's bytes where they are the numbers: astropy copies them, and only the
        middle of a picture may be needed.
        """
        hdu = self._hdus[number]
        header = hdu.header
        kind = _DTYPES.get(header.get("BITPIX", 0))
        if type(hdu).__name__ not in _PLAIN or kind is None or any(k in header for k in _SCALED):
            return np.asarray(hdu.data)
        first = hdu.fileinfo()["datLoc"]
        count = math.prod(hdu.shape)
        return np.frombuffer(self._content, kind, count, first).reshape(hdu.shape)


#: Types of numbers in FITS, by BITPIX; HDUs that have them as they are, without these keywords.
_DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_PLAIN = ("PrimaryHDU", "ImageHDU")
_SCALED = ("BSCALE", "BZERO", "BLANK", "BSOFTEN")


def _picture(hdus: Any, wanted: str | int | None, bands: tuple[str, ...], most: int) -> BandImage:
    if wanted is not None:
        number = find_hdu(hdus, wanted)
        return without_masked(hdus, number, _from_hdu(hdus, number, most))[0]
    first = next((number for number in hdu_numbers(hdus) if _is_picture(hdus[number])), None)
    if first is None:
        raise ImageError(
            "no picture in this FITS file",
            wanted="an HDU with two axes, or three of which one is the bands",
            got=list_hdus(hdus),
            hint="a table of sources is read as `table`"
            if any(is_table_hdu(hdus[number]) for number in hdu_numbers(hdus))
            else None,
        )
    together = _one_band_each(hdus, bands) if bands else None
    if together is not None:
        return _joined(hdus, together, bands, most)
    others = [
        number for number in hdu_numbers(hdus) if number > first and _is_picture(hdus[number])
    ]
    image, masks = without_masked(hdus, first, _from_hdu(hdus, first, most))
    others = [number for number in others if number not in masks]
    if not others:
        return image
    unused = ", ".join(hdu_name(hdus[number], number) for number in others[:4])
    return replace(image, unused=f"pictures in {unused}")


def _is_picture(hdu: Any) -> bool:
    return len(picture_axes(hdu)) in (2, 3)


def _one_band_each(hdus: Any, bands: tuple[str, ...]) -> list[int] | None:
    """The HDU of each band, where HDUs are called by bands."""
    named: dict[str, int] = {}
    for number in hdu_numbers(hdus):
        hdu = hdus[number]
        if len(picture_axes(hdu)) == 2:
            for name in (hdu.name, str(hdu.header.get("FILTER", ""))):
                if name.strip():
                    named.setdefault(name.strip().casefold(), number)
    numbers = [named.get(band.casefold()) for band in bands]
    return [number for number in numbers if number is not None] if None not in numbers else None


def _joined(hdus: Any, numbers: list[int], bands: tuple[str, ...], most: int) -> BandImage:
    images = [without_masked(hdus, number, _from_hdu(hdus, number, most))[0] for number in numbers]
    return join_bands(dict(zip(bands, images, strict=True)))


def join_bands(images: dict[str, BandImage]) -> BandImage:
    """Pictures of one band each as one picture.

    Parameters
    ----------
    images : dict of str to BandImage
        The band's name and its picture, in their order.

    Raises
    ------
    ImageError
        They have several sizes, or several bands each, or show other places of the sky.
    """
    sizes = {band: image.pixels.shape for band, image in images.items()}
    if len(set(sizes.values())) > 1 or any(size[2] != 1 for size in sizes.values()):
        raise ImageError(
            "the bands are not of one size",
            wanted="one band in each, with the same height and width",
            got="; ".join(
                f"{band}: {size[0]} x {size[1]}" + (f" x {size[2]}" if size[2] != 1 else "")
                for band, size in sizes.items()
            ),
            hint="bring them to the pixels of one of them first (the package reproject does it)",
        )
    first = next(iter(images.values()))
    units = {band: image.unit for band, image in images.items() if image.unit}
    doubts: list[str] = []
    if len(set(units.values())) > 1:
        doubts.append(f"several units: {', '.join(f'{band} {units[band]}' for band in units)}")
    grids = {band: image.grid() for band, image in images.items()}
    height, width = first.pixels.shape[:2]
    if apart := misaligned(grids, height, width):
        doubts.append(apart)
    return BandImage(
        np.concatenate([image.pixels for image in images.values()], axis=2),
        tuple(images),
        first.pixel_scale,
        first.unit,
        first.is_display,
        ", ".join(dict.fromkeys(image.source for image in images.values())),
        is_scaleless=first.is_scaleless,
        doubt="; ".join(doubts),
    )


def _from_hdu(hdus: Any, number: int, most: int) -> BandImage:
    hdu = hdus[number]
    axes = picture_axes(hdu)
    header, where = header_with_sky(hdus, number)
    pixels_in_a_band = math.prod(axes) // (min(axes[0], axes[-1]) if len(axes) == 3 else 1)
    if pixels_in_a_band > most:
        raise ImageError(
            "the image is too large",
            wanted=f"at most {most:,} pixels",
            got=" x ".join(map(str, axes)) + " pixels",
            hint="cut the galaxies out of it first",
        )
    array: NDArray[np.generic] = hdus.pixels(number).reshape(axes)
    pixels = bands_last(array)[::-1]
    scale = pixel_scale_of(header)
    image = BandImage(
        pixels,
        band_names(header, pixels.shape[2]),
        scale,
        str(header.get("BUNIT", "")).strip(),
        source=hdu_name(hdu, number) + where,
        grid=partial(grid_cards, header) if pixels.shape[2] == 1 else tuple,
        is_scaleless=scale is None and bool(_sky_axes(header)),
    )
    return without_fills(image, hdu.header)


def pixel_scale_of(header: Any) -> float | None:
    """Arcseconds a pixel by a header's WCS.

    Parameters
    ----------
    header : mapping
        FITS keywords.

    Returns
    -------
    float or None
        The square root of a pixel's area; None without two celestial axes, with a unit (CUNIT)
        that is no angle, or where the header's numbers cannot be right.

    Examples
    --------
    >>> header = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CDELT1": -1e-4, "CDELT2": 1e-4}
    >>> round(pixel_scale_of(header), 6)
    0.36
    """
    axes = _sky_axes(header)
    units = [str(header.get(f"CUNIT{axis}", "deg")).strip().casefold() or "deg" for axis in axes]
    if len(axes) != 2 or not all(unit in _ARCSECONDS for unit in units):
        return None
    try:
        if any(f"CD{i}_{j}" in header for i in axes for j in axes):
            matrix = [[float(header.get(f"CD{i}_{j}", 0)) for j in axes] for i in axes]
        else:
            matrix = [
                [float(header.get(f"CDELT{i}", 1)) * float(header.get(f"PC{i}_{j}", i == j))
                 for j in axes]
                for i in axes
            ]  # fmt: skip
    except (TypeError, ValueError):
        return None
    area = abs(matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0])
    area *= _ARCSECONDS[units[0]] * _ARCSECONDS[units[1]]
    scale = math.sqrt(area) if math.isfinite(area) else 0.0
    return scale if _SCALES[0] <= scale < _SCALES[1] else None


def _sky_axes(header: Any) -> list[int]:
    """The axes on the sky: a cube may have another first."""
    return [
        axis
        for axis in range(1, _MOST_AXES + 1)
        if str(header.get(f"CTYPE{axis}", "")).strip().upper().startswith(_CELESTIAL)
    ]
