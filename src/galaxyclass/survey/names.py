"""Ids of millions of paths at once: their stems, and hashes that find repeated ones.

Both work on the bytes of an Arrow array, without a step of Python for each path.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.images.files import image_stem

_SLASH, _DOT, _BRACE = b"/.{"
#: Lower-case letters differ from capitals by this bit.
_LOWER = 0x20
_SEED = 1_729


def stems(names: pa.Array) -> pa.Array:
    """The stem of each name, as `galaxyclass.images.files.image_stem` gives it.

    Parameters
    ----------
    names : pyarrow.Array of str
        Paths or names of files, none empty.

    Examples
    --------
    >>> stems(pa.array(["sky/1.jpg", "b.fits.gz", "J0.81"])).to_pylist()
    ['1', 'b', 'J0']
    """
    names, offsets, data = _bytes(names)
    start, end = offsets[:-1].copy(), offsets[1:].copy()
    last = _last(np.flatnonzero(data == _SLASH), start, end)
    start = np.where(last >= 0, last + 1, start)
    dots = np.flatnonzero(data == _DOT)
    last = _last(dots, start, end)
    compressed = _is_compressed(data, last, end)
    end = np.where(last >= 0, last, end)
    if compressed.any():
        second = _last(dots, start, end)
        end = np.where(compressed & (second >= 0), second, end)
    # A name that begins with a full stop, one in bands, or one without a stem: few, one by one.
    unusual = (start >= offsets[1:]) | (end <= start)
    unusual[~unusual] = data[start[~unusual]] == _DOT
    braces = np.flatnonzero(data == _BRACE)
    if len(braces):
        unusual[np.searchsorted(offsets, braces, side="right") - 1] = True
    found = _cut(data, np.where(unusual, offsets[:-1], start), np.where(unusual, offsets[1:], end))
    if not unusual.any():
        return found
    cells = found.to_pylist()
    for row in np.flatnonzero(unusual).tolist():
        cells[row] = image_stem(names[row].as_py())
    return pa.array(cells, pa.string())


def hashes(names: pa.Array) -> NDArray[np.uint64]:
    """(names,) A number for each name; different names have the same by chance of 2⁻⁵⁷ or less.

    Multilinear hashing: the sum, modulo 2⁶⁴, of each byte times a fixed random number that belongs
    to the byte's place (Lemire and Kaser, Strongly universal string hashing is fast, 2014).

    Examples
    --------
    >>> a, b, c = hashes(pa.array(["587722981748965649", "587722981748965650", "a"]))
    >>> len({int(a), int(b), int(c)})
    3
    """
    _, offsets, data = _bytes(names)
    lengths = np.diff(offsets)
    places = np.arange(len(data)) - np.repeat(offsets[:-1], lengths)
    multipliers = _multipliers(1 << int(lengths.max(initial=1)).bit_length())
    products = (data.astype(np.uint64) + np.uint64(1)) * multipliers[places]
    sums = np.zeros(len(lengths), np.uint64)
    filled = lengths > 0
    if filled.any():
        sums[filled] = np.add.reduceat(products, offsets[:-1][filled])
    return sums


@cache
def _multipliers(count: int) -> NDArray[np.uint64]:
    numbers = np.random.default_rng(_SEED).integers(0, 2**64, count, np.uint64)
    return numbers | np.uint64(1)


def text_bytes(column: pa.Array) -> tuple[NDArray[np.int64], bytes]:
    """The lengths of the cells of a column of text, and all their bytes, without gaps."""
    _, offsets, data = _bytes(column)
    return np.diff(offsets), data.tobytes()


def _bytes(names: pa.Array) -> tuple[pa.Array, NDArray[np.int64], NDArray[np.uint8]]:
    """An array of text, where each cell begins (and the last ends), and the bytes of all."""
    if isinstance(names, pa.ChunkedArray):
        names = names.combine_chunks()
    names = names.cast(pa.string())
    _, offsets, data = names.buffers()
    of_names = slice(names.offset, names.offset + len(names) + 1)
    begins: NDArray[np.int64] = np.frombuffer(offsets, np.int32)[of_names].astype(np.int64)
    content = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    first = int(begins[0]) if len(begins) else 0
    return names, begins - first, content[first : int(begins[-1]) if len(begins) else 0]


def _last(
    places: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The last of some places within each stretch from start to end; -1 where none is."""
    if not len(places):
        return np.full(len(start), -1, np.int64)
    index = np.searchsorted(places, end) - 1
    found = places[np.maximum(index, 0)]
    return np.where((index >= 0) & (found >= start), found, -1)


def _is_compressed(
    data: NDArray[np.uint8], dot: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which names end in an ending of `COMPRESSED_SUFFIXES`: .gz, .xz, .fz and .bz2."""
    found = np.zeros(len(dot), bool)
    for length, endings in ((3, (b"gz", b"xz", b"fz")), (4, (b"bz2",))):
        rows = np.flatnonzero((dot >= 0) & (end - dot == length))
        letters = data[dot[rows, None] + np.arange(1, length)] | _LOWER
        wanted: Sequence[NDArray[np.uint8]] = [np.frombuffer(e, np.uint8) for e in endings]
        found[rows] = np.any([(letters == word | _LOWER).all(axis=1) for word in wanted], axis=0)
    return found


def _cut(data: NDArray[np.uint8], start: NDArray[np.int64], end: NDArray[np.int64]) -> pa.Array:
    """The stretches of some bytes as an array of text."""
    lengths = end - start
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    index = np.repeat(start - offsets[:-1], lengths) + np.arange(offsets[-1])
    content = pa.py_buffer(data[index].tobytes())
    return pa.StringArray.from_buffers(
        len(lengths), pa.py_buffer(offsets.astype(np.int32).tobytes()), content
    )
