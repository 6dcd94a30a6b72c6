"""Cutting a field out of a tile's bands: sliced, shrunk, and only then stretched.

A cutout has some thousand pixels and its field often a hundred times as many: stretching what was
shrunk costs next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.fill_values import MOST_BRIGHTNESS

#: The largest side of a field, in pixels of the tile: larger ones are mistakes of a catalogue.
MAX_SIDE = 20_000
#: The smallest.
MIN_SIDE = 3.0
#: A pixel is without data where it is NaN, or in a block of zeros of so many pixels a side.
_ZEROS = np.ones((3, 3), np.uint8)
#: Share of exact zeros from which blocks of them are looked for.
_FEW_ZEROS = 0.01


@dataclass(frozen=True)
class FieldPixels:
    """The field of a source.

    Attributes
    ----------
    pixels : (size, size, bands) float32
        In the tile's unit, row 0 as in the tile's file. Pixels without data have the median of the
        others.
    missing : float
        Share of its pixels, before shrinking, that have no data, those beyond the tile included.
    beyond : float
        Share of them that are beyond the tile.
    """

    pixels: NDArray[np.float32]
    missing: float
    beyond: float


def require_side(side: float) -> None:
    """Refuse a field that is too small or too large for its tile's pixels.

    Raises
    ------
    ImageError
    """
    if not MIN_SIDE <= side <= MAX_SIDE:
        raise ImageError(
            f"its field has a side of {side:.3g} pixels of the tile",
            wanted=f"{MIN_SIDE:g} to {MAX_SIDE:,}",
        )


def cut_field(
    planes: Sequence[NDArray[np.generic]], x: float, y: float, side: float, size: int
) -> FieldPixels:
    """Cut the field around a position, and bring it to the size of a cutout.

    Parameters
    ----------
    planes : sequence of (height, width) arrays
        The bands of a tile, of any type and byte order.
    x, y : float
        The centre, 0 the first pixel's centre.
    side : float
        Of the field, in pixels of the tile.
    size : int
        Of the cutout, in its own pixels.

    Returns
    -------
    FieldPixels
        Shrunk by area from the nearest whole pixels (at most half a pixel of the tile aside), or
        enlarged linearly around the exact centre.

    Raises
    ------
    ImageError
        The side is not possible, or there is no data at the centre.
    """
    require_side(side)
    left, top = x + 0.5 - side / 2, y + 0.5 - side / 2
    if side >= size:
        column, row, width, margin = round(left), round(top), max(1, round(side)), 0
    else:  # with a pixel around it, from which the outermost ones are interpolated
        column, row, width, margin = (
            math.floor(left) - 1,
            math.floor(top) - 1,
            math.ceil(side) + 3,
            1,
        )
    pixels = np.empty((size, size, len(planes)), np.float32)
    empty = None
    for band, plane in enumerate(planes):
        window = _window(plane, row, column, width)
        without_data = _without_data(window, plane.dtype)
        if without_data is not None:
            _require_centre(without_data, x - column, y - row)
            empty = without_data if empty is None else empty | without_data
            window = _filled(window)
        pixels[..., band] = _resized(window, left - column, top - row, side, size)
    if empty is None:
        return FieldPixels(pixels, 0.0, 0.0)
    inner = slice(margin, width - 2 * margin)
    beyond = _share_beyond(planes[0].shape, row + margin, column + margin, width - 3 * margin)
    return FieldPixels(pixels, float(empty[inner, inner].mean()), beyond)


def slice_field(
    planes: Sequence[NDArray[np.generic]], x: float, y: float, side: float
) -> tuple[FieldPixels, int, int]:
    """The very pixels of a field, for files of FITS.

    Returns
    -------
    FieldPixels
        (side, side, bands), NaN beyond the tile.
    column, row : int
        Of the tile, where the first pixel of the slice lies; may be negative.

    Raises
    ------
    ImageError
        As for `cut_field`.
    """
    require_side(side)
    width = max(1, round(side))
    column, row = round(x + 0.5 - width / 2), round(y + 0.5 - width / 2)
    windows = [_window(plane, row, column, width) for plane in planes]
    empty = np.zeros((width, width), bool)
    for window, plane in zip(windows, planes, strict=True):
        without_data = _without_data(window, plane.dtype)
        if without_data is not None:
            _require_centre(without_data, x - column, y - row)
            empty |= without_data
    beyond = _share_beyond(planes[0].shape, row, column, width)
    return FieldPixels(np.stack(windows, axis=-1), float(empty.mean()), beyond), column, row


def _window(plane: NDArray[np.generic], row: int, column: int, width: int) -> NDArray[np.float32]:
    """A square of a plane, NaN beyond it."""
    height, length = plane.shape
    if row >= 0 and column >= 0 and row + width <= height and column + width <= length:
        return _numbers(plane[row : row + width, column : column + width])
    window = np.full((width, width), np.nan, np.float32)
    rows = slice(max(row, 0), max(min(row + width, height), 0))
    columns = slice(max(column, 0), max(min(column + width, length), 0))
    window[rows.start - row : rows.stop - row, columns.start - column : columns.stop - column] = (
        _numbers(plane[rows, columns])
    )
    return window


def _numbers(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Pixels as float32, NaN where a number such as 1e30 stands for "no data"."""
    if pixels.dtype.kind != "f":
        return pixels.astype(np.float32)
    with np.errstate(over="ignore"):
        numbers = pixels.astype(np.float32)
    filled = np.abs(numbers) > MOST_BRIGHTNESS
    if filled.any():
        numbers[filled] = np.nan
    return numbers


