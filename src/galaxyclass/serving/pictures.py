"""Pictures of galaxies as JPEGs for the page."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from galaxyclass.errors import ImageError
from galaxyclass.images.channels import to_three
from galaxyclass.images.decode import decode_scaled, full_size
from galaxyclass.images.files import find_images
from galaxyclass.images.read import read_file
from galaxyclass.images.render import RenderSettings
from galaxyclass.model.image_source import name_paths
from galaxyclass.model.model import Model
from galaxyclass.plots.gallery import shrink
from galaxyclass.serving.remembered import Remembered

#: Longer sides in pixels: in a grid, and alone.
SMALL, LARGE = 200, 640
#: JPEG quality, and how many pictures are remembered.
_QUALITY, _REMEMBERED = 88, 1000
#: Pictures that are decoded at once: a large one takes hundreds of megabytes.
_DECODERS = threading.BoundedSemaphore(2)


def rendering_of(model: Model) -> RenderSettings:
    """How the model sees pictures, but all of them and not only the middle."""
    settings = model.bundles[0].manifest.preprocessing.model_dump()
    return replace(RenderSettings.of(settings), frame=None)


def to_jpeg(data: bytes, settings: RenderSettings, side: int, max_pixels: int) -> bytes:
    """A picture as a JPEG whose longer side is at most ``side``.

    Raises
    ------
    ImageError
        It cannot be decoded.
    """

    def scale(height: int, width: int) -> int:
        larger = max(height, width)
        return next((factor for factor in (8, 4, 2) if larger // factor >= side), 1)

    wanted = full_size if side > SMALL else scale
    with _DECODERS:
        decoded = decode_scaled(data, settings, wanted, max_pixels=max_pixels)
        pixels = shrink(to_three(decoded.pixels), side)
    if pixels.shape[2] == 1:
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), np.uint8)
    encoded: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=_QUALITY)
    return encoded


def files_by_id(images: Path, model: Model) -> Mapping[str, Path]:
    """The picture files of a folder by id: as `predict` names them, by name, and by stem.

    Raises
    ------
    CatalogError
        No pictures are there.
    """
    paths = find_images(images)
    names, _ = name_paths([str(path) for path in paths], model.bundles[0].manifest.name_parts)
    files = dict(zip(names, paths, strict=True))
    for path in paths:
        files.setdefault(path.name, path)
        files.setdefault(path.stem, path)
    return files


class Pictures:
    """The pictures of a folder; only files that were found in it are ever opened.

    Parameters
    ----------
    folder : Path or None
        The folder; None without pictures.
    files : mapping of str to Path
        By id.
    settings : RenderSettings
    max_pixels : int
    """

    def __init__(
        self,
        folder: Path | None,
        files: Mapping[str, Path],
        settings: RenderSettings,
        max_pixels: int,
    ) -> None:
        self.folder = folder
        self._files, self._settings, self._max_pixels = files, settings, max_pixels
        self._made: Remembered[bytes | None] = Remembered(_REMEMBERED)

    def __bool__(self) -> bool:
        return bool(self._files)

    def path(self, name: str) -> Path | None:
        """The file of a galaxy's picture; None where there is none."""
        return self._files.get(name)

    def jpeg(self, name: str, side: int) -> bytes | None:
        """The picture of a galaxy; None where there is none, or it cannot be decoded."""
        path = self._files.get(name)
        if path is None:
            return None

        def make() -> bytes | None:
            try:
                data, _ = read_file(path)
                return to_jpeg(data, self._settings, side, self._max_pixels)
            except ImageError:
                return None

        return self._made.get(f"{side} {name}", make)
