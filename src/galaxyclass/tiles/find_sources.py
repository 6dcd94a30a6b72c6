"""Finding sources in a tile with SEP, the library of Source Extractor (Barbary 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.extras import require
from galaxyclass.images.fill_values import MOST_BRIGHTNESS
from galaxyclass.tiles.tile import SkyTile

#: Side of the boxes in which the background is measured, pixels.
_BOX = 64
#: Half the sides of a source's aperture in units of its Kron radius, as in Source Extractor.
_KRON = 2.5
#: Share of a source's light from which a peak in it is a source of its own. With Source Extractor's
#: 0.005 a large galaxy falls into pieces.
_DEBLEND = 0.01
#: What is measured of each source.
SOURCE_COLUMNS = ("snr", "r50", "r90", "axis_ratio")
#: The most pixels of one tile that belong to sources; sep takes 300,000 by default.
_MOST_PIXELS = 10_000_000


@dataclass(frozen=True)
class FoundSources:
    """Sources found in a tile, the brightest first.

    Attributes
    ----------
    x, y : (sources,) float64
        Pixels, 0 the first pixel's centre.
    columns : dict of str to (sources,) array
        ``snr`` (signal to noise of the flux in the Kron aperture), ``r50`` and ``r90`` (radii that
        hold 50 and 90 % of that flux, in arcsec, or in pixels for a tile without WCS),
        ``axis_ratio``.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    columns: dict[str, NDArray[Any]]


def find_sources(
    tile: SkyTile,
    planes: Sequence[NDArray[np.generic]],
    *,
    threshold: float = 5.0,
    minimum_area: int = 9,
) -> FoundSources:
    """Find the sources of a tile, on the sum of its bands weighted by their noise.

    Parameters
    ----------
    tile : SkyTile
    planes : sequence of (height, width) arrays
        Its bands.
    threshold : float
        Brightness above the background, in units of its noise, of each pixel of a source.
    minimum_area : int
        Pixels above the threshold that a source has at least.

    Raises
    ------
    ImageError
        It has no pixels with data; too many of them belong to sources.
    MissingExtraError
        sep is not installed.
    """
    sep = require("sep")
    image, mask = _signal_to_noise(sep, planes, tile)
    limit = sep.get_extract_pixstack()
    try:
        sep.set_extract_pixstack(_MOST_PIXELS)
        objects, segments = sep.extract(
            image,
            threshold,
            mask=mask,
            minarea=minimum_area,
            deblend_cont=_DEBLEND,
            segmentation_map=True,
        )
    except Exception as error:  # sep raises bare exceptions
        raise ImageError(
            f"{tile.path}: sources cannot be found in it",
            got=" ".join(str(error).split())[:200],
            hint="raise `threshold`",
        ) from error
    finally:
        sep.set_extract_pixstack(limit)
    return _measured(sep, image, {"mask": mask, "segmap": segments}, objects, tile)


def _signal_to_noise(
    sep: Any, planes: Sequence[NDArray[np.generic]], tile: SkyTile
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The tile in units of its noise, the background subtracted; and where there is no data."""
    total = np.zeros(tile.size, np.float32)
    missing = np.zeros(tile.size, bool)
    for plane in planes:
        with np.errstate(over="ignore"):
            pixels = np.ascontiguousarray(plane, dtype=np.float32)
        empty = ~(np.abs(pixels) <= MOST_BRIGHTNESS)  # NaN, too
        if plane.dtype.kind == "f":
            empty |= pixels == 0
        if empty.all():
            raise ImageError(f"{tile.path}: no pixel has data", got="NaN or zero throughout")
        pixels = np.where(empty, np.float32(0), pixels)
        box = min(_BOX, *tile.size)
        background = sep.Background(pixels, mask=empty, bw=box, bh=box)
        noise = max(float(background.globalrms), float(np.finfo(np.float32).tiny))
        pixels -= background.back(dtype=np.float32)
        pixels /= noise
        total += pixels
        missing |= empty
    total /= np.float32(np.sqrt(len(planes)))
    total[missing] = 0
    return total, missing


def _measured(
    sep: Any, image: Any, masks: dict[str, Any], objects: Any, tile: SkyTile
) -> FoundSources:
    # Pixels that belong to other sources are left out of all apertures.
    masks = {**masks, "seg_id": np.arange(1, len(objects) + 1, dtype=np.int32)}
    x, y = objects["x"].astype(np.float64), objects["y"].astype(np.float64)
    a, b = np.maximum(objects["a"], 0.5), np.maximum(objects["b"], 0.5)
    theta = np.clip(objects["theta"], -np.pi / 2, np.pi / 2)
    kron, _ = sep.kron_radius(image, x, y, a, b, theta, 6.0, **masks)
    kron = np.where(np.isfinite(kron) & (kron > 0), np.maximum(kron, 1.4), 1.4)
    flux, _, _ = sep.sum_ellipse(image, x, y, a, b, theta, _KRON * kron, **masks, subpix=1)
    flux = np.where(flux > 0, flux, objects["flux"]).astype(np.float64)
    reach = np.minimum(_KRON * kron * a * 1.5, max(tile.size))
    radii, _ = sep.flux_radius(
        image, x, y, reach, np.array([0.5, 0.9]), normflux=flux, **masks, subpix=5
    )
    unit = tile.scale if tile.sky is not None else 1.0
    r50, r90 = radii[:, 0] * unit, radii[:, 1] * unit
    usable = np.isfinite(r90) & (r90 > 0)
    order = np.flatnonzero(usable)
    order = order[np.argsort(-flux[order], kind="stable")]
    area = np.pi * a * b * (_KRON * kron) ** 2
    columns = {"snr": flux / np.sqrt(area), "r50": r50, "r90": r90, "axis_ratio": b / a}
    return FoundSources(
        x[order], y[order], {name: column[order] for name, column in columns.items()}
    )
