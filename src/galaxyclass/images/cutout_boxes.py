"""Where a cutout lies in its image: pure geometry, and the first notebook's contour rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

#: System 1's threshold: a pixel belongs to an object when its grey value is above this.
CONTOUR_THRESHOLD = 10
#: System 1's padding, as a share of the longer side of the object's box.
CONTOUR_PADDING = 0.1


@dataclass(frozen=True)
class Frame:
    """A rectangle in an image, in whole pixels; it may reach beyond the image's borders.

    ``left`` and ``top`` are its first column and row; pixel (0, 0) is the image's top left.
    """

    left: int
    top: int
    width: int
    height: int

    def inside(self, height: int, width: int) -> bool:
        """Whether it lies wholly inside an image of that size."""
        return (
            self.left >= 0
            and self.top >= 0
            and self.left + self.width <= width
            and self.top + self.height <= height
        )


#: What a frame becomes that is larger than the image: see `recipes.Preprocessing.beyond`.
Beyond = Literal["border", "whole"]


def centre_frame(
    height: int, width: int, side: int | None = None, beyond: Beyond = "border"
) -> Frame:
    """A square around the centre of an image.

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
    >>> centre_frame(424, 424, 256)
    Frame(left=84, top=84, width=256, height=256)
    >>> centre_frame(128, 128, 256, "whole")
    Frame(left=0, top=0, width=128, height=128)
    """
    if side is None or (beyond == "whole" and side > min(height, width)):
        side = min(height, width)
    return Frame((width - side) // 2, (height - side) // 2, side, side)


def centre_scale(
    height: int, width: int, side: int | None, size: int, beyond: Beyond = "border"
) -> int:
    """By how much an image may be shrunk before its centre is cut out at the same place.

    The frame has to lie inside the image (one that reaches beyond it is filled with the colour
    of the image's own border) and on the grid of the shrunk pixels. There it has to be as large
    as the cutout, or half as large again: pixels that are averaged twice, by nearly the same
    length, blur the cutout here and not there. Real galaxies then differ from those cut out at
    full size by up to 1.5 grey levels in the mean and 32 in a pixel, and by up to 2.5 and 54 if a
    tenth larger were enough.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    side : int, optional
        Of the frame, as `centre_frame` takes it.
    size : int
        Side of the cutout, in its own pixels.
    beyond : {"border", "whole"}
        As `centre_frame` takes it.

    Returns
    -------
    int
        8, 4, 2 or 1: the first that will do. `centre_frame` of the shrunk image and the shrunk
        side is then the frame, shrunk.

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
    frame = centre_frame(height, width, side, beyond)
    if not frame.inside(height, width):
        return 1
    for factor in (8, 4, 2):
        edges = (frame.left, frame.top, frame.width, frame.height)
        shrunk = frame.width // factor
        sharp = shrunk == size or 2 * shrunk >= 3 * size
        if sharp and not any(edge % factor for edge in edges):
            return factor
    return 1


def contour_frame(grey: NDArray[np.uint8]) -> Frame:
    """The frame that system 1's notebook chose, faults included.

    Every contour of the pixels above 10 (outer borders and those of holes alike) has a bounding
    box; of the box with the largest area (the first of several equal ones), the longer side
    gives the padding, 10 % of it, rounded down. The square from (x - padding, y - padding) to
    (x + longer + padding, y + longer + padding) is taken where it lies inside the image;
    otherwise, or where there is no contour, the whole image.

    Its author knew the faults: the square starts at the box's corner, so that the object is off
    centre along its shorter side; objects near the border give the whole image; a bright
    neighbour with a larger box takes the galaxy's place. The cutout ``object`` is the repair.

    Parameters
    ----------
    grey : (height, width) uint8 array

    Examples
    --------
    >>> grey = np.zeros((100, 100), np.uint8)
    >>> grey[30:50, 40:60] = 200
    >>> contour_frame(grey)
    Frame(left=38, top=28, width=24, height=24)
    """
    height, width = grey.shape
    _, above = cv2.threshold(grey, CONTOUR_THRESHOLD, 255, cv2.THRESH_BINARY)
    whole = Frame(0, 0, width, height)
    box = _largest_box(np.asarray(above, dtype=np.uint8))
    if box is None:
        return whole
    left, top, box_width, box_height = box
    longer = max(box_width, box_height)
    padding = int(CONTOUR_PADDING * longer)
    side = longer + 2 * padding
    frame = Frame(left - padding, top - padding, side, side)
    return frame if frame.inside(height, width) else whole


def _largest_box(mask: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of the largest bounding box of all contours.

    The box of a hole's contour lies within that of the region around it, so that the boxes of
    the 8-connected regions decide: the sky's noise draws thousands of contours, and this is
    twice as fast. Only where regions tie does the order in which contours are found matter.
    """
    # Of OpenCV's algorithms that by blocks of 2 x 2 takes little more than half of the time that
    # the default one does.
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
