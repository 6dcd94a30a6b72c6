"""The pictures of galaxies in a folder, found by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import CatalogError, ImageError
from galaxyclass.images.channels import to_three
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.images.files import find_images
from galaxyclass.images.read import read_rendered
from galaxyclass.images.render import RenderSettings
from galaxyclass.plots.gallery import shrink
from galaxyclass.recipes.preprocessing import Preprocessing


def pictures_by_id(images: str | Path, ids: Sequence[str]) -> dict[str, Path]:
    """The file of each galaxy that has one: named after its id, with or without its ending.

    Raises
    ------
    CatalogError
        None of them has.
    """
    paths: dict[str, Path] = {}
    for path in find_images(images):
        paths.setdefault(path.stem, path)
        paths.setdefault(path.name, path)
    found = {name: paths[name] for name in ids if name in paths}
    if ids and not found:
        raise CatalogError(
            f"{images}: no picture of these galaxies",
            argument="images",
            wanted=f"files named after their ids, such as {ids[0]}.jpg",
            got=f"files such as {next(iter(paths), 'none')}",
        )
    return found


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
