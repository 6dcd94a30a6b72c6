"""Decoding of JPEG, PNG and TIFF, told apart by content: from a file's bytes to uint8 pixels."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from galaxyclass.errors import ImageError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

#: More pixels than this are refused before anything is decoded: no cutout of a galaxy has them.
MAX_PIXELS = 100_000_000

#: Below this number of pixels Pillow does not warn (its limit is 89 million).
_LARGE = 50_000_000

_JPEG = (b"\xff\xd8\xff",)
_PNG = (b"\x89PNG\r\n\x1a\n",)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

#: First bytes of files that folders of images often contain but that are not read -> their name.
_UNREADABLE: dict[bytes, str] = {
    b"SIMPLE  =": "a FITS file",
    b"GIF8": "a GIF image",
    b"BM": "a BMP image",
    b"RIFF": "a WebP image or other RIFF file",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF",
    b"version https://git-lfs": "a Git LFS pointer: the image itself was not downloaded",
}


def decode_image(
    data: bytes, colour: Literal["rgb", "grey"] = "rgb", *, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Decode the bytes of a JPEG, PNG or TIFF file.

    Palettes become colours; transparent pixels are laid on black; of 16-bit channels the upper
    8 bits are kept; of a TIFF of several pages the first is taken. The EXIF orientation is
    ignored: it says how a camera was held, and no telescope sets it. Grey is
    0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), as OpenCV rounds it.

    Parameters
    ----------
    data : bytes
        The whole file.
    colour : {"rgb", "grey"}
        Three channels, or one.
    max_pixels : int
        Images of more pixels are refused by their header, before anything is decoded.

    Returns
    -------
    (height, width, channels) uint8 array
        0..255, row 0 at the top; channels are red, green, blue, or one grey.

    Raises
    ------
    ImageError
        The data are empty; they are of another format; they are truncated or corrupt; the image
        has more than ``max_pixels`` pixels; its pixels are floating-point or 32-bit numbers,
        which need a stretch that only the user can choose.

    Examples
    --------
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("L", (4, 3), 77).save(file, "PNG")
    >>> decode_image(file.getvalue(), "grey")[0, 0]
    array([77], dtype=uint8)
    """
    return decode_scaled(data, colour, full_size, max_pixels=max_pixels).pixels


#: From an image's height and width in pixels to the factor by which its JPEG is shrunk in decoding:
#: 1, 2, 4 or 8.
Scale = Callable[[int, int], int]


def full_size(*_: int) -> int:
    """The factor 1: the image is not shrunk."""
    return 1


class Decoded(NamedTuple):
    """Pixels (height, width, channels) uint8, shrunk by ``factor``, and the image's own size."""

    pixels: NDArray[np.uint8]
    height: int
    width: int
    factor: int


def decode_scaled(
    data: bytes,
    colour: Literal["rgb", "grey"],
    scale: Scale,
    *,
    max_pixels: int = MAX_PIXELS,
) -> Decoded:
    """`decode_image`, but a JPEG may be decoded at a smaller scale, which takes less time.

    A JPEG holds the frequencies of blocks of 8 x 8 pixels. The lower frequencies alone give the
    image at a half, a quarter or an eighth (ISO/IEC 10918-1; libjpeg's scaled inverse transforms).
    Its pixels are the averages of the full image's, to within about a grey level; where the sides
    are not divisible by the factor, the last row and column average fewer pixels. All bytes are
    read, and truncated or corrupt files are refused as at full size.

    Parameters
    ----------
    data : bytes
        The whole file.
    colour : {"rgb", "grey"}
        Three channels, or one.
    scale : callable
        Called with the image's height and width. The factor is used where the image is a JPEG that
        libjpeg-turbo's simple interface decodes, and ignored otherwise.
    max_pixels : int
        Refuse images of more pixels.

    Returns
    -------
    Decoded
        Its pixels are (ceil(height / factor), ceil(width / factor), channels) uint8.

    Raises
    ------
    ImageError
        As `decode_image` does.
    """
    if not data:
        raise ImageError("the file is empty", hint="fetch it again")
    if data.startswith(_JPEG):
        decoded = decode_jpeg(data, scale, max_pixels)
    elif data.startswith(_PNG + _TIFF):
        decoded = _decode_pillow(data, max_pixels)
    else:
        raise ImageError(
            "not an image that can be read",
            wanted="a JPEG, PNG or TIFF file",
            got=_describe(data),
        )
    return decoded._replace(pixels=to_colour(decoded.pixels, colour))


