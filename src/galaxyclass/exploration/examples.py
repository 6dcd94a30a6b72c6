"""Example galaxies: the image, and the input of a recipe's model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.errors import ImageError
from galaxyclass.images.channels import to_three
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.images.read import read_rendered
from galaxyclass.images.render import RenderSettings
from galaxyclass.plots.gallery import shrink
from galaxyclass.recipes.recipe import Recipe


@dataclass(frozen=True)
class Example:
    """A galaxy as the example of an answer or a class.

    Attributes
    ----------
    label : str
        Name of the answer or class.
    index : int
        Of the galaxy in the catalog; -1 where there is no example.
    id : str
    note : str
        Its vote fraction; or why there is no example.
    image : (height, width, 3) uint8 or None
        The image, shrunk to be shown.
    model_input : (side, side, channels) uint8 or None
        The input of the network.
    """

    label: str
    index: int
    id: str
    note: str
    image: NDArray[np.uint8] | None
    model_input: NDArray[np.uint8] | None


def read_examples(
    catalog: Catalog,
    label: str,
    candidates: NDArray[np.int64],
    *,
    count: int,
    recipe: Recipe,
    note: Callable[[int], str],
) -> list[Example]:
    """Read the first candidates whose images can be decoded.

    Parameters
    ----------
    catalog : Catalog
    label : str
        The answer or class.
    candidates : (galaxies,) int64
        Indices into the catalog, the best first; all have an image file.
    count : int
        How many examples are wanted.
    recipe : Recipe
        The recipe of the cutouts.
    note : callable
        From the index of a galaxy to its note.

    Returns
    -------
    list of Example
        Fewer than ``count`` where there are no more.
    """
    examples: list[Example] = []
    rendering = RenderSettings.of(recipe.images.model_dump())
    if rendering.colour == "grey":  # the image itself is shown in its colours
        rendering = replace(rendering, colour="rgb")
    for index in candidates.tolist():
        if len(examples) == count:
            break
        path = catalog.paths[index]
        try:
            image = shrink(to_three(read_rendered(path, rendering)))
            cutout = model_input(read_cutout(path, recipe.images), recipe)
        except ImageError:  # `validate` reports it; here another galaxy is shown
            continue
        name = str(catalog.ids.values[index])
        examples.append(Example(label, index, name, note(index), image, cutout))
    return examples


def no_example(label: str, why: str) -> Example:
    """The placeholder where there is no galaxy to show."""
    return Example(label, -1, "", why, None, None)


def model_input(cutout: NDArray[np.uint8], recipe: Recipe) -> NDArray[np.uint8]:
    """The part of a cutout that is the input of a recipe's network.

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
