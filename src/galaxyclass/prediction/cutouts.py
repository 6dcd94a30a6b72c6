"""The cutouts of a batch in one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images import read_cutout
from galaxyclass.recipes import Preprocessing


class Cutouts:
    """Cutouts of images that follow each other, read into one array by a thread or several.

    Parameters
    ----------
    paths : sequence of str
        Image files.
    span : range
        Which of them.
    preprocessing : Preprocessing

    Attributes
    ----------
    start : int
        Place of the first of them among all paths.
    paths : tuple of str
        Them alone.
    """

    def __init__(self, paths: Sequence[str], span: range, preprocessing: Preprocessing) -> None:
        self.start = span.start
        self.paths = tuple(paths[span.start : span.stop])
        self._preprocessing = preprocessing
        self._array = np.empty((len(span), *preprocessing.shape), np.uint8)
        self._errors: list[str | None] = [None] * len(span)

    def read(self, places: range | None = None) -> None:
        """Read the images at some places, or all; one that cannot be decoded leaves its error."""
        for place in range(len(self.paths)) if places is None else places:
            try:
                self._array[place] = read_cutout(self.paths[place], self._preprocessing)
            except ImageError as error:
                self._errors[place] = " ".join(str(error).split())

    @property
    def decoded(self) -> NDArray[np.bool_]:
        """(images,) Which of them could be decoded."""
        return np.array([error is None for error in self._errors], dtype=bool)

    @property
    def errors(self) -> tuple[str, ...]:
        """Why each of the others could not."""
        return tuple(error for error in self._errors if error is not None)

    @property
    def array(self) -> NDArray[np.uint8]:
        """(decoded images, height, width, channels) uint8."""
        return self._array if not self.errors else self._array[self.decoded]
