"""A map of galaxies as a figure: dots in colours, and a mosaic of the pictures at each place."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.plots.style import FAINT, style
from galaxyclass.similarity.map_page import (
    CLASS_COLOURS,
    RAMP,
    SIDE,
    map_colours,
    preprocessing_of_predictions,
)
from galaxyclass.similarity.mapped import MappedGalaxies
from galaxyclass.similarity.pictures import pictures_by_id, read_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


#: Pictures of the mosaic in a row and in a column.
_TILES = 18


def draw_map(galaxies: MappedGalaxies, images: str | Path | None) -> Figure:
    """The map; with pictures, beside it a mosaic.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    CatalogError
        No picture of the galaxies is in the folder.
    """
    with style():
        from matplotlib.figure import Figure

        mosaic = None if images is None else _mosaic(galaxies, images)
        figure = Figure(figsize=(7.6 if mosaic is None else 14.2, 7.4))
        axes = figure.subplots(1, 1 if mosaic is None else 2, squeeze=False)[0]
        _dots(galaxies, axes[0])
        if mosaic is not None:
            axes[1].imshow(mosaic, interpolation="antialiased")
            axes[1].set_axis_off()
            axes[1].set_title("The galaxy nearest to each place")
        method_words = "principal components" if galaxies.method == "pca" else "UMAP"
        figure.suptitle(
            f"{len(galaxies):,} galaxies by {method_words} of their embedding", fontsize=16
        )
    return figure


def _dots(galaxies: MappedGalaxies, axes: Axes) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    positions, colours = _square(galaxies.coordinates), map_colours(galaxies)
    size = float(np.clip(3e4 / len(positions), 1, 26))
    # Classes are drawn in a mixed order, so that none hides the others.
    order = np.random.default_rng(0).permutation(len(positions))
    known = ~np.isnan(colours.values)

    def dots(rows: NDArray[np.int64], **look: Any) -> Any:
        x, y = positions[rows].T
        return axes.scatter(x, y, s=size, linewidths=0, rasterized=True, **look)

    dots(order[~known[order]], color=FAINT, alpha=0.5)
    order = order[known[order]]
    if colours.names:
        dots(order, c=np.array(CLASS_COLOURS)[colours.values[order].astype(int)], alpha=0.8)
        for number, name in enumerate(colours.names):
            axes.scatter([], [], s=60, color=CLASS_COLOURS[number], label=name)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=3, title=galaxies.colour)
    elif len(order):
        ramp = LinearSegmentedColormap.from_list("ramp", RAMP)
        limits = {"vmin": colours.low, "vmax": colours.high}
        drawn = dots(order, c=colours.values[order], cmap=ramp, alpha=0.8, **limits)
        bar = axes.figure.colorbar(drawn, ax=axes, location="bottom", shrink=0.7, pad=0.02)
        bar.set_label("\n".join(textwrap.wrap(galaxies.colour_title, 60)))
    axes.set_aspect("equal")
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    axes.spines[["top", "right"]].set_visible(True)
    axes.grid(visible=False)


def _square(coordinates: NDArray[np.float32]) -> NDArray[np.float64]:
    """Coordinates of 0.02 to 0.98, with the same scale on both axes."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    width = float((high - low).max()) or 1.0
    return np.asarray((coordinates - (low + high) / 2) / width * 0.96 + 0.5, np.float64)


def _mosaic(galaxies: MappedGalaxies, images: str | Path) -> NDArray[np.uint8]:
    """The picture of the galaxy nearest to the middle of each tile; white where there is none."""
    ids = [str(name) for name in galaxies.ids]
    paths = pictures_by_id(images, ids)
    positions, cutout = (
        _square(galaxies.coordinates) * _TILES,
        preprocessing_of_predictions(galaxies.cutout),
    )
    tiles = np.floor(positions).astype(int)
    apart = ((positions - tiles - 0.5) ** 2).sum(axis=1)
    sheet = np.full((_TILES * SIDE, _TILES * SIDE, 3), 255, np.uint8)
    filled: set[tuple[int, int]] = set()
    for row in np.argsort(apart).tolist():
        column, level = tiles[row].tolist()
        if (column, level) in filled or ids[row] not in paths:
            continue
        picture = read_picture(paths[ids[row]], cutout, SIDE)
        if picture is None:
            continue
        filled.add((column, level))
        top, left = (_TILES - 1 - level) * SIDE, column * SIDE
        height, width = picture.shape[:2]
        top, left = top + (SIDE - height) // 2, left + (SIDE - width) // 2
        sheet[top : top + height, left : left + width] = picture
    return sheet
