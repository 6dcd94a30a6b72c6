"""Images in memory: checks of their arrays, and conversion to uint8 pixels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError, ArgumentTypeError, ImageError
from galaxyclass.images.band_image import MOST_BANDS, BandImage
from galaxyclass.images.channels import to_colour
from galaxyclass.images.decode import not_applied, render_decoded, with_zoom
from galaxyclass.images.decoded import Decoded
from galaxyclass.images.fill_values import without_fills
from galaxyclass.images.levels import are_level_bounds
from galaxyclass.images.npy import band_image_of
from galaxyclass.images.render import RenderSettings
from galaxyclass.images.standardised import standardised_by

#: Bands that an image can have without names: grey, or red, green and blue.
BANDS = (1, 3)

_WANTED = "(height, width), (height, width, bands) or (bands, height, width)"
_WANTED_STACK = f"(images, height, width, bands), or {_WANTED}"


def require_dtype(array: NDArray[np.generic], what: str) -> None:
    """Refuse an array whose numbers cannot be pixels of an image.

    Raises
    ------
    ArgumentTypeError
        The numbers are neither integers nor floats; the message says what to do.
    """
    if array.dtype.kind not in "iuf":
        hint = None
        if array.dtype == np.bool_:
            hint = "`images.astype(np.uint8) * 255`, if True is white"
        elif array.dtype.kind == "S":
            hint = "of paths: `images.astype(str)`"
        raise ArgumentTypeError(
            f"{what}: the numbers are not those of an image",
            argument="images",
            wanted="integers or floats",
            got=str(array.dtype),
            hint=hint,
        )


def as_image(array: NDArray[np.generic], what: str = "the image") -> NDArray[np.generic]:
    """An image with its bands last, from an array with or without an axis of bands.

    Parameters
    ----------
    array : (height, width), (height, width, bands) or (bands, height, width)
        Integers or floats; without an axis of bands it is grey. The shorter of the first and the
        last axis is that of the bands, the last if both are equal.
    what : str
        The name of the image in messages.

    Returns
    -------
    (height, width, bands)
        A view of ``array``; its mask, if it has one, stays.

    Raises
    ------
    ArgumentError
        The array does not have the shape of an image.
    ArgumentTypeError
        As for `require_dtype`.

    Examples
    --------
    >>> as_image(np.zeros((30, 40), np.uint8)).shape
    (30, 40, 1)
    >>> as_image(np.zeros((3, 30, 40), np.uint8)).shape
    (30, 40, 3)
    """
    require_dtype(array, what)
    image = array[..., np.newaxis] if array.ndim == 2 else array
    if image.ndim == 3 and all(image.shape):
        if image.shape[0] < image.shape[2]:
            image = np.moveaxis(image, 0, -1)
        if image.shape[2] <= MOST_BANDS:
            return image
    raise ArgumentError(
        f"{what}: not the shape of an image",
        argument="images",
        wanted=f"{_WANTED}, at most {MOST_BANDS} bands",
        got=str(array.shape),
        hint="of batches: `(image for batch in batches for image in batch)`"
        if array.ndim == 4
        else None,
    )


def as_images(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """A stack of images, from an array that is a stack or a single image.

    Parameters
    ----------
    array : (images, height, width, bands), (images, bands, height, width) or a single image
        Integers or floats.

    Returns
    -------
    (images, height, width, bands)
        A view of ``array``.

    Raises
    ------
    ArgumentError
        The array does not have the shape of images. Three axes without 1 or 3 bands could be a
        stack of grey images, or an image in several bands.
    ArgumentTypeError
        As for `require_dtype`.

    Examples
    --------
    >>> as_images(np.zeros((30, 40, 3), np.uint8)).shape
    (1, 30, 40, 3)
    >>> as_images(np.zeros((9, 5, 30, 40))).shape
    (9, 30, 40, 5)
    """
    require_dtype(array, "`images`")
    if array.ndim == 4:
        if array.shape[1] < array.shape[3]:
            array = np.moveaxis(array, 1, -1)
        if all(array.shape[1:]) and array.shape[3] <= MOST_BANDS:
            return array
        raise ArgumentError(
            "`images`: not the shape of images",
            argument="images",
            wanted=_WANTED_STACK,
            got=str(array.shape),
        )
    if array.ndim == 3 and array.shape[2] not in BANDS and array.shape[0] not in BANDS:
        raise ArgumentError(
            "`images`: not clear which axis is that of the bands",
            argument="images",
            wanted=_WANTED_STACK,
            got=str(array.shape),
            hint="of grey images: `images[..., np.newaxis]`; of one image in bands: `[image]`",
        )
    return as_image(array, "images")[np.newaxis]


def decode_array(
    array: NDArray[np.generic], settings: RenderSettings, what: str = "the image"
) -> Decoded:
    """An image in memory in the channels that are wanted, as `decode_scaled` makes them of a file.

    Parameters
    ----------
    array : (height, width), (height, width, bands) or (bands, height, width)
        uint8, and floats from 0 (black) to 1 (white) in one or three bands, are grey levels, red
        first. Others are brightness and are stretched (`render_bands`): NaN and what is masked has
        no data, and the band of the shortest wavelength is the first.
    settings : RenderSettings
    what : str
        The name of the image in messages.

    Raises
    ------
    ArgumentError
        Floats from 0 to 255 without a stretch, which could be either; no image; bands that are
        missing or not clear.
    ArgumentTypeError
        As for `require_dtype`.
    """
    image, unit = as_image(array, what), getattr(array, "unit", None)
    if unit is not None:  # a Quantity of astropy
        image = np.asarray(image)
    height, width, bands = image.shape
    masked = isinstance(image, np.ma.MaskedArray) and bool(np.ma.is_masked(image))
    if bands in BANDS and not masked and not settings.bands and settings.colour != "bands":
        if image.dtype == np.uint8 or (settings.stretch is None and are_levels(image)):
            levels = to_colour(to_pixels(image, what), settings.colour)
            decoded = Decoded(levels, height, width, 1, not_applied(settings))
            return with_zoom(decoded, settings)
        if settings.stretch is None and image.dtype != np.uint16 and unit is None:
            _require_clear(image, what)
    try:
        in_bands = replace(_in_bands(image), unit="" if unit is None else str(unit))
        decoded = render_decoded(in_bands, settings)
        if settings.hdu is not None:
            decoded = decoded._replace(notes=(*decoded.notes, "in memory: hdu is not applied"))
        return decoded
    except ImageError as error:
        raise ArgumentError(
            f"{what}: {error.what}",
            argument="images",
            wanted=error.wanted,
            got=error.got,
            hint=error.hint,
        ) from error


def _in_bands(image: NDArray[np.generic]) -> BandImage:
    in_bands = band_image_of(image)
    # The bands are last already: of a picture that is narrower than it has bands, too.
    as_given = in_bands.pixels.shape == image.shape
    return without_fills(in_bands if as_given else BandImage(image, is_display=True))


def are_levels(image: NDArray[np.generic]) -> bool:
    """Whether an image holds floats from 0 to 1: grey levels."""
    if image.dtype.kind != "f" or not image.size:
        return False
    return are_level_bounds(float(np.min(image)), float(np.max(image)))


def _require_clear(image: NDArray[np.generic], what: str) -> None:
    """Refuse numbers that could be grey levels of 0 to 255, or standardised ones.

    16-bit integers are read as levels.
    """
    low, high = float(np.min(image)), float(np.max(image))
    if undone_by := standardised_by(image, low, high):
        raise ArgumentError(
            f"{what}: floats that look like standardised grey levels",
            argument="images",
            wanted="grey levels from 0 (black) to 1 (white), or a stretch for brightness",
            got=f"{low:.6g} to {high:.6g}",
            hint=f"of grey levels, undo it: {undone_by}; of brightness: "
            "`reading={'stretch': 'asinh'}`",
        )
    if low >= 0 and 1 < high <= 255:
        floats = image.dtype.kind == "f"
        levels = "images / 255" if floats else "images.astype('uint8')"
        raise ArgumentError(
            f"{what}: {'floats' if floats else 'integers'} that could be grey levels or brightness",
            argument="images",
            wanted="grey levels from 0 (black) to 1 (white), or a stretch for brightness"
            if floats
            else "grey levels as uint8, or a stretch for brightness",
            got=f"{low:.6g} to {high:.6g}" + ("" if floats else f", as {image.dtype}"),
            hint=f"of grey levels of 0 to 255: `{levels}`; of brightness: "
            "`reading={'stretch': 'asinh'}`",
        )


def to_pixels(image: NDArray[np.generic], what: str = "the image") -> NDArray[np.uint8]:
    """The pixels of an image as bytes, contiguous in memory.

    Parameters
    ----------
    image : (height, width, bands) uint8 or floats
        Floats run from 0 (black) to 1 (white), as a stretch gives them.
    what : str
        The name of the image in messages.

    Returns
    -------
    (height, width, bands) uint8
        Floats times 255, rounded to the nearest integer.

    Raises
    ------
    ArgumentError
        Floats beyond 0..1, or NaN.

    Examples
    --------
    >>> to_pixels(np.full((1, 1, 1), 0.5)).tolist()
    [[[128]]]
    """
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image, dtype=np.uint8)
    low, high = float(np.min(image)), float(np.max(image))
    if not are_level_bounds(low, high):
        raise ArgumentError(
            f"{what}: pixels beyond the range of an image",
            argument="images",
            wanted="floats from 0 (black) to 1 (white), without NaN",
            got="NaN" if math.isnan(low + high) else f"{low:.6g} to {high:.6g}",
            hint="stretch the pixels first",
        )
    return np.ascontiguousarray(np.rint(image.astype(np.float64) * 255).astype(np.uint8))
