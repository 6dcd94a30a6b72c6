"""Decoding of the formats that Pillow reads: PNG, TIFF, WebP, BMP, JPEG 2000, AVIF, rare JPEGs."""

from __future__ import annotations

import io
import warnings
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.decoded import BYTES_PER_PIXEL, Decoded, broken_image, require_size
from galaxyclass.images.jpeg_checks import require_few_scans, require_whole_cmyk
from galaxyclass.images.large import large_images
from galaxyclass.images.levels import levels_of_16_bits
from galaxyclass.images.orientation import ORIENTATION, as_orientation, not_followed
from galaxyclass.short import counted

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

#: First bytes of files of a format.
JPEG = (b"\xff\xd8\xff",)
_PNG = (b"\x89PNG\r\n\x1a\n",)
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

#: Below this number of pixels Pillow does not warn (its limit is 89 million).
_LARGE = 50_000_000

#: What is read, in words.
READABLE = "a FITS, JPEG, PNG, TIFF, WebP, BMP, JPEG 2000, AVIF or .npy file"

#: First bytes of files that folders of images often contain but that are not read -> their name.
_UNREADABLE: dict[bytes, str] = {
    b"GIF8": "a GIF image",
    b"\xff\x0a": "a JPEG XL image",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL image",
    b"\x28\xb5\x2f\xfd": "a file compressed by zstd",
    b"\x1f\x9d": "a file compressed by compress (.Z)",
    b"\x1f\x8b": "a file that is compressed twice",
    b"PAR1": "a parquet file without a column of pictures",
    b"SQLite": "an SQLite database",
    b"XTENSION=": "an HDU of FITS without the primary HDU before it",
    b"RIFF": "a RIFF file that is not WebP",
    b"PK\x03\x04": "a zip archive, or an .npz file: save each of its arrays as .npy",
    b"#ASDF": "an ASDF file: save its arrays as FITS or .npy",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
    b"version https://git-lfs": "a Git LFS pointer: the image itself was not downloaded",
}

#: What follows the first four bytes of a HEIC image, which phones make.
_HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc")

#: The lengths of the headers of BMP files.
_BMP_HEADERS = tuple(length.to_bytes(4, "little") for length in (12, 40, 52, 56, 64, 108, 124))

