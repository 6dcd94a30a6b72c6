"""A tile: an image of the sky in one or several bands, on one grid of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.band_labels import wavelength_order
from galaxyclass.images.fits_hdus import band_names
from galaxyclass.tiles.fits_images import FitsImage, find_fits_image
from galaxyclass.tiles.sky import SkyGrid, read_sky

#: Largest distance, in pixels, of one sky position in two bands.
_ALIGNED = 0.5


@dataclass(frozen=True, eq=False)
class SkyTile:
    """An image of the sky.

    Attributes
    ----------
    name : str
        Of its file without the ending, or what its files have in common.
    images : tuple of FitsImage
        One for each band, or a single cube.
    bands : tuple of str
        Their names, the shortest wavelength first where that is known.
    planes : tuple of int
        Of each band: its index among all planes of all images.
    sky : SkyGrid or None
        None where the header has no WCS.
    """

    name: str
    images: tuple[FitsImage, ...]
    bands: tuple[str, ...]
    planes: tuple[int, ...]
    sky: SkyGrid | None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.images[0].size

    @property
    def path(self) -> str:
        """The file of its first band, for messages."""
        return self.images[0].path

    @property
    def files(self) -> tuple[str, ...]:
        """Its files."""
        return tuple(dict.fromkeys(image.path for image in self.images))

    @property
    def scale(self) -> float:
        """Arcsec per pixel; NaN without a WCS."""
        return float("nan") if self.sky is None else self.sky.scale

    def read(self) -> list[NDArray[np.generic]]:
        """Its bands, each (height, width), row 0 as in the file.

        Raises
        ------
        ImageError
            A file is damaged, or ends early.
        """
        planes = [plane for image in self.images for plane in image.read()]
        return [planes[index] for index in self.planes]


def open_tile(
    name: str,
    files: Sequence[tuple[str, str]],
    *,
    bands: Sequence[str] = (),
    hdu: str | int | None = None,
) -> SkyTile:
    """Open a tile: read the headers of its files.

    Parameters
    ----------
    name : str
    files : sequence of (band, path)
        One with the band "" is a single image, or a cube.
    bands : sequence of str
        Names of the planes of a cube, in their order; or the bands to use, in order of wavelength.
    hdu : str or int, optional
        In all files.

    Raises
    ------
    ImageError
        A file cannot be read or holds no image; bands of two sizes, or that lie elsewhere on the
        sky; a WCS that is wrong.
    """
    images = tuple(find_fits_image(path, hdu) for _, path in files)
    _require_one_size(files, images)
    grids = [read_sky(image.header, image.path, image.size) for image in images]
    sky = next((grid for grid in grids if grid is not None), None)
    _require_aligned(images, grids)
    names = [
        band_name
        for (band, _), image in zip(files, images, strict=True)
        for band_name in ([band] if band and image.bands == 1 else _plane_names(image, band))
    ]
    chosen, planes = _choose(images[0].path, names, bands)
    return SkyTile(name, images, chosen, planes, sky)


def reopen_tile(
    name: str,
    files: Sequence[tuple[str, int]],
    bands: tuple[str, ...],
    planes: tuple[int, ...],
) -> SkyTile:
    """Open a tile of which all is known but the headers of its files.

    Where that fails, the tile raises the error when its pixels are read.

    Parameters
    ----------
    name : str
    files : sequence of (path, HDU)
    bands, planes
        As in `SkyTile`.
    """
    try:
        images = tuple(find_fits_image(path, hdu) for path, hdu in files)
        _require_one_size([("", path) for path, _ in files], images)
        grids = [read_sky(image.header, image.path, image.size) for image in images]
    except ImageError as error:
        unread = tuple(FitsImage(path, hdu, "", (0, 0), None, {}, 0) for path, hdu in files)
        return _LostTile(name, unread, bands, planes, None, error)
    return SkyTile(name, images, bands, planes, next((g for g in grids if g is not None), None))


@dataclass(frozen=True, eq=False)
class _LostTile(SkyTile):
    """A tile that cannot be opened any more."""

    error: ImageError

    def read(self) -> list[NDArray[np.generic]]:
        raise self.error


def _choose(
    path: str, names: Sequence[str], bands: Sequence[str]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The bands that are used, and which plane each is."""
    unnamed = all(name.isdigit() for name in names)
    if bands and unnamed and not set(bands) <= set(names):
        if len(bands) != len(names):
            raise ImageError(
                f"{path}: {len(names)} bands, which have no names",
                wanted=f"{len(bands)} bands: {', '.join(bands)}",
                hint="name all of them in `bands`, in the order of the file",
            )
        return _by_wavelength(bands)
    if bands:
        missing = [band for band in bands if band not in names]
        if missing:
            raise ImageError(
                f"{path}: no band {', '.join(missing)}",
                wanted=", ".join(bands),
                got=f"the bands {', '.join(names)}",
            )
        return tuple(bands), tuple(names.index(band) for band in bands)
    return _by_wavelength(names)


def _by_wavelength(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of planes, the shortest wavelength first where it is known, and their planes."""
    order = wavelength_order(names) or list(range(len(names)))
    return tuple(names[index] for index in order), tuple(order)


def _plane_names(image: FitsImage, band: str) -> list[str]:
    """The names of the planes of a cube by its header, or their numbers."""
    if image.bands == 1 and band:
        return [band]
    names = band_names(image.header, image.bands)
    if names:
        return list(names)
    return ["1"] if image.bands == 1 else [f"{band}{index + 1}" for index in range(image.bands)]


def _require_one_size(files: Sequence[tuple[str, str]], images: Sequence[FitsImage]) -> None:
    if len({image.size for image in images}) > 1:
        raise ImageError(
            "bands of one tile have different sizes",
            wanted="files of one grid of pixels",
            got="\n".join(
                f"{band} {image.size[1]} x {image.size[0]} ({Path(image.path).name})"
                for (band, _), image in zip(files, images, strict=True)
            ),
            hint="bring them to one grid (reproject, SWarp), or check that they are one tile",
        )


def _require_aligned(images: Sequence[FitsImage], grids: Sequence[SkyGrid | None]) -> None:
    """Refuse bands whose middle or corner lies elsewhere on the sky."""
    first = next((index for index, grid in enumerate(grids) if grid is not None), None)
    if first is None:
        return
    reference = grids[first]
    assert reference is not None, "the first grid that there is"
    height, width = images[first].size
    x, y = np.array([(width - 1) / 2, 0.0]), np.array([(height - 1) / 2, 0.0])
    ra, dec = reference.to_sky(x, y)
    for image, grid in zip(images, grids, strict=True):
        if grid is None:
            continue
        offset = np.hypot(*(np.array(grid.to_pixels(ra, dec)) - [x, y])).max()
        if not offset <= _ALIGNED:
            raise ImageError(
                f"{image.path}: lies elsewhere on the sky than {images[first].path}",
                wanted=f"bands that agree to {_ALIGNED:g} pixels",
                got=f"{offset:,.1f} pixels" if np.isfinite(offset) else "no overlap at all",
                hint="bring them to one grid (reproject, SWarp), or check that they are one tile",
            )
