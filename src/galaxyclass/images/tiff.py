"""TIFF in bands: floating-point numbers, 32 bits, any number of bands, in samples or in pages.

Pillow reads the TIFFs of photographs; these are what surveys and laboratories write.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.band_image import MOST_BANDS, BandImage
from galaxyclass.images.orientation import turned

#: Tags by their number (TIFF 6.0), and what stands for a missing one.
_TAGS: dict[int, tuple[str, Any]] = {
    254: ("subfile", 0),
    256: ("width", 0),
    257: ("height", 0),
    258: ("bits", 1),
    259: ("compression", 1),
    262: ("photometric", 1),
    273: ("strip_offsets", ()),
    274: ("orientation", 1),
    277: ("samples", 1),
    278: ("rows", 0),
    279: ("strip_counts", ()),
    284: ("planar", 1),
    317: ("predictor", 1),
    322: ("tile_width", 0),
    323: ("tile_height", 0),
    324: ("tile_offsets", ()),
    325: ("tile_counts", ()),
    338: ("extra", ()),
    339: ("format", 1),
}
#: Tags with a value for each sample or for each piece of the picture.
_LISTS = {"bits", "format", "extra"} | {
    f"{p}_{q}" for p in ("strip", "tile") for q in ("offsets", "counts")
}

#: Number of a field's type -> its format for `struct`.
_TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}

#: Strips or tiles of a page, at most: each takes a moment, however small it is.
_MOST_PIECES = 200_000

_NONE, _LZW, _DEFLATE = 1, 5, (8, 32946)

#: Photometric interpretations of brightness and of colours.
_WHITE_IS_ZERO = 0
_GREY, _RGB = (_WHITE_IS_ZERO, 1), 2


@dataclass(frozen=True)
class Page:
    """The layout of one page."""

    order: str
    tags: dict[str, Any]

    @property
    def samples(self) -> int:
        """Numbers of a pixel."""
        return int(self.tags["samples"])

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return int(self.tags["height"]), int(self.tags["width"])

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the numbers.

        Raises
        ------
        ImageError
            A type that numpy does not have.
        """
        bits, kinds = set(self.tags["bits"]), set(self.tags["format"])
        if len(bits) == len(kinds) == 1:
            kind = {1: "u", 2: "i", 3: "f"}.get(min(kinds), "")
            width = min(bits)
            if kind and width in ((16, 32, 64) if kind == "f" else (8, 16, 32, 64)):
                return np.dtype(f"{self.order}{kind}{width // 8}")
        raise ImageError(
            "the numbers of this TIFF cannot be read",
            wanted="integers of 8 to 64 bits or floats of 16 to 64",
            got=f"bits {sorted(bits)}, sample format {sorted(kinds)}",
            hint="save it with one of these types",
        )

    @property
    def is_photograph(self) -> bool:
        """Whether it is a picture to look at, which Pillow decodes."""
        photometric, bits = self.tags["photometric"], set(self.tags["bits"])
        if 3 in self.tags["format"] or 2 in self.tags["format"] or max(bits) > 16:
            return False
        if photometric not in (*_GREY, _RGB):
            return True  # a palette, or colours that are stored otherwise
        colours = 1 if photometric in _GREY else 3
        return max(bits) <= 8 and self.samples <= colours + 1


def read_pages(data: bytes) -> list[Page]:
    """The layout of the pages of a TIFF, classic or BigTIFF.

    Raises
    ------
    ImageError
        Truncated or corrupt.
    """
    try:
        pages = list(_pages(data))
    except (struct.error, KeyError, IndexError, OverflowError) as error:
        raise _broken(str(error)) from error
    if not pages:
        raise _broken("no page")
    return pages


