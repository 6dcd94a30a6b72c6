"""Images in memory: checks of their arrays, and conversion to uint8 pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError, ArgumentTypeError

#: Bands that an image can have: grey, or red, green and blue.
BANDS = (1, 3)

_WANTED = "(height, width, bands) with 1 band or 3 bands (red, green, blue)"
_WANTED_STACK = f"(images, height, width, bands), or {_WANTED}"


def is_image_dtype(dtype: np.dtype[np.generic]) -> bool:
    """Whether pixels can have that type: uint8, or floats."""
    return dtype == np.uint8 or dtype.kind == "f"


def require_dtype(array: NDArray[np.generic], what: str) -> None:
    """Refuse an array whose numbers cannot be pixels of an image.

    Raises
    ------
    ArgumentTypeError
        The numbers are neither uint8 nor floats, or some are masked; the message says what to do.
    """
    if not is_image_dtype(array.dtype):
        hint = "stretch the pixels to 0..255 and convert them: `images.astype(np.uint8)`"
        if array.dtype == np.uint16:
            hint = "`(images >> 8).astype(np.uint8)` keeps the upper 8 bits, as of 16-bit files"
        elif array.dtype == np.bool_:
            hint = "`images.astype(np.uint8) * 255`, if True is white"
        raise ArgumentTypeError(
            f"{what}: the numbers are not those of an image",
            argument="images",
            wanted="uint8 (0..255) or floats (0..1)",
            got=str(array.dtype),
            hint=hint,
        )
    if isinstance(array, np.ma.MaskedArray) and array.mask.any():
        raise ArgumentTypeError(
            f"{what}: {int(array.mask.sum()):,} pixels are masked",
            argument="images",
            wanted="an array without a mask",
            hint="`images.filled(0)` makes them black",
        )


def as_image(array: NDArray[np.generic], what: str = "the image") -> NDArray[np.generic]:
    """An image with an axis of bands, from an array with or without it.

    Parameters
    ----------
    array : (height, width, bands) or (height, width)
        uint8 or floats; without an axis of bands it is grey.
    what : str
        The name of the image in messages.

    Returns
    -------
    (height, width, 1 or 3)
        A view of ``array``.

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
    >>> as_image(np.zeros((3, 30, 40), np.uint8))
    Traceback (most recent call last):
    galaxyclass.errors.ArgumentError: the image: not the shape of an image
      wanted: (height, width, bands) with 1 band or 3 bands (red, green, blue)
      got:    (3, 30, 40)
      hint:   the bands come last: `np.moveaxis(image, 0, -1)`
    """
    require_dtype(array, what)
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim == 3 and array.shape[2] in BANDS and all(array.shape):
        return array
    hint = None
    if array.ndim == 3 and array.shape[0] in BANDS and all(array.shape):
        hint = "the bands come last: `np.moveaxis(image, 0, -1)`"
    elif array.ndim == 3 and array.shape[2] == 4:
        hint = "leave transparency out: `image[..., :3]`"
    raise ArgumentError(
        f"{what}: not the shape of an image",
        argument="images",
        wanted=_WANTED,
        got=str(array.shape),
        hint=hint,
    )


def as_images(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """A stack of images, from an array that is a stack or a single image.

    Parameters
    ----------
    array : (images, height, width, bands), (height, width, bands) or (height, width)
        uint8 or floats.

    Returns
    -------
    (images, height, width, 1 or 3)
        A view of ``array``.

    Raises
    ------
    ArgumentError
        The array does not have the shape of images. Three axes without bands in the last could be
        a stack of grey images, or an image with its bands first.
    ArgumentTypeError
        As for `require_dtype`.

    Examples
    --------
    >>> as_images(np.zeros((30, 40, 3), np.uint8)).shape
    (1, 30, 40, 3)
    """
    if array.ndim == 4:
        require_dtype(array, "`images`")
        if array.shape[3] in BANDS and all(array.shape[1:]):
            return array
        hint = None
        if array.shape[1] in BANDS:
            hint = "the bands come last: `np.moveaxis(images, 1, -1)`"
        elif array.shape[3] == 4:
            hint = "leave transparency out: `images[..., :3]`"
        raise ArgumentError(
            "`images`: not the shape of images",
            argument="images",
            wanted=_WANTED_STACK,
            got=str(array.shape),
            hint=hint,
        )
    if array.ndim == 3 and array.shape[2] not in BANDS and array.shape[0] not in BANDS:
        require_dtype(array, "`images`")
        raise ArgumentError(
            "`images`: not clear which axis is that of the bands",
            argument="images",
            wanted=_WANTED_STACK,
            got=str(array.shape),
            hint="of grey images: `images[..., np.newaxis]`",
        )
    return as_image(array, "images")[np.newaxis]


def to_pixels(image: NDArray[np.generic], what: str = "the image") -> NDArray[np.uint8]:
    """The pixels of an image as bytes, contiguous in memory.

    Parameters
    ----------
    image : (height, width, 1 or 3) uint8 or floats
        Floats run from 0 (black) to 1 (white), as a stretch gives them.
    what : str
        The name of the image in messages.

    Returns
    -------
    (height, width, 1 or 3) uint8
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
    low, high = float(image.min()), float(image.max())
    if not (low >= 0 and high <= 1):  # NaN is neither
        raise ArgumentError(
            f"{what}: pixels beyond the range of an image",
            argument="images",
            wanted="floats from 0 (black) to 1 (white), without NaN",
            got="NaN" if math.isnan(low + high) else f"{low:.6g} to {high:.6g}",
            hint=_range_hint(low, high),
        )
    return np.ascontiguousarray(np.rint(image.astype(np.float64) * 255).astype(np.uint8))


def _range_hint(low: float, high: float) -> str:
    if low >= 0 and 1 < high <= 255:
        return "if they are grey levels of 0 to 255: `images / 255`, or `images.astype(np.uint8)`"
    return (
        "stretch the pixels as the model's training images were (asinh is usual), clip them to "
        "0..1, and put `np.nan_to_num(images)` for those that are missing"
    )
