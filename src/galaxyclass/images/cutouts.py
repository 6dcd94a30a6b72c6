"""The three cutouts, and `prepare`: from an image to what a model sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.frames import Frame, centre_frame, contour_frame
from galaxyclass.images.objects import object_frame

if TYPE_CHECKING:  # workers that prepare images start faster without pydantic
    from galaxyclass.recipes import Preprocessing


def prepare(image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """The cutout of an image, as the settings say.

    Parameters
    ----------
    image : (height, width, channels) uint8 array
        As `read_image` gives it: 3 channels, or 1 where ``preprocessing.colour`` is "grey".
        (An image of the other kind is converted.)
    preprocessing : Preprocessing

    Returns
    -------
    (size, size, channels) uint8 array

    Examples
    --------
    >>> from galaxyclass.recipes import Preprocessing
    >>> image = np.zeros((424, 424, 3), np.uint8)
    >>> prepare(image, Preprocessing(cutout="centre", frame=256, size=64)).shape
    (64, 64, 3)
    """
    cutout = CUTOUTS[preprocessing.cutout](image, preprocessing)
    if cutout.shape[2] == preprocessing.channels:
        return cutout
    code = cv2.COLOR_RGB2GRAY if preprocessing.channels == 1 else cv2.COLOR_GRAY2RGB
    converted: NDArray[np.uint8] = np.asarray(cv2.cvtColor(cutout, code), dtype=np.uint8)
    return converted.reshape(preprocessing.shape)


def centre_cutout(image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """A square of ``frame`` pixels around the image's centre, or its largest square.

    Parameters
    ----------
    image : (height, width, channels) uint8 array
    preprocessing : Preprocessing
        Its ``frame`` and ``size``.

    Returns
    -------
    (size, size, channels) uint8 array
        Shrunk by area or enlarged linearly; sky where the square is larger than the image.
    """
    height, width = image.shape[:2]
    frame = centre_frame(height, width, preprocessing.frame)
    return _resize(_cut(image, frame), preprocessing.size)


def contour_cutout(image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """System 1's cutout, faults included (see `frames.contour_frame`), resized by area.

    Parameters
    ----------
    image : (height, width, channels) uint8 array
        Of three channels, the grey picture decides where the cutout lies.
    preprocessing : Preprocessing
        Its ``size``.

    Returns
    -------
    (size, size, channels) uint8 array
        An image that is taken whole and is not square comes out squeezed, as it did there.
    """
    grey = image[..., 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    cut = _cut(image, contour_frame(np.asarray(grey, dtype=np.uint8)))
    # By area in both directions, as the notebook did: enlarging, it differs from linear.
    return _resize(cut, preprocessing.size, enlarge=cv2.INTER_AREA)


def object_cutout(image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """The object at the image's centre, framed with some sky (see `objects.object_frame`).

    Parameters
    ----------
    image : (height, width, channels) uint8 array
    preprocessing : Preprocessing
        Its ``margin`` and ``size``.

    Returns
    -------
    (size, size, channels) uint8 array
        Shrunk by area or enlarged linearly; sky where the square is larger than the image.
    """
    return _resize(_cut(image, object_frame(image, preprocessing.margin)), preprocessing.size)


#: The cutout of each name that a recipe can state.
CUTOUTS: dict[str, Callable[[NDArray[np.uint8], Preprocessing], NDArray[np.uint8]]] = {
    "centre": centre_cutout,
    "contour": contour_cutout,
    "object": object_cutout,
}


def _cut(image: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """The pixels in a frame; beyond the image's borders, the colour of its sky."""
    height, width = image.shape[:2]
    right, bottom = frame.left + frame.width, frame.top + frame.height
    if frame.inside(height, width):
        return image[frame.top : bottom, frame.left : right]
    cut = np.empty((frame.height, frame.width, image.shape[2]), np.uint8)
    cut[:] = _border_colour(image)
    rows = slice(max(frame.top, 0), min(bottom, height))
    columns = slice(max(frame.left, 0), min(right, width))
    cut[
        rows.start - frame.top : rows.stop - frame.top,
        columns.start - frame.left : columns.stop - frame.left,
    ] = image[rows, columns]
    return cut


def _border_colour(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The median colour along the image's border: (channels,)."""
    channels = image.shape[2]
    sides = (image[0], image[-1], image[:, 0], image[:, -1])
    border = np.concatenate([side.reshape(-1, channels) for side in sides])
    return np.asarray(np.median(border, axis=0), dtype=np.uint8)


def _resize(
    image: NDArray[np.uint8], size: int, enlarge: int = cv2.INTER_LINEAR
) -> NDArray[np.uint8]:
    """Resize to (size, size, channels): by area where it shrinks."""
    height, width, channels = image.shape
    how = cv2.INTER_AREA if min(height, width) >= size else enlarge
    resized = np.asarray(cv2.resize(image, (size, size), interpolation=how), dtype=np.uint8)
    return resized.reshape(size, size, channels)
