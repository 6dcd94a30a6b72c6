"""Tiles of a made-up survey, with sources at known positions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

import galaxyclass
from galaxyclass import CutoutSummary
from galaxyclass.progress import Progress, silent

#: Arcsec per pixel of the tiles.
SCALE = 0.4


def make_wcs(
    shape: tuple[int, int] = (200, 240),
    centre: tuple[float, float] = (150.0, 2.0),
    *,
    mirrored: bool = False,
    scale: float = SCALE,
) -> WCS:
    """North up; east left with row 0 at the bottom, or right where it is mirrored."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = list(centre)
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    step = scale / 3600
    wcs.wcs.cdelt = [step if mirrored else -step, step]
    return wcs


def sky(shape: tuple[int, int] = (200, 240), seed: int = 0, noise: float = 0.02) -> NDArray[Any]:
    """Noise around 0."""
    return np.random.default_rng(seed).normal(0, noise, shape).astype(np.float32)


def add_source(
    pixels: NDArray[Any], x: float, y: float, *, sigma: float = 3.0, peak: float = 1.0
) -> None:
    """Add a round Gaussian, at pixels counted from 0."""
    rows, columns = np.indices(pixels.shape)
    pixels += peak * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))


def save_tile(
    path: Path,
    pixels: NDArray[Any],
    wcs: WCS | None = None,
    *,
    compressed: bool = False,
    **cards: Any,
) -> Path:
    """Write a tile; ``cards`` go into its header."""
    header = (make_wcs(pixels.shape[-2:]) if wcs is None else wcs).to_header()
    header.update(cards)
    path.parent.mkdir(parents=True, exist_ok=True)
    hdu: Any = fits.PrimaryHDU(pixels, header)
    if compressed:
        hdu = fits.CompImageHDU(pixels, header)
    hdu.writeto(path)
    return path


def save_bands(
    folder: Path, name: str, bands: dict[str, NDArray[Any]], wcs: WCS | None = None
) -> list[str]:
    """Write a file for each band; the paths as `--tiles` takes them."""
    for band, pixels in bands.items():
        save_tile(folder / f"{name}_{band}.fits", pixels, wcs, FILTER=band, BUNIT="nanomaggy")
    return [f"{band}={folder}/{name}_{band}.fits" for band in bands]


def positions(wcs: WCS, x: Any, y: Any) -> dict[str, NDArray[Any]]:
    """A catalogue of pixels counted from 0."""
    ra, dec = wcs.all_pix2world(np.asarray(x, float), np.asarray(y, float), 0)
    return {"id": np.array([f"s{row}" for row in range(len(x))]), "ra": ra, "dec": dec}


def cut(
    tiles: Any,
    catalogue: Any = None,
    *,
    output: Path,
    image_format: Any = "jpg",
    progress: Progress = silent,
    **options: Any,
) -> CutoutSummary:
    """Open tiles and cut their sources out into files."""
    opened = galaxyclass.open_tiles(tiles, catalogue, **options)
    return galaxyclass.cutouts(
        opened, output=output, image_format=image_format, workers=1, progress=progress
    )