def _without_data(
    window: NDArray[np.float32], dtype: np.dtype[np.generic]
) -> NDArray[np.bool_] | None:
    """Where a window has no data; None if it has data everywhere."""
    total = float(window.sum())
    empty = None if math.isfinite(total) else ~np.isfinite(window)
    if dtype.kind != "f":
        return empty
    zeros = window.size - int(np.count_nonzero(window))
    if zeros > _FEW_ZEROS * window.size:
        is_zero = (window == 0).astype(np.uint8)
        blocks = cv2.morphologyEx(is_zero, cv2.MORPH_OPEN, _ZEROS).astype(bool)
        if blocks.any():
            empty = blocks if empty is None else empty | blocks
    return empty


def _require_centre(empty: NDArray[np.bool_], x: float, y: float) -> None:
    """Refuse a field without data at the source's own pixels."""
    column = min(max(round(x), 0), empty.shape[1] - 1)
    row = min(max(round(y), 0), empty.shape[0] - 1)
    if empty[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].all():
        raise ImageError("it lies in a gap of the tile: no data at its position (NaN or zeros)")


def _filled(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """A window with the median of its pixels where it has NaN or infinity."""
    finite = np.isfinite(window)
    if finite.all():
        return window
    median = np.median(window[finite]) if finite.any() else np.float32(0)
    return np.where(finite, window, median.astype(np.float32))


def _resized(
    window: NDArray[np.float32], left: float, top: float, side: float, size: int
) -> NDArray[np.float32]:
    """A window shrunk by area; or enlarged, the field beginning at (left, top) of the window."""
    if side >= size:
        return np.asarray(
            cv2.resize(window, (size, size), interpolation=cv2.INTER_AREA), np.float32
        )
    step = side / size
    # From the centre of a pixel of the cutout to the pixel of the window.
    to_window = np.array(
        [[step, 0, left + step / 2 - 0.5], [0, step, top + step / 2 - 0.5]], np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    enlarged = cv2.warpAffine(
        window, to_window, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(enlarged, np.float32)


def _share_beyond(shape: tuple[int, ...], row: int, column: int, width: int) -> float:
    """The share of a square that lies beyond a plane."""
    sides = [
        max(min(first + width, length) - max(first, 0), 0)
        for first, length in zip((row, column), shape, strict=True)
    ]
    return 1 - sides[0] * sides[1] / width**2
