"""Galaxies to look at: as drawn, and as a recipe's model sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.errors import ImageError
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.images.read import read_image
from galaxyclass.plots.gallery import shrink
from galaxyclass.recipes.recipe import Recipe


@dataclass(frozen=True)
class Example:
    """A galaxy that stands for an answer or a class.

    Attributes
    ----------
    label : str
        Name of the answer or class.
    index : int
        Of the galaxy in the catalog; -1 where there is none to show.
    id : str
    note : str
        Its vote fraction; or why there is none.
    drawn : (height, width, 3) uint8 or None
        The image as it is, shrunk for showing.
    seen : (side, side, channels) uint8 or None
        What enters the network.
    """

    label: str
    index: int
    id: str
    note: str
    drawn: NDArray[np.uint8] | None
    seen: NDArray[np.uint8] | None


def read_examples(
    catalog: Catalog,
    label: str,
    candidates: NDArray[np.int64],
    *,
    count: int,
    recipe: Recipe,
    note: Callable[[int], str],
) -> list[Example]:
    """Read the first of some galaxies whose images can be decoded.

    Parameters
    ----------
    catalog : Catalog
    label : str
        What they stand for.
    candidates : (galaxies,) int64
        Indices into the catalog, the best first; all have an image file.
    count : int
        How many are wanted.
    recipe : Recipe
        How they are cut out.
    note : callable
        What is to be said of the galaxy at an index.

    Returns
    -------
    list of Example
        Fewer than ``count`` where there are no more.
    """
    examples: list[Example] = []
    for index in candidates.tolist():
        if len(examples) == count:
            break
        path = catalog.paths[index]
        try:
            drawn = shrink(read_image(path))
            seen = seen_by_model(read_cutout(path, recipe.images), recipe)
        except ImageError:  # `validate` is there to tell of it; here another one serves
            continue
        name = str(catalog.ids.values[index])
        examples.append(Example(label, index, name, note(index), drawn, seen))
    return examples


def nothing(label: str, why: str) -> Example:
    """What stands where there is no galaxy to show."""
    return Example(label, -1, "", why, None, None)


def seen_by_model(cutout: NDArray[np.uint8], recipe: Recipe) -> NDArray[np.uint8]:
    """What of a cutout enters the network of a recipe.

    Parameters
    ----------
    cutout : (height, width, channels) uint8
        Of the recipe's size and colour.
    recipe : Recipe

    Returns
    -------
    (side, side, channels) uint8
        The cutout; only its centre where the recipe's model takes no more.
    """
    side = recipe.model.input_size
    if side is None or side >= recipe.images.size:
        return cutout
    start = (recipe.images.size - side) // 2
    return cutout[start : start + side, start : start + side]
