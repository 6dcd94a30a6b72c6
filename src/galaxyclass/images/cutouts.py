"""The three kinds of cutout: from an image to the pixels that a model sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.channels import to_colour, to_grey
from galaxyclass.images.cutout_boxes import Beyond, CutoutBox, centre_box, contour_box
from galaxyclass.images.detection import object_box

if TYPE_CHECKING:
    from galaxyclass.recipes.preprocessing import Preprocessing


def make_cutout(image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """The cutout of an image.

    Parameters
    ----------
    image : (height, width, channels) uint8 array
        As `read_image` gives it: 3 channels, or 1 where ``preprocessing.colour`` is "grey".
        (Other images are converted.)
    preprocessing : Preprocessing

    Returns
    -------
    (size, size, channels) uint8 array

    Examples
    --------
    >>> from galaxyclass.recipes.preprocessing import Preprocessing
    >>> image = np.zeros((424, 424, 3), np.uint8)
    >>> make_cutout(image, Preprocessing(cutout="centre", frame=256, size=64)).shape
    (64, 64, 3)
    """
    return cut_out(image, **cutout_settings(preprocessing.model_dump()))


def cut_out(
    image: NDArray[np.uint8],
    *,
    cutout: Literal["centre", "contour", "object"],
    frame: int | None,
    beyond: Beyond,
    margin: float,
    size: int,
    colour: str,
) -> NDArray[np.uint8]:
    """`make_cutout` with each setting by name: for processes that start without pydantic."""
    options: dict[str, Any] = {"frame": frame, "beyond": beyond, "margin": margin}
    used = {name: options[name] for name in CUTOUT_OPTIONS[cutout]}
    cut = CUTOUTS[cutout](image, size, **used)
    return to_colour(cut, colour)


def cutout_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `cut_out` among all fields of a `Preprocessing`."""
    return {name: settings[name] for name in _SETTINGS}


_SETTINGS = ("cutout", "frame", "beyond", "margin", "size", "colour")


def centre_cutout(
    image: NDArray[np.uint8], size: int, frame: int | None = None, beyond: Beyond = "border"
) -> NDArray[np.uint8]:
    """A square around the image's centre.

    Parameters
    ----------
    image : (height, width, channels) uint8 array
    size : int
        Side of the cutout, in its own pixels.
    frame : int, optional
        Side of the square in pixels of the image; otherwise the image's shorter side.
    beyond : {"border", "whole"}
        Where the square is larger than the image: the colour of the image's border surrounds it,
        so that the scale is the same for all images; or the shorter side is taken instead.

    Returns
    -------
    (size, size, channels) uint8 array
        Shrunk by area or enlarged linearly.
    """
    height, width = image.shape[:2]
    return _resize(_cut(image, centre_box(height, width, frame, beyond)), size)


def contour_cutout(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The cutout of the Keras notebook, faults included (see `contour_box`), resized by area.

    Parameters
    ----------
    image : (height, width, channels) uint8 array
        The box is found in grey, also where there are three channels.
    size : int
        Side of the cutout, in its own pixels.

    Returns
    -------
    (size, size, channels) uint8 array
        An image that is taken whole and is not square is distorted, as in the Keras notebook.
    """
    cut = _cut(image, contour_box(to_grey(image)))
    # By area also where it enlarges, as the Keras notebook did: the result differs from linear.
    return _resize(cut, size, enlarge=cv2.INTER_AREA)


def object_cutout(image: NDArray[np.uint8], size: int, margin: float = 0.25) -> NDArray[np.uint8]:
    """The object at the image's centre, with some sky around it (see `object_box`).

    Parameters
    ----------
    image : (height, width, channels) uint8 array
    size : int
        Side of the cutout, in its own pixels.
    margin : float
        Sky on each side, as a share of the longer side of the object's bounding box.

    Returns
    -------
    (size, size, channels) uint8 array
        Shrunk by area or enlarged linearly; the colour of the image's border where the square
        is larger than the image.
    """
    return _resize(_cut(image, object_box(image, margin)), size)


#: Name of a cutout in a recipe -> its function.
CUTOUTS: dict[str, Callable[..., NDArray[np.uint8]]] = {
    "centre": centre_cutout,
    "contour": contour_cutout,
    "object": object_cutout,
}
#: Name of a cutout -> the settings of a recipe that it uses.
CUTOUT_OPTIONS: dict[str, tuple[str, ...]] = {
    "centre": ("frame", "beyond"),
    "contour": (),
    "object": ("margin",),
}


def _cut(image: NDArray[np.uint8], box: CutoutBox) -> NDArray[np.uint8]:
    """The pixels in a box; beyond the image, the colour of its border."""
    height, width = image.shape[:2]
    right, bottom = box.left + box.width, box.top + box.height
    if box.inside(height, width):
        return image[box.top : bottom, box.left : right]
    cut = np.empty((box.height, box.width, image.shape[2]), np.uint8)
    cut[:] = _border_colour(image)
    rows = slice(max(box.top, 0), min(bottom, height))
    columns = slice(max(box.left, 0), min(right, width))
    cut[
        rows.start - box.top : rows.stop - box.top,
        columns.start - box.left : columns.stop - box.left,
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
    interpolation = cv2.INTER_AREA if min(height, width) >= size else enlarge
    resized = cv2.resize(image, (size, size), interpolation=interpolation)
    return np.asarray(resized, dtype=np.uint8).reshape(size, size, channels)