#: First bytes of JPEG 2000: a file, and a bare stream.
_JPEG_2000 = (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")

#: The type of colour of a PNG with a palette.
_PALETTE = 3

#: Bytes that one byte of a PNG can become, at most.
_MOST_DEFLATED = 1032


def decode_pillow(data: bytes, max_pixels: int) -> Decoded:
    """Decode a file of one of these formats.

    Raises
    ------
    ImageError
        As for `decode_image`.
    """
    kind = pillow_kind(data)
    try:
        with kind(io.BytesIO(data)) as image:
            require_size(*image.size, max_pixels)
            large_images.wait_if(image.width * image.height)
            if kind.format == "JPEG":
                require_few_scans(data, image.width * image.height)
                require_whole_cmyk(data)
            if kind.format == "PNG" and _MOST_DEFLATED * len(data) < _png_bytes(image, data):
                raise broken_image("the pixels end early")  # before memory is taken for all of them
            _load(image)
            pixels, notes = _to_pixels(image, data)
            _require_all_rows(image, pixels, data)
            notes = (*notes, *not_followed(_orientation(image)))
            return Decoded(pixels, image.height, image.width, 1, (*notes, *_left_out(image)))
    except ImageError:
        raise
    except Exception as error:
        # Pillow's decoders raise many errors on malformed files: OSError, SyntaxError, ValueError,
        # struct.error, zlib.error, TypeError, KeyError.
        raise broken_image(str(error) or type(error).__name__) from error


def pillow_kind(data: bytes) -> type[ImageFile]:
    """Pillow's class for the format of a file.

    The classes, not Image.open: it warns of "decompression bombs" by a limit of its own, which only
    a global setting of the user's process could change.

    Raises
    ------
    ImageError
        Another format.
    """
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.TiffImagePlugin import TiffImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    kinds: list[tuple[bool, type[ImageFile]]] = [
        (data.startswith(_PNG), PngImageFile),
        (data.startswith(JPEG), JpegImageFile),
        (data.startswith(TIFF), TiffImageFile),
        (data[:4] == b"RIFF" and data[8:12] == b"WEBP", WebPImageFile),
        # Text may begin with these two letters: the size of the header follows.
        (data[:2] == b"BM" and data[14:18] in _BMP_HEADERS, BmpImageFile),
        (data.startswith(_JPEG_2000), Jpeg2KImageFile),
    ]
    for matches, kind in kinds:
        if matches:
            return kind
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis"):
        try:
            from PIL.AvifImagePlugin import AvifImageFile
        except ImportError as error:
            raise ImageError(
                "AVIF is not read by this version of Pillow",
                hint="pip install --upgrade pillow",
            ) from error
        return AvifImageFile
    got = "a HEIC image" if data[4:12] in _HEIC else _describe(data)
    raise ImageError("not an image that can be read", wanted=READABLE, got=got)


def _left_out(image: ImageFile) -> tuple[str, ...]:
    """What of an animation is left out; pages of a TIFF are counted by `tiff`."""
    frames = getattr(image, "n_frames", 1)
    if image.format not in ("PNG", "WEBP", "AVIF") or frames < 2:
        return ()
    return (f"left out of its file: {counted(frames - 1, 'further frame')}",)


def _orientation(image: ImageFile) -> int:
    """By its EXIF data; 1 of a TIFF, which Pillow has turned as its tag says."""
    if image.format == "TIFF":
        return 1
    try:
        return as_orientation(image.getexif().get(ORIENTATION))
    except Exception:
        return 1  # Pillow raises many errors on malformed data, which say nothing of the pixels


def _require_all_rows(image: ImageFile, pixels: NDArray[np.uint8], data: bytes) -> None:
    """Refuse a PNG whose pixels end early: Pillow leaves the missing rows black without a word."""
    if image.format != "PNG":
        return
    # Rows are filled in their order, unless they are interlaced; what is missing is black, or the
    # first colour of a palette.
    kind, interlaced = data[25], data[28]
    if pixels[-1].any() and kind != _PALETTE and not interlaced:
        return
    content = zlib.decompressobj().decompress(
        b"".join(_chunks(data, b"IDAT")),
        max_length=BYTES_PER_PIXEL * pixels[..., 0].size + (1 << 20),
    )
    if len(content) < _png_bytes(image, data):
        raise broken_image("the pixels end early")


def _png_bytes(image: ImageFile, data: bytes) -> int:
    """The bytes of all rows of a PNG, with the one before each that names its filter."""
    depth, kind, interlaced = data[24], data[25], data[28]
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    passes = (
        ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2),
         (0, 1, 1, 2))
        if interlaced
        else ((0, 1, 0, 1),)
    )  # fmt: skip
    wanted = 0
    for left, across, top, down in passes:
        width = -(-max(0, image.width - left) // across)
        height = -(-max(0, image.height - top) // down)
        wanted += height * (1 + -(-width * bits // 8)) if width else 0
    return wanted


def _chunks(data: bytes, name: bytes) -> Iterator[bytes]:
    """The contents of a PNG's chunks of a name."""
    offset = 8
    while offset + 8 <= len(data):
        length = int.from_bytes(data[offset : offset + 4], "big")
        if data[offset + 4 : offset + 8] == name:
            yield data[offset + 8 : offset + 8 + length]
        offset += length + 12


def _load(image: ImageFile) -> None:
    if image.width * image.height <= _LARGE:
        image.load()
        return
    # The TIFF reader warns of "bombs" again on loading. Silenced only for images that are so large,
    # because the filters of warnings are shared by all threads.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image.load()


def _to_pixels(image: ImageFile, data: bytes) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Pixels (height, width, 1 or 3) uint8 of an image that Pillow has loaded, and remarks."""
    notes: tuple[str, ...] = ()
    deep = _deep_pixels(image, data)
    if deep is not None:
        pixels, notes = levels_of_16_bits(deep)
        if pixels.shape[2] in (2, 4):
            pixels, laid = _on_black(pixels)
            notes = (*notes, *laid)
    elif image.has_transparency_data:
        pixels, notes = _on_black(np.asarray(image.convert("RGBA")))
    else:
        pixels = np.array(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    return (pixels[..., np.newaxis] if pixels.ndim == 2 else pixels), notes


def _deep_pixels(image: ImageFile, data: bytes) -> NDArray[np.uint16] | None:
    """(height, width, channels) of an image of 16 bits, of which Pillow may keep 8 in colour."""
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.uint16)[..., np.newaxis]
    deep = image.format == "PNG" and data[24] == 16 and "transparency" not in image.info
    if not deep and image.format != "JPEG2000":
        return None
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16:
        return None
    if values.ndim == 2:
        return np.asarray(values, dtype=np.uint16)[..., np.newaxis]
    code = cv2.COLOR_BGRA2RGBA if values.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(values, code), dtype=np.uint16)


def _on_black(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Pixels without their last channel, the opacity, by which they are multiplied, and remarks.

    Raises
    ------
    ImageError
        Nothing is opaque; the opacity varies like a band of a survey.
    """
    opacity = pixels[..., -1]
    if not opacity.any():
        raise ImageError(
            "all pixels are transparent: there is nothing to see",
            wanted="pixels that are opaque",
            got="an opacity of 0 everywhere",
            hint="save it without its last channel, the opacity",
        )
    between = (opacity > 0) & (opacity < 255)
    if between.mean() > 0.5 and np.count_nonzero(np.bincount(opacity.ravel())) > 16:
        raise ImageError(
            "the last band is marked as opacity, but varies like a picture",
            wanted="one or three bands, or an opacity of 0 and 255",
            got=f"{pixels.shape[2]} bands",
            hint="name the bands that are meant in `bands`, or save three bands",
        )
    # Laid on black, a pixel is its colour times its opacity.
    wide = pixels.astype(np.uint16)
    laid = ((wide[..., :-1] * wide[..., -1:] + 127) // 255).astype(np.uint8)
    return laid, ("transparent pixels are laid on black",) if (opacity < 255).any() else ()


def _describe(data: bytes) -> str:
    """What kind of file the data are, judged by the first bytes."""
    for beginning, name in _UNREADABLE.items():
        if data.startswith(beginning):
            return name
    start = data[:60]
    try:
        text = start.decode("utf-8", errors="ignore")
        if text.isprintable() or text.split():
            line = text.strip().splitlines()[0]
            if line.isprintable() and len(text.encode()) >= len(start) - 3:
                what = "an HTML page" if line.lower().startswith(("<!doctype", "<html")) else "text"
                return f"{what} that begins {line!r}"
    except IndexError:
        pass
    return f"bytes that begin {start[:8].hex(' ')}"
