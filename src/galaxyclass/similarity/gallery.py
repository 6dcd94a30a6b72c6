"""A picture of the galaxies that were found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from galaxyclass.plots.gallery import Tile, gallery
from galaxyclass.similarity.pictures import pictures_by_id, read_picture
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
    names = list(map(str, neighbours.ids))[:MOST_SHOWN]
    paths = pictures_by_id(images, [*names, *neighbours.like])
    tiles = [_tile(paths.get(name), name, "searched by") for name in neighbours.like]
    tiles += [
        _tile(paths.get(name), name, f"{similarity:.3f}")
        for name, similarity in zip(names, neighbours.similarities.tolist(), strict=False)
    ]
    return gallery(tiles, "The most similar galaxies, and how similar they are")


def _tile(path: Path | None, name: str, note: str) -> Tile:
    """A galaxy's picture; in words where there is none, or it cannot be read."""
    picture = read_picture(path)
    if picture is not None:
        return Tile(picture, name, note)
    return Tile(None, name, f"{note}\n{'no picture' if path is None else 'cannot be read'}")
