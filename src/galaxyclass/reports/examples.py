"""Pictures of galaxies on a page: those shown are read, and no others."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.errors import ImageError
from galaxyclass.images.channels import to_three
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.reports.parts import Gallery, ReportPicture

#: JPEG quality, 0..100.
_QUALITY = 82


def read_gallery(
    title: str,
    catalog: Catalog,
    indices: Sequence[int] | NDArray[np.integer],
    preprocessing: Preprocessing,
    caption: Callable[[int], str],
) -> Gallery:
    """Pictures of some galaxies, each as the model sees it.

    Parameters
    ----------
    title : str
    catalog : Catalog
    indices : sequence of int
        Into the catalog, in order.
    preprocessing : Preprocessing
        Of the pictures.
    caption : callable
        From an index to the words below the picture.
    """
    pictures = []
    for index in map(int, indices):
        uri = picture_uri(catalog.paths[index], preprocessing)
        pictures.append(ReportPicture(uri, str(catalog.ids.values[index]), caption(index)))
    return Gallery(title, tuple(pictures))


def picture_uri(path: str, preprocessing: Preprocessing) -> str:
    """A picture as the URI of its data; "" where the file cannot be read any more."""
    try:
        return jpeg_uri(read_cutout(path, preprocessing))
    except ImageError:
        return ""


def jpeg_uri(pixels: NDArray[np.uint8]) -> str:
    """(height, width, channels) uint8 as the URI of a JPEG.

    Examples
    --------
    >>> jpeg_uri(np.zeros((8, 8, 3), np.uint8))[:30]
    'data:image/jpeg;base64,/9j/4AA'
    """
    pixels = np.ascontiguousarray(to_three(pixels))
    space = "GRAY" if pixels.shape[2] == 1 else "RGB"
    data = simplejpeg.encode_jpeg(pixels, _QUALITY, space)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"
