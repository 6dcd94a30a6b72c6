"""The cutouts of a batch: an array for each preprocessing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.containers import container_of
from galaxyclass.images.fast_cutout import cut_out_array, read_cutouts
from galaxyclass.images.remote import fetched, is_address
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.tiles.tile_cutouts import TileCutout

#: An image to predict: the path of its file, its pixels (height, width, bands) in memory, or a
#: source of a tile, which is cut out when it is read.
Picture = str | NDArray[np.generic] | TileCutout


class Cutouts:
    """Cutouts of images that follow each other, read by a thread or several.

    Parameters
    ----------
    images : sequence of str or (height, width, bands) arrays
        Image files, or images in memory (`galaxyclass.images.arrays`).
    start : int
        Index of the first of them among all images.
    preprocessings : sequence of Preprocessing
        From an image to its cutout. With several, each makes a cutout of its own; an image is
        still read only once.

    Attributes
    ----------
    start : int
    paths : tuple of str
        The images' files; "" for an image in memory, the tile of a source.
    notes : Counter of str
        Remarks on how images were read, and for how many each holds.
    """

    def __init__(
        self, images: Sequence[Picture], start: int, preprocessings: Sequence[Preprocessing]
    ) -> None:
        self.start = start
        self.paths = tuple(map(_path, images))
        self._images = images
        self._preprocessings = preprocessings
        self._arrays = [
            np.empty((len(images), *settings.shape), np.uint8) for settings in preprocessings
        ]
        self.notes: Counter[str] = Counter()
        self._errors: list[str | None] = [None] * len(images)

    def read(self, indices: range | None = None) -> None:
        """Read some images, or all; an image that cannot be decoded leaves its error.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            An array is no image; see `galaxyclass.images.arrays`.
        """
        chosen = range(len(self.paths)) if indices is None else indices
        addresses = [path for index in chosen if is_address(path := self.paths[index])]
        with fetched([path for path in addresses if container_of(path) is None]):
            for index in chosen:
                try:
                    for array, cutout in zip(self._arrays, self._cut(index), strict=True):
                        array[index] = cutout
                except ImageError as error:
                    self._errors[index] = error.one_line

    def _cut(self, index: int) -> list[NDArray[np.uint8]]:
        image = self._images[index]
        if isinstance(image, TileCutout):
            return image.draw(self._preprocessings)
        if not isinstance(image, str):
            name = f"image {self.start + index}"
            return cut_out_array(image, self._preprocessings, name, self.notes)
        if not image:  # an empty cell of a table: a list of paths has none
            raise ImageError(f"row {self.start + index + 1} of the table: the path is empty")
        return read_cutouts(image, self._preprocessings, self.notes)

    @property
    def decoded(self) -> NDArray[np.bool_]:
        """(images,) Which of them could be decoded."""
        return np.array([error is None for error in self._errors], dtype=bool)

    @property
    def errors(self) -> tuple[str, ...]:
        """Why each of the other images could not be decoded."""
        return tuple(error for error in self._errors if error is not None)

    @property
    def arrays(self) -> list[NDArray[np.uint8]]:
        """(decoded images, height, width, channels) uint8 for each preprocessing."""
        if not self.errors:
            return self._arrays
        return [array[self.decoded] for array in self._arrays]


def _path(image: Picture) -> str:
    if isinstance(image, TileCutout):
        return image.path
    return image if isinstance(image, str) else ""
