"""Masks in FITS files: pixels that another HDU marks as bad are pixels without data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.band_image import BandImage, bands_last
from galaxyclass.images.fits_hdus import picture_axes

#: Names of HDUs in which a bad pixel is not 0, and of such in which it is 0.
_FLAGS = ("MASK", "DQ", "BPM", "BADPIX", "BADMASK")
_WEIGHTS = ("IVAR", "INVVAR", "INVVARIANCE", "WEIGHT", "WHT")
#: Planes of the Rubin Observatory's masks that mean a pixel is bad. Others mark sources.
_RUBIN_BAD = ("MP_BAD", "MP_NO_DATA")
#: A mask that would leave less than this share of a picture is taken to mean something else.
_LEAST_LEFT = 0.5


def without_masked(hdus: Any, number: int, image: BandImage) -> tuple[BandImage, set[int]]:
    """A picture with NaN where another HDU of its file marks a pixel as bad.

    Parameters
    ----------
    hdus : astropy's list of HDUs
    number : int
        Of the HDU of the picture.
    image : BandImage
        The picture, row 0 at the top.

    Returns
    -------
    image : BandImage
        Its source says by what it was masked, and which mask was not understood.
    masks : set of int
        The HDUs that are masks.

    Notes
    -----
    A mask has the size of the picture, or of its cube: then each band has its own. In `_FLAGS` 1 is
    bad where there are only 0 and 1. Where there are more flags, the first bit is JWST's "do not
    use", and the Rubin Observatory's header names the planes; other flags are not used. In
    `_WEIGHTS` 0 is bad.
    """
    fitting = [
        other
        for other in range(len(hdus))
        if other != number and hdus[other].name in (*_FLAGS, *_WEIGHTS)
    ]
    version = hdus[number].ver
    fitting = [other for other in fitting if hdus[other].ver == version] or fitting
    masks, words, bad = set(), [], np.zeros(image.pixels.shape, bool)
    for other in fitting:
        shape = picture_axes(hdus[other])
        if shape not in (bad.shape[:2], picture_axes(hdus[number])):
            continue
        masks.add(other)
        marked = _marked(hdus[other], bands_last(np.asarray(hdus[other].data).reshape(shape))[::-1])
        if marked is None or marked.mean() > 1 - _LEAST_LEFT:
            words.append(f"not masked by {hdus[other].name}, whose flags are not understood")
        elif marked.any():
            words.append(f"masked by {hdus[other].name}")
            bad |= marked
    source = ", ".join([image.source, *words])
    if not bad.any():
        return replace(image, source=source), masks
    kind = np.result_type(image.pixels.dtype.newbyteorder("="), np.float32)
    pixels = image.pixels.astype(kind)
    pixels[bad] = np.nan
    return replace(image, pixels=pixels, source=source), masks


def _marked(hdu: Any, values: NDArray[np.generic]) -> NDArray[np.bool_] | None:
    """Which pixels an HDU marks as bad; None where that is not clear."""
    if hdu.name in _WEIGHTS:
        return np.asarray(values <= 0) if values.any() else None  # type: ignore[operator]
    if values.dtype.kind == "f":
        return np.asarray(values != 0) if set(np.unique(values)) <= {0.0, 1.0} else None
    flags = values.astype(np.int64)
    if flags.max(initial=0) <= 1:
        return np.asarray(flags != 0)
    planes = [int(hdu.header[name]) for name in _RUBIN_BAD if name in hdu.header]
    if planes:
        return np.asarray(flags & sum(1 << plane for plane in planes) != 0)
    if "JWST" in str(hdu.header.get("TELESCOP", "")) or hdu.name == "DQ":
        return np.asarray(flags & 1 != 0)
    return None
