"""A picture as it was measured: any number of bands of any numbers, before any stretch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.band_labels import same_band

#: A cube with more planes than this along its shortest axis is no picture in bands.
MOST_BANDS = 64


@dataclass(frozen=True)
class BandImage:
    """A picture in bands.

    Attributes
    ----------
    pixels : (height, width, bands)
        Integers or floats, row 0 at the top; NaN where there are no data.
    bands : tuple of str
        Their names; empty where the file does not name them. A band can then be called by its
        number, from 1.
    pixel_scale : float or None
        Arcseconds a pixel, by the file's WCS.
    unit : str
        Of the pixels; empty where it is not stated.
    is_display : bool
        Whether integers of 16 bits, and floats from 0 to 1, are grey levels to look at; in FITS
        they are measurements.
    source : str
        Where in the file the picture was found (``HDU 1 (SCI)``).
    unused : str
        What else of the file could be meant, and was not used.
    grid : callable
        Gives the cards of a FITS header that say where its pixels are on the sky; of a single band.
    is_scaleless : bool
        Whether its header states axes on the sky, and no scale of its pixels.
    doubt : str
        What the headers of the bands' files say against the names that they were given.
    """

    pixels: NDArray[np.generic]
    bands: tuple[str, ...] = ()
    pixel_scale: float | None = None
    unit: str = ""
    is_display: bool = False
    source: str = ""
    unused: str = ""
    grid: Callable[[], tuple[tuple[str, object], ...]] = tuple
    is_scaleless: bool = False
    doubt: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The bands' names, or their numbers."""
        return self.bands or tuple(str(number + 1) for number in range(self.pixels.shape[2]))

    def index(self, band: str) -> int | None:
        """Where a band is: by its name, or by its number from 1; None if it is not there.

        Examples
        --------
        >>> image = BandImage(np.zeros((2, 2, 2)), ("DECam g", "DECam z"))
        >>> image.index("z"), image.index("1"), image.index("i")
        (1, 0, None)
        """
        names = self.names
        for same in (_equal, same_band):
            indices = [number for number, name in enumerate(names) if same(name, band)]
            if len(indices) == 1:
                return indices[0]
        if band.isdecimal() and 1 <= int(band) <= len(names):
            return int(band) - 1
        return None

    def choose(self, bands: Sequence[str]) -> NDArray[np.generic]:
        """The pixels of some bands, in that order: (height, width, bands).

        Raises
        ------
        ImageError
            A band is not there.
        """
        indices = [self.index(band) for band in bands]
        missing = [band for band, index in zip(bands, indices, strict=True) if index is None]
        if missing:
            raise ImageError(
                f"no band {', '.join(missing)}",
                wanted=f"the bands {', '.join(bands)}"
                if self.bands or not all(band.isdecimal() for band in bands)
                else f"numbers of 1 to {len(self.names)}",
                got=", ".join(self.names) if self.bands else f"{len(self.names)} without names",
                hint=None
                if self.bands
                else "name bands by their numbers in the file, the shortest wavelength first: of "
                "z, r, g `bands='3,2,1'`; and the survey's `stretch`",
            )
        return self.pixels[..., [index for index in indices if index is not None]]


def bands_last(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """A picture with its bands last, from an array with them first or last, or without.

    Parameters
    ----------
    array : (height, width), (bands, height, width) or (height, width, bands)
        The shorter of the first and the last axis is that of the bands; the first if both are
        equal. Axes of length 1 in front (of cubes with a frequency or polarisation axis) count
        for nothing.

    Returns
    -------
    (height, width, bands)
        A view.

    Raises
    ------
    ImageError
        Not the shape of a picture.

    Examples
    --------
    >>> bands_last(np.zeros((3, 40, 50))).shape, bands_last(np.zeros((40, 50))).shape
    ((40, 50, 3), (40, 50, 1))
    """
    shape = array.shape
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[np.newaxis]
    if array.ndim != 3 or min(array.shape) < 1:
        raise ImageError(
            "not the shape of a picture",
            wanted="(height, width), (bands, height, width) or (height, width, bands)",
            got=str(shape),
        )
    if array.shape[0] <= array.shape[2]:
        array = np.moveaxis(array, 0, -1)
    if array.shape[2] > MOST_BANDS:
        raise ImageError(
            "not a picture in a few bands",
            wanted=f"at most {MOST_BANDS} bands",
            got=str(shape),
            hint="add up the planes of a spectral cube to bands first",
        )
    return array


def _equal(name: str, band: str) -> bool:
    return name.strip().casefold() == band.strip().casefold()