def _pages(data: bytes) -> Iterator[Page]:
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(f"{order}H", data, 2)[0] == 43
    word, entry, counter = ("Q", 20, "Q") if big else ("I", 12, "H")
    offset = struct.unpack_from(order + word, data, 8 if big else 4)[0]
    visited: set[int] = set()
    while offset and offset not in visited and len(visited) <= MOST_BANDS:
        visited.add(offset)
        count = struct.unpack_from(order + counter, data, offset)[0]
        begin = offset + struct.calcsize(order + counter)
        if begin + count * entry > len(data):
            raise ImageError("the image is truncated or corrupt", hint="fetch the file again")
        tags = {
            name: (default,) if name in _LISTS and default != () else default
            for name, default in _TAGS.values()
        }
        for number in range(count):
            tag, kind, length = struct.unpack_from(f"{order}HH{word}", data, begin + number * entry)
            if tag not in _TAGS or kind not in _TYPES:
                continue
            name = _TAGS[tag][0]
            values = _values(data, order + _TYPES[kind], length, begin + number * entry, word)
            if len(values):  # a field of no values says nothing
                tags[name] = values if name in _LISTS else values[0]
        yield Page(order, tags)
        offset = struct.unpack_from(order + word, data, begin + count * entry)[0]


def _values(data: bytes, kind: str, count: int, entry: int, word: str) -> tuple[int, ...]:
    if count > len(data):
        raise struct.error("a tag longer than the file")
    order = kind[0]
    text = f"{order}{count}{kind[1]}"
    offset = entry + 4 + struct.calcsize(order + word)
    if struct.calcsize(text) > struct.calcsize(order + word):
        offset = struct.unpack_from(order + word, data, offset)[0]
    return struct.unpack_from(text, data, offset)


def read_tiff(data: bytes, pages: list[Page], max_pixels: int) -> BandImage:
    """The picture of a TIFF in bands.

    Parameters
    ----------
    data : bytes
    pages : list of Page
        As from `read_pages`. Pages after the first are further bands where they have its size and
        one sample each.
    max_pixels : int
        Refuse pictures of more pixels in a band, before they are read.

    Returns
    -------
    BandImage
        Bands without names.

    Raises
    ------
    ImageError
        Too large; a type or a compression that is not read; truncated or corrupt.
    """
    first = pages[0]
    height, width = first.size
    if height * width > max_pixels:
        raise ImageError(
            "the image is too large",
            wanted=f"at most {max_pixels:,} pixels",
            got=f"{width:,} x {height:,} = {width * height:,} pixels",
            hint="cut the galaxies out of it first",
        )
    used = [page for page in pages if page.size == first.size and page.samples == 1]
    used = used if first.samples == 1 and len(used) > 1 else [first]
    if max(page.samples for page in used) > MOST_BANDS or _bytes_of(used) > 8 * max_pixels:
        raise ImageError(
            "the image is too large",
            wanted=f"at most {MOST_BANDS} bands, and {8 * max_pixels:,} bytes in all",
            got=f"{sum(page.samples for page in used):,} bands, {_bytes_of(used):,} bytes",
            hint="cut the galaxies out of it first",
        )
    try:
        bands = [_read_page(data, page) for page in used]
    except (ValueError, IndexError, zlib.error, struct.error) as error:
        raise _broken(str(error)) from error
    left = len(pages) - len(used)
    pixels = bands[0] if len(bands) == 1 else np.concatenate(bands, axis=2)
    return BandImage(
        turned(pixels, first.tags["orientation"]),
        is_display=True,
        source=f"{len(used)} pages" if len(used) > 1 else "",
        unused=f"{left} further pages" if left else "",
    )


def _bytes_of(pages: list[Page]) -> int:
    """The room that the numbers of pages take."""
    return sum(page.size[0] * page.size[1] * page.samples * page.dtype.itemsize for page in pages)


