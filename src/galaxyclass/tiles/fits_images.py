"""Images in FITS files of tiles: which HDU, which plane, and the pixels."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.extras import require
from galaxyclass.images.fits_grids import header_with_sky
from galaxyclass.images.fits_hdus import astropy_warnings, find_hdu, list_hdus, picture_axes
from galaxyclass.io.reading import require_ordinary

#: At the end of a path: ``[HDU]``, by name or number.
_HDU = re.compile(r"(.+)\[([^\[\]]+)\]")
#: The most planes that a cube of bands has.
MAX_BANDS = 64


@dataclass(frozen=True, eq=False)
class FitsImage:
    """An image in a FITS file: a plane, or a cube of bands.

    Attributes
    ----------
    path : str
    hdu : int
        Its index in the file.
    hdu_name : str
        Its EXTNAME; may be empty.
    shape : tuple of int
        Of the array, axes of one element left out: 2 or 3 axes.
    band_axis : int or None
        The axis of the bands of a cube; None: a single band.
    header : astropy.io.fits.Header
    images : int
        How many HDUs of the file hold an image.
    """

    path: str
    hdu: int
    hdu_name: str
    shape: tuple[int, ...]
    band_axis: int | None
    header: Any
    images: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        sizes = [length for axis, length in enumerate(self.shape) if axis != self.band_axis]
        return sizes[0], sizes[1]

    @property
    def bands(self) -> int:
        """How many bands it has."""
        return 1 if self.band_axis is None else self.shape[self.band_axis]

    def read(self) -> list[NDArray[np.generic]]:
        """The bands, each (height, width), row 0 as in the file: the lowest row.

        Pixels of an uncompressed file without BSCALE or BLANK are mapped, and read from the disk
        where they are used; of other files they are in memory.

        Raises
        ------
        ImageError
            The file cannot be opened, or ends early.
        """
        fits = require("astropy.io.fits")
        with quiet(self.path) as caught:
            # A file that is mapped stays open as long as an array shows its pixels.
            mapped = not self._is_scaled() and not _is_packed(self.path)
            with fits.open(self.path, memmap=mapped) as hdus:
                data = hdus[self.hdu].data
            _require_whole(self.path, caught)
        if data is None:  # pragma: no cover - the file was changed meanwhile
            raise ImageError(f"{self.path}: HDU {self.hdu} holds no pixels any more")
        array = np.asarray(data).reshape(self.shape)
        if self.band_axis is None:
            return [array]
        return list(np.moveaxis(array, self.band_axis, 0))

    def _is_scaled(self) -> bool:
        return any(key in self.header for key in ("BSCALE", "BZERO", "BLANK"))


def split_hdu(path: str) -> tuple[str, str | None]:
    """A path and the HDU that is named behind it.

    Examples
    --------
    >>> split_hdu("tile.fits[SCI]"), split_hdu("tile.fits")
    (('tile.fits', 'SCI'), ('tile.fits', None))
    """
    match = _HDU.fullmatch(path)
    if match is None or Path(path).exists():
        return path, None
    return match[1], match[2].strip()


def find_fits_image(path: str, hdu: str | int | None = None) -> FitsImage:
    """The image of a FITS file: the HDU that is named, or the first that holds one.

    Parameters
    ----------
    path : str
    hdu : str or int, optional
        By name (EXTNAME) or number, 0 the primary; also as ``path[HDU]``.

    Raises
    ------
    ImageError
        No such file; not FITS; it ends early; no image in it, or not in that HDU; axes that are
        neither one band nor a cube of bands.
    """
    path, named = split_hdu(path)
    hdu = named if hdu is None else hdu
    fits = require("astropy.io.fits")
    if not Path(path).exists():
        raise ImageError(f"{path}: no such file")
    try:
        require_ordinary(path)
    except OSError as error:
        raise ImageError(f"{path}: cannot be opened", got=error.strerror or str(error)) from error
    with quiet(path) as caught, fits.open(path, memmap=True) as hdus:
        pictures = [number for number, each in enumerate(hdus) if picture_axes(each)]
        _require_whole(path, caught)
        if hdu is None and not pictures:
            raise ImageError(
                f"{path}: no picture in this FITS file",
                wanted="an HDU that is an image of two axes, or a cube of bands",
                got=list_hdus(hdus),
            )
        number = pictures[0] if hdu is None else find_hdu(hdus, hdu, path)
        axes, header = picture_axes(hdus[number]), header_with_sky(hdus, number)[0].copy()
        name = hdus[number].name
    return FitsImage(path, number, name, axes, _band_axis(path, axes), header, len(pictures))


@contextmanager
def quiet(path: str) -> Iterator[list[warnings.WarningMessage]]:
    """Collect astropy's warnings about a file, and translate its errors.

    Raises
    ------
    ImageError
    """
    with astropy_warnings() as caught:
        try:
            yield caught
        except FileNotFoundError as error:
            raise ImageError(f"{path}: no such file") from error
        except PermissionError as error:
            raise ImageError(f"{path}: no permission to read it") from error
        except MemoryError as error:
            raise ImageError(f"{path}: does not fit into the memory") from error
        # A damaged file makes astropy raise errors of many types, its decompressors among them.
        except (OSError, EOFError, ValueError, TypeError, KeyError, IndexError, RuntimeError) as e:
            raise _damaged(path, e, caught) from e


def _damaged(path: str, error: Exception, caught: list[warnings.WarningMessage]) -> ImageError:
    text = " ".join(str(error).split())[:200] or type(error).__name__
    begins = _first_bytes(path)
    if _ends_early(caught) or isinstance(error, EOFError):
        return _cut_short(path, text)
    if not _is_packed(path) and not begins.startswith(b"SIMPLE"):
        return ImageError(
            f"{path}: not a FITS file",
            wanted="FITS: plain, .gz, .bz2, .xz or .fz",
            got="an empty file" if not begins else f"bytes that begin {begins[:4].hex(' ')}",
        )
    return ImageError(
        f"{path}: cannot be read; the file is damaged, or ends early",
        got=text,
        hint="fetch the file again",
    )


def _cut_short(path: str, got: str) -> ImageError:
    return ImageError(f"{path}: the file ends early", got=got, hint="fetch the file again")


def _require_whole(path: str, caught: list[warnings.WarningMessage]) -> None:
    if (message := _ends_early(caught)) is not None:
        raise _cut_short(path, message)


def _ends_early(caught: list[warnings.WarningMessage]) -> str | None:
    texts = [" ".join(str(warning.message).split()) for warning in caught]
    return next((text for text in texts if "truncated" in text.lower()), None)


def _first_bytes(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(8)
    except OSError:
        return b""


def _is_packed(path: str) -> bool:
    """Whether all of the file is compressed: gzip, bzip2 or xz."""
    return _first_bytes(path).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK"))


def _band_axis(path: str, shape: tuple[int, ...]) -> int | None:
    if len(shape) == 2:
        return None
    axis = int(np.argmin(shape)) if len(shape) == 3 else 1
    if axis == 1 or shape[axis] > MAX_BANDS:
        raise ImageError(
            f"{path}: not an image of bands",
            wanted="(y, x), (bands, y, x) or (y, x, bands)",
            got=f"an array of {' x '.join(map(str, shape))}",
        )
    return axis
