"""The pictures of galaxies in a folder, found by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import CatalogError, ImageError
from galaxyclass.images.channels import to_three
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.images.files import find_images
from galaxyclass.images.read import read_rendered
from galaxyclass.images.render import RenderSettings
from galaxyclass.model.ids import FileNames
from galaxyclass.model.image_source import name_paths
from galaxyclass.plots.gallery import shrink
from galaxyclass.recipes.preprocessing import Preprocessing


def pictures_by_id(images: str | Path, ids: Sequence[str]) -> dict[str, Path]:
    """The file of each galaxy that has one: named as `predict` names it, or with its ending.

    A name that files in several folders have is none: it may be the picture of another galaxy.

    Raises
    ------
    CatalogError
        None of them has.
    """
    files = find_images(images)
    texts = [str(path) for path in files]
    paths = dict(zip(name_paths(texts, 0)[0], files, strict=True))
    kinds = [FileNames(texts, parts) for parts in sorted({name.count("/") + 1 for name in ids})]
    for names in (*kinds, [path.name for path in files], [path.stem for path in files]):
        folders: dict[str, set[Path]] = {}
        for name, path in zip(names, files, strict=True):
            folders.setdefault(name, set()).add(path.parent)
        for name, path in zip(names, files, strict=True):
            if len(folders[name]) == 1:
                paths.setdefault(name, path)
    pictures = {name: paths[name] for name in ids if name in paths}
    if ids and not pictures:
        raise CatalogError(
            f"{images}: no picture of these galaxies",
            argument="images",
            wanted=f"files named after their ids, such as {ids[0]}.jpg",
            got=f"files such as {next(iter(paths), 'none')}",
        )
    return pictures


def crossed_square(side: int) -> NDArray[np.uint8]:
    """(side, side, 3) uint8: what stands for a picture that cannot be read."""
    square = np.full((side, side, 3), 70, np.uint8)
    last, light = side - 1, (190, 190, 190)
    cv2.rectangle(square, (0, 0), (last, last), light, 1)
    for start, end in (((0, 0), (last, last)), ((0, last), (last, 0))):
        cv2.line(square, start, end, light, max(1, side // 40), cv2.LINE_AA)
    return square


def read_picture(
    path: Path | None, cutout: Preprocessing | None = None, side: int = 300
) -> NDArray[np.uint8] | None:
    """A picture as it is shown, (height, width, 3 or 1) uint8; None where it cannot be read.

    Parameters
    ----------
    path : Path or None
    cutout : Preprocessing, optional
        What is cut out of it; otherwise all of it.
    side : int
        Its longer side at most, in pixels.
    """
    if path is None:
        return None
    try:
        if cutout is not None:
            return shrink(to_three(read_cutout(path, cutout)), side)
        return shrink(to_three(read_rendered(path, RenderSettings())), side)
    except ImageError:
        return None