def _read_page(data: bytes, page: Page) -> NDArray[np.generic]:
    """(height, width, samples)."""
    tags, (height, width), dtype = page.tags, page.size, page.dtype
    if tags["compression"] not in (_NONE, *_DEFLATE):
        pixels = _by_opencv(data, page)
        if pixels is not None:
            return pixels
        raise ImageError(
            "the compression of this TIFF is not read for these numbers",
            wanted="no compression, or deflate",
            got="LZW" if tags["compression"] == _LZW else f"number {tags['compression']}",
            hint="save it with `compression='zlib'`, or without",
        )
    tiled = bool(tags["tile_width"])
    piece_width = tags["tile_width"] if tiled else width
    piece_height = tags["tile_height"] if tiled else (tags["rows"] or height)
    piece_height = piece_height if tiled else min(piece_height, height)
    offsets, counts = (
        (tags["tile_offsets"], tags["tile_counts"])
        if tiled
        else (tags["strip_offsets"], tags["strip_counts"])
    )
    planes = page.samples if tags["planar"] == 2 else 1
    deep = page.samples // planes
    if not (height and width and deep and piece_width and piece_height):
        raise ValueError("no pixels")
    across, down = -(-width // piece_width), -(-height // piece_height)
    if planes * across * down > _MOST_PIECES:
        raise ValueError(f"more than {_MOST_PIECES:,} strips or tiles")
    pixels = np.zeros((height, width, page.samples), dtype.newbyteorder("="))
    if len(offsets) < planes * across * down or len(counts) < len(offsets):
        raise ValueError("parts of the picture are missing")
    for number in range(planes * across * down):
        plane, tile = divmod(number, across * down)
        top, left = (tile // across) * piece_height, (tile % across) * piece_width
        rows = piece_height if tiled else min(piece_height, height - top)
        piece = _piece(data, page, offsets[number], counts[number], (rows, piece_width, deep))
        part = piece[: height - top, : width - left]
        bands = slice(plane * deep, (plane + 1) * deep)
        pixels[top : top + rows, left : left + piece_width, bands] = part
    if tags["photometric"] == _WHITE_IS_ZERO and dtype.kind == "u":
        return np.asarray(np.iinfo(dtype.str).max - pixels, dtype=pixels.dtype)
    return pixels


def _by_opencv(data: bytes, page: Page) -> NDArray[np.generic] | None:
    """The first page, where OpenCV decodes it: other compressions, up to four samples."""
    if page.samples not in (1, 3, 4) or (page.dtype.itemsize == 2 and page.dtype.kind == "f"):
        return None
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.shape[:2] != page.size:
        return None
    pixels = np.asarray(values).reshape(*page.size, -1)
    return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]] if pixels.shape[2] > 1 else pixels


def _piece(
    data: bytes, page: Page, offset: int, count: int, shape: tuple[int, int, int]
) -> NDArray[np.generic]:
    """A strip or a tile: (rows, width, samples)."""
    content = data[offset : offset + count]
    size = int(np.prod(shape)) * page.dtype.itemsize
    if page.tags["compression"] in _DEFLATE:
        content = zlib.decompressobj().decompress(content, size)
    if len(content) < size:
        raise ValueError("the pixels end early")
    predictor, (rows, _, deep) = page.tags["predictor"], shape
    if predictor == 3:
        # The bytes of a row's numbers stand by significance, as differences (Adobe's note 3).
        bytes_of = np.frombuffer(content[:size], np.uint8).reshape(rows, -1, deep)
        summed = np.cumsum(bytes_of, axis=1, dtype=np.uint8).reshape(rows, page.dtype.itemsize, -1)
        big_endian = page.dtype.newbyteorder(">")
        return np.ascontiguousarray(np.moveaxis(summed, 1, 2)).view(big_endian).reshape(shape)
    numbers = np.frombuffer(content[:size], page.dtype).reshape(shape)
    if predictor == 2:
        return np.cumsum(numbers, axis=1, dtype=page.dtype.newbyteorder("="))
    return numbers


def _broken(reason: str) -> ImageError:
    return ImageError(
        "the image is truncated or corrupt", got=reason.strip(), hint="fetch the file again"
    )