def to_colour(pixels: NDArray[np.uint8], colour: Literal["rgb", "grey"]) -> NDArray[np.uint8]:
    """Pixels converted to three channels or to one.

    Parameters
    ----------
    pixels : (height, width, 1 or 3) uint8
    colour : {"rgb", "grey"}

    Returns
    -------
    (height, width, channels) uint8
        ``pixels`` itself where it has these channels already.
    """
    wanted = 3 if colour == "rgb" else 1
    if pixels.shape[2] == wanted:
        return pixels
    code = cv2.COLOR_RGB2GRAY if wanted == 1 else cv2.COLOR_GRAY2RGB
    converted = np.asarray(cv2.cvtColor(pixels, code), dtype=np.uint8)
    return converted.reshape(*pixels.shape[:2], wanted)


def decode_jpeg(data: bytes, scale: Scale, max_pixels: int) -> Decoded:
    """A JPEG, as small as its decoder makes it by itself where ``scale`` allows it."""
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        # Either a header that libjpeg-turbo's simple interface does not support (rare
        # subsamplings), which Pillow reads, or a truncated one, for which Pillow has an error.
        return _decode_pillow(data, max_pixels)
    if space in ("CMYK", "YCCK"):
        return _decode_pillow(data, max_pixels)
    _require_size(width, height, max_pixels)
    factor = scale(height, width)
    # libjpeg-turbo takes the smallest of its scales (eighths) that gives at least this size.
    smallest: dict[str, float] = {}
    if factor > 1:
        smallest = {"min_height": -(-height // factor), "min_width": -(-width // factor)}
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, "GRAY" if space == "Gray" else "RGB", strict=True, min_factor=factor, **smallest
        )
    except ValueError as error:
        raise _broken(str(error)) from error
    return Decoded(pixels, height, width, factor)


def _decode_pillow(data: bytes, max_pixels: int) -> Decoded:
    # The formats' classes, not Image.open: it warns of "decompression bombs" by a limit of its own,
    # which only a global setting of the user's process could change.
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.TiffImagePlugin import TiffImageFile

    if data.startswith(_JPEG):
        kind: type[ImageFile] = JpegImageFile
    else:
        kind = PngImageFile if data.startswith(_PNG) else TiffImageFile
    try:
        with kind(io.BytesIO(data)) as image:
            _require_size(*image.size, max_pixels)
            _require_integers(image)
            _load(image)
            return Decoded(_to_pixels(image), image.height, image.width, 1)
    except ImageError:
        raise
    except Exception as error:
        # Pillow's decoders raise many errors on malformed files: OSError, SyntaxError, ValueError,
        # struct.error, zlib.error, TypeError, KeyError.
        raise _broken(str(error) or type(error).__name__) from error


def _load(image: ImageFile) -> None:
    if image.width * image.height <= _LARGE:
        image.load()
        return
    # The TIFF reader warns of "bombs" again on loading. Silenced only for images that are so large,
    # because the filters of warnings are shared by all threads.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image.load()


def _to_pixels(image: ImageFile) -> NDArray[np.uint8]:
    """Pixels (height, width, 1 or 3) uint8 of an image that Pillow has loaded."""
    if image.mode.startswith("I"):
        pixels = (np.asarray(image) >> 8).astype(np.uint8)
    elif image.has_transparency_data:
        # Laid on black, a pixel is its colour times its opacity.
        rgba = np.asarray(image.convert("RGBA"), dtype=np.uint16)
        pixels = ((rgba[..., :3] * rgba[..., 3:] + 127) // 255).astype(np.uint8)
    else:
        pixels = np.array(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def _require_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise ImageError(
            "the image is too large",
            wanted=f"at most {max_pixels:,} pixels",
            got=f"{width:,} x {height:,} = {width * height:,} pixels",
            hint="cut the galaxies out of it first",
        )


def _require_integers(image: ImageFile) -> None:
    # Mode "I" is 32 bits wide; Pillow before 11 opens 16-bit grey PNGs with it, too.
    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
        raise ImageError(
            "the pixels are floating-point or 32-bit numbers, whose display range is unknown",
            wanted="8 or 16 bits a channel",
            hint="stretch them to 0..255 (asinh is usual) and save them as PNG or JPEG",
        )


def _broken(reason: str) -> ImageError:
    return ImageError(
        "the image is truncated or corrupt", got=reason.strip(), hint="fetch the file again"
    )


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
