"""A picture of the galaxies that were found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import CatalogError, ImageError
from galaxyclass.images.channels import to_three
from galaxyclass.images.files import find_images
from galaxyclass.images.read import read_rendered
from galaxyclass.images.render import RenderSettings
from galaxyclass.plots.gallery import Tile, gallery, shrink
from galaxyclass.similarity.similar import Neighbours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Galaxies that are shown at most.
MOST_SHOWN = 48


def draw_neighbours(neighbours: Neighbours, images: str | Path) -> Figure:
    """The pictures of the galaxies that were searched by and of those that were found.

    Parameters
    ----------
    neighbours : Neighbours
        The first `MOST_SHOWN` are drawn.
    images : str or Path
        The folder of their pictures, which are named after their ids.

    Raises
    ------
    CatalogError
        No picture of them is there.
    MissingExtraError
        matplotlib is not installed.
    """
    paths: dict[str, Path] = {}
    for path in find_images(images):
        paths.setdefault(path.stem, path)
        paths.setdefault(path.name, path)
    names = list(map(str, neighbours.ids))[:MOST_SHOWN]
    if names and not any(name in paths for name in names):
        raise CatalogError(
            f"{images}: no picture of the galaxies that were found",
            argument="images",
            wanted=f"files named after their ids, such as {names[0]}.jpg",
            got=f"files such as {next(iter(paths), 'none')}",
        )
    tiles = [Tile(_picture(paths.get(name)), name, "searched by") for name in neighbours.like]
    tiles += [
        Tile(_picture(paths.get(name)), name, f"{similarity:.3f}")
        for name, similarity in zip(names, neighbours.similarities.tolist(), strict=False)
    ]
    return gallery(tiles, "The most similar galaxies, and how similar they are")


def _picture(path: Path | None) -> NDArray[np.uint8] | None:
    if path is None:
        return None
    try:
        return shrink(to_three(read_rendered(path, RenderSettings())))
    except ImageError:
        return None
