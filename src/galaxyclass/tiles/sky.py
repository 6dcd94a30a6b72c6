"""From positions on the sky to pixels of a tile and back, by its header's WCS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.extras import require
from galaxyclass.tiles.fits_images import quiet

#: What wcslib says of itself in its messages.
_WCSLIB = re.compile(r"ERROR \d+ in \w+\(\) at line \d+ of file \S+: ")
#: Pixel scales that a survey's tile can have, arcsec.
_SCALES = (1e-4, 3600.0)
#: Largest distance, in pixels, of a pixel from itself after a way over the sky and back.
_ROUND_TRIP = 0.5


@dataclass(frozen=True, eq=False)
class SkyGrid:
    """The world coordinate system of a tile.

    Attributes
    ----------
    wcs : astropy.wcs.WCS
        Of the two axes of the sky.
    frame : astropy frame or None
        Where it is not that of ICRS (or J2000, the same to 0.02 arcsec): Galactic, B1950.
    scale : float
        Arcsec per pixel, the geometric mean of both axes.
    mirrored : bool
        Whether the sky is mirrored with row 0 at the bottom: east is then right of north.
    """

    wcs: Any
    frame: Any
    scale: float
    mirrored: bool

    def to_pixels(
        self, ra: NDArray[np.float64], dec: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels (x, y) of positions in degrees, all in one call; 0 is the first pixel's centre.

        NaN where a position has no pixel, such as on the other side of the sky.
        """
        from astropy.wcs import NoConvergence

        if self.frame is not None:
            ra, dec = _transformed(ra, dec, "icrs", self.frame)
        world = (ra, dec) if self.wcs.wcs.lng == 0 else (dec, ra)
        try:
            x, y = self.wcs.all_world2pix(*world, 0, quiet=True)
        except (NoConvergence, ValueError):  # pragma: no cover - beyond a distortion's reach
            x, y = self.wcs.wcs_world2pix(*world, 0)
        return np.asarray(x, np.float64), np.asarray(y, np.float64)

    def to_sky(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions in degrees (ICRS) of pixels."""
        first, second = self.wcs.all_pix2world(x, y, 0)
        ra, dec = (first, second) if self.wcs.wcs.lng == 0 else (second, first)
        if self.frame is not None:
            ra, dec = _transformed(ra, dec, self.frame, "icrs")
        return np.asarray(ra, np.float64) % 360, np.asarray(dec, np.float64)


def read_sky(header: Any, path: str, size: tuple[int, int]) -> SkyGrid | None:
    """The WCS of a header; None where it has none.

    Parameters
    ----------
    header : astropy.io.fits.Header
    path : str
        For messages.
    size : (height, width)
        Of the image, pixels.

    Raises
    ------
    ImageError
        It has one that is wrong: it cannot be read, its matrix is singular, a pixel's scale is
        impossible, or pixels do not come back to themselves.
    """
    wcs_module = require("astropy.wcs")
    with quiet(path):
        try:
            wcs = wcs_module.WCS(header, naxis=None).celestial
            if not wcs.has_celestial:
                return None
            scales = wcs_module.utils.proj_plane_pixel_scales(wcs) * 3600
            matrix = wcs.pixel_scale_matrix
            frame = _frame_of(wcs_module, wcs)
        except (wcs_module.WcsError, ValueError, KeyError, np.linalg.LinAlgError) as error:
            raise _wrong(path, _WCSLIB.sub("", " ".join(str(error).split()))[:200]) from error
    determinant = float(np.linalg.det(matrix))
    if not all(np.isfinite(scales)) or not determinant or not np.isfinite(determinant):
        raise _wrong(path, "a matrix (CD, or PC and CDELT) that is singular")
    if not all(_SCALES[0] < scale < _SCALES[1] for scale in scales):
        raise _wrong(path, f"pixels of {scales[0]:.3g} by {scales[1]:.3g} arcsec")
    # Right ascension grows eastwards, to the left: a matrix that does not mirror has a negative
    # determinant where the longitude is the first axis.
    longitude_first = wcs.wcs.lng == 0
    mirrored = (determinant > 0) == longitude_first
    grid = SkyGrid(wcs, frame, float(np.sqrt(scales[0] * scales[1])), mirrored)
    _require_round_trip(grid, path, size)
    return grid


def unit_vectors(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions in degrees as (positions, 3) unit vectors.

    Examples
    --------
    >>> unit_vectors(np.array([90.0]), np.array([0.0])).round(6).tolist()
    [[0.0, 1.0, 0.0]]
    """
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def chord(degrees: float) -> float:
    """The distance of two unit vectors that are so many degrees apart."""
    return 2 * float(np.sin(np.radians(min(degrees, 180.0)) / 2))


def footprint(grid: SkyGrid, size: tuple[int, int]) -> tuple[NDArray[np.float64], float]:
    """A circle on the sky that holds a tile: its centre as a unit vector, its radius in degrees."""
    height, width = size
    x = np.array([0, 0.5, 1, 0, 1, 0, 0.5, 1, 0.5]) * width - 0.5
    y = np.array([0, 0, 0, 0.5, 0.5, 1, 1, 1, 0.5]) * height - 0.5
    vectors = unit_vectors(*grid.to_sky(x, y))
    centre = vectors[-1]
    cosines = vectors @ centre
    if not np.isfinite(cosines).all():  # a map of the whole sky has corners beyond it
        return np.array([1.0, 0.0, 0.0]), 180.0
    radius = float(np.degrees(np.arccos(np.clip(cosines.min(), -1, 1))))
    return centre, radius * 1.02 + 2 * grid.scale / 3600


def _frame_of(wcs_module: Any, wcs: Any) -> Any:
    """The frame of a WCS where it is not that of the catalogue's positions."""
    frame = wcs_module.utils.wcs_to_celestial_frame(wcs)
    if frame.name == "icrs" or (frame.name == "fk5" and abs(frame.equinox.jyear - 2000) < 0.1):
        return None
    return frame


def _transformed(ra: Any, dec: Any, source: Any, target: Any) -> tuple[Any, Any]:
    from astropy.coordinates import SkyCoord

    moved = SkyCoord(ra, dec, unit="deg", frame=source).transform_to(target)
    return moved.spherical.lon.deg, moved.spherical.lat.deg


def _require_round_trip(grid: SkyGrid, path: str, size: tuple[int, int]) -> None:
    x, y = np.array([(size[1] - 1) / 2]), np.array([(size[0] - 1) / 2])
    ra, dec = grid.to_sky(x, y)
    if not (np.isfinite(ra).all() and np.isfinite(dec).all() and abs(dec[0]) <= 90):
        raise _wrong(path, "the middle of the image lies nowhere on the sky")
    back = grid.to_pixels(ra, dec)
    distance = float(np.hypot(back[0] - x, back[1] - y)[0])
    if not distance <= _ROUND_TRIP:
        raise _wrong(path, f"the middle of the image comes back {distance:.1f} pixels away")


def _wrong(path: str, got: str) -> ImageError:
    return ImageError(
        f"{path}: the position on the sky in its header (WCS) is wrong",
        wanted="a WCS that takes pixels to the sky and back",
        got=got,
        hint="correct the header (CTYPE, CRVAL, CRPIX, CD), or solve the image anew",
    )
