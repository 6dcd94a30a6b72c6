"""Cutout boxes: where a cutout lies in its image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

#: Threshold of the Keras notebook (docs/reference-designs.md#keras-notebook): a pixel belongs to an
#: object when its grey value is above this.
CONTOUR_THRESHOLD = 10
#: Padding of the Keras notebook, as a share of the longer side of the object's bounding box.
CONTOUR_PADDING = 0.1


@dataclass(frozen=True)
class CutoutBox:
    """The rectangle of a cutout in its image, in whole pixels; it may reach beyond the borders.

    ``left`` and ``top`` are its first column and row; pixel (0, 0) is the image's top left.
    """

    left: int
    top: int
    width: int
    height: int

    def inside(self, height: int, width: int) -> bool:
        """Whether the box lies wholly inside an image of that size."""
        return (
            self.left >= 0
            and self.top >= 0
            and self.left + self.width <= width
            and self.top + self.height <= height
        )


#: What happens to a box that is larger than the image: see `Preprocessing.beyond`.
Beyond = Literal["border", "whole"]


def centre_box(
    height: int, width: int, side: int | None = None, beyond: Beyond = "border"
) -> CutoutBox:
    """A square cutout box around the centre of an image.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    side : int, optional
        Of the square, in pixels; otherwise the shorter side of the image.
    beyond : {"border", "whole"}
        ``whole``: never larger than the shorter side.

    Examples
    --------
    >>> centre_box(424, 424, 256)
    CutoutBox(left=84, top=84, width=256, height=256)
    >>> centre_box(128, 128, 256, "whole")
    CutoutBox(left=0, top=0, width=128, height=128)
    """
    if side is None or (beyond == "whole" and side > min(height, width)):
        side = min(height, width)
    return CutoutBox((width - side) // 2, (height - side) // 2, side, side)


def centre_scale(
    height: int, width: int, side: int | None, size: int, beyond: Beyond = "border"
) -> int:
    """By how much an image may be shrunk before its centre is cut out.

    The box has to lie inside the image (the part of a box beyond it is filled with the colour of
    the image's border) and on the grid of the shrunk pixels. Shrunk, it has to be exactly as large
    as the cutout, or at least half as large again: a second shrinking by a factor near 1 would blur
    the cutout. Cutouts of real galaxies then differ from those made at full size by up to 1.5 grey
    levels in the mean and 32 in a pixel; if a tenth larger were enough, by up to 2.5 and 54.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    side : int, optional
        Of the box, as in `centre_box`.
    size : int
        Side of the cutout, in its own pixels.
    beyond : {"border", "whole"}
        As in `centre_box`.

    Returns
    -------
    int
        8, 4, 2 or 1: the largest possible factor. `centre_box` of the shrunk image and the shrunk
        side is then the box, shrunk.

    Examples
    --------
    >>> centre_scale(424, 424, 212, 64)
    2
    >>> centre_scale(424, 424, None, 64)
    4
    >>> centre_scale(424, 424, 212, 96)
    1
    >>> centre_scale(423, 423, 212, 64)
    1
    """
    box = centre_box(height, width, side, beyond)
    if not box.inside(height, width):
        return 1
    for factor in (8, 4, 2):
        edges = (box.left, box.top, box.width, box.height)
        shrunk = box.width // factor
        sharp = shrunk == size or 2 * shrunk >= 3 * size
        if sharp and not any(edge % factor for edge in edges):
            return factor
    return 1


def contour_box(grey: NDArray[np.uint8]) -> CutoutBox:
    """The cutout box of the Keras notebook (docs/reference-designs.md), faults included.

    Every contour of the pixels above 10 (outer borders and those of holes alike) has a bounding
    box; of the box with the largest area (the first of several equal ones), the longer side
    gives the padding, 10 % of it, rounded down. The square from (x - padding, y - padding) to
    (x + longer + padding, y + longer + padding) is taken where it lies inside the image;
    otherwise, or where there is no contour, the whole image.

    The faults: the square starts at the bounding box's corner, so that the object is off centre
    along its shorter side; objects near the border give the whole image; a bright neighbour with a
    larger bounding box is cut out instead of the galaxy. The cutout ``object`` has none of them.

    Parameters
    ----------
    grey : (height, width) uint8 array

    Examples
    --------
    >>> grey = np.zeros((100, 100), np.uint8)
    >>> grey[30:50, 40:60] = 200
    >>> contour_box(grey)
    CutoutBox(left=38, top=28, width=24, height=24)
    """
    height, width = grey.shape
    _, above = cv2.threshold(grey, CONTOUR_THRESHOLD, 255, cv2.THRESH_BINARY)
    whole = CutoutBox(0, 0, width, height)
    bounds = _largest_bounds(np.asarray(above, dtype=np.uint8))
    if bounds is None:
        return whole
    left, top, object_width, object_height = bounds
    longer = max(object_width, object_height)
    padding = int(CONTOUR_PADDING * longer)
    side = longer + 2 * padding
    box = CutoutBox(left - padding, top - padding, side, side)
    return box if box.inside(height, width) else whole


def _largest_bounds(mask: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of the largest bounding box of all contours.

    The bounding box of a hole lies within that of the region around it, so that those of the
    8-connected regions are enough. Noise gives thousands of contours, and regions are found twice
    as fast. Contours are needed only where regions tie: their order decides.
    """
    # OpenCV's algorithm by blocks of 2 x 2 takes little more than half of the default's time.
    _, _, boxes, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask, 8, cv2.CV_32S, cv2.CCL_BBDT
    )
    boxes = boxes[1:, :4]  # the first is the background
    if len(boxes) == 0:
        return None
    areas = boxes[:, 2] * boxes[:, 3]
    largest = boxes[areas == areas.max()]
    if len(largest) == 1:
        left, top, width, height = largest[0].tolist()
        return left, top, width, height
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    left, top, width, height = max(map(cv2.boundingRect, contours), key=lambda box: box[2] * box[3])
    return left, top, width, height
