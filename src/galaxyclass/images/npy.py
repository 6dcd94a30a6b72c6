"""``.npy``: an array of numpy in a file as a picture in bands."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.band_image import BandImage, bands_last
from galaxyclass.short import first_line

#: The first bytes of a ``.npy`` file.
NPY = (b"\x93NUMPY",)


def read_npy(data: bytes, max_pixels: int) -> BandImage:
    """The picture in a ``.npy`` file.

    Parameters
    ----------
    data : bytes
    max_pixels : int
        Refuse pictures of more pixels in a band.

    Raises
    ------
    ImageError
        Truncated or corrupt; objects of Python; not the shape of a picture.
    """
    try:
        _require_whole(data)
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except _ObjectsError as error:
        raise ImageError(
            "the .npy file holds objects of Python, which are not read",
            wanted="integers or floats",
            hint="save numbers: grey levels as `image.astype('uint8')`, brightness as "
            "`image.astype('float32')`",
        ) from error
    except Exception as error:
        # ValueError, EOFError, and errors of the parser of its header
        raise ImageError(
            "the .npy file is truncated or corrupt",
            got=first_line(error),
            hint="fetch the file again, or save it again",
        ) from error
    return band_image_of(array, max_pixels)


class _ObjectsError(ValueError):
    """The array is one of Python's objects."""


def _require_whole(data: bytes) -> None:
    """Refuse objects, and a header that promises more than follows: numpy would make room for it.

    Raises
    ------
    ValueError
    """
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        return
    shape, _, kind = readers[version](file)
    if kind.hasobject:
        raise _ObjectsError
    wanted, present = math.prod(shape) * kind.itemsize, len(data) - file.tell()
    if wanted > present:
        raise ValueError(f"{wanted:,} bytes are announced, {present:,} follow")


def band_image_of(array: NDArray[np.generic], max_pixels: int | None = None) -> BandImage:
    """An array as a picture in bands.

    Parameters
    ----------
    array : (height, width), (bands, height, width) or (height, width, bands)
        Numbers or booleans, row 0 at the top. What is masked becomes NaN.
    max_pixels : int, optional
        Refuse pictures of more pixels in a band.

    Raises
    ------
    ImageError
        Not numbers; not the shape of a picture; too large.

    Examples
    --------
    >>> band_image_of(np.ma.masked_equal([[1, 2]], 2)).pixels[0, :, 0].tolist()
    [1.0, nan]
    """
    if isinstance(array, np.ma.MaskedArray):
        # A masked band of integers must become floats to have NaN.
        wide = np.float64 if array.dtype.kind in "iub" else array.dtype
        masked = bool(np.ma.is_masked(array))
        array = np.ma.filled(array.astype(wide), np.nan) if masked else np.ma.getdata(array)
    if array.dtype.kind not in "iufb":
        raise ImageError("not numbers", wanted="integers or floats", got=str(array.dtype))
    if array.dtype.kind == "b":
        array = array.astype(np.uint8) * np.uint8(255)
    pixels = bands_last(array)
    if max_pixels is not None and pixels[..., 0].size > max_pixels:
        raise ImageError(
            "the image is too large",
            wanted=f"at most {max_pixels:,} pixels",
            got=f"{pixels.shape[1]:,} x {pixels.shape[0]:,} pixels",
            hint="cut the galaxies out of it first",
        )
    return BandImage(pixels, is_display=True)
