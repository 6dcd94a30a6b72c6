"""The cutouts of a batch: one array for each way to cut them out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.fast_cutout import read_cutout, read_cutouts
from galaxyclass.recipes.preprocessing import Preprocessing


class Cutouts:
    """Cutouts of images that follow each other, read by a thread or several.

    Parameters
    ----------
    paths : sequence of str
        Image files.
    span : range
        Which of them.
    preprocessings : sequence of Preprocessing
        From an image to its cutout; where there are several, each makes a cutout of its own, and
        an image is read once for all of them.

    Attributes
    ----------
    start : int
        Place of the first of them among all paths.
    paths : tuple of str
        Them alone.
    """

    def __init__(
        self, paths: Sequence[str], span: range, preprocessings: Sequence[Preprocessing]
    ) -> None:
        self.start = span.start
        self.paths = tuple(paths[span.start : span.stop])
        self._preprocessings = preprocessings
        self._arrays = [np.empty((len(span), *one.shape), np.uint8) for one in preprocessings]
        self._errors: list[str | None] = [None] * len(span)

    def read(self, places: range | None = None) -> None:
        """Read the images at some places, or all; one that cannot be decoded leaves its error."""
        for place in range(len(self.paths)) if places is None else places:
            try:
                for array, cutout in zip(self._arrays, self._cut(self.paths[place]), strict=True):
                    array[place] = cutout
            except ImageError as error:
                self._errors[place] = " ".join(str(error).split())

    def _cut(self, path: str) -> list[NDArray[np.uint8]]:
        if len(self._preprocessings) == 1:
            return [read_cutout(path, self._preprocessings[0])]
        return read_cutouts(path, self._preprocessings)

    @property
    def decoded(self) -> NDArray[np.bool_]:
        """(images,) Which of them could be decoded."""
        return np.array([error is None for error in self._errors], dtype=bool)

    @property
    def errors(self) -> tuple[str, ...]:
        """Why each of the others could not."""
        return tuple(error for error in self._errors if error is not None)

    @property
    def arrays(self) -> list[NDArray[np.uint8]]:
        """(decoded images, height, width, channels) uint8 for each way to cut them out."""
        if not self.errors:
            return self._arrays
        return [array[self.decoded] for array in self._arrays]
