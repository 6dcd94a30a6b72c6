"""Decoding of image files, told apart by content: from a file's bytes to uint8 pixels."""

from __future__ import annotations

import io
import re
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.band_files import BANDS_TOGETHER, require_bands, split_files
from galaxyclass.images.band_image import BandImage
from galaxyclass.images.channels import to_colour
from galaxyclass.images.compressed import COMPRESSED, decompress
from galaxyclass.images.fits import FITS, join_bands, read_fits
from galaxyclass.images.levels import levels_of_16_bits
from galaxyclass.images.npy import NPY, read_npy
from galaxyclass.images.render import Channels, RenderSettings, render_bands, zoom_of
from galaxyclass.images.tiff import Page, read_pages, read_tiff

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

#: More pixels than this are refused before anything is decoded: no cutout of a galaxy has them.
MAX_PIXELS = 25_000_000

#: The most bytes that one pixel takes in any format that is read (16-bit RGBA, not compressed).
BYTES_PER_PIXEL = 8

#: Below this number of pixels Pillow does not warn (its limit is 89 million).
_LARGE = 50_000_000

#: A JPEG of more scans is refused: each costs a pass over the whole image, and no encoder needs so
#: many. Of large images fewer are allowed, so that all passes together see at most so many pixels;
#: as many as encoders write (about ten) always are.
_MOST_SCANS, _USUAL_SCANS, _SCANNED_PIXELS = 100, 20, 500_000_000

#: Images of more pixels are decoded one at a time in a process, so that a few bytes of each of many
#: files cannot take the memory of all of them at once.
_ONE_AT_A_TIME = 4_000_000

_JPEG = (b"\xff\xd8\xff",)
_PNG = (b"\x89PNG\r\n\x1a\n",)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

#: What is read, in words.
READABLE = "a FITS, JPEG, PNG, TIFF, WebP, BMP, JPEG 2000, AVIF or .npy file"

#: First bytes of files that folders of images often contain but that are not read -> their name.
_UNREADABLE: dict[bytes, str] = {
    b"GIF8": "a GIF image",
    b"RIFF": "a RIFF file that is not WebP",
    b"PK\x03\x04": "a zip archive",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
    b"version https://git-lfs": "a Git LFS pointer: the image itself was not downloaded",
}


def decode_image(
    data: bytes, colour: Channels = "rgb", *, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Decode the bytes of an image file.

    FITS, ``.npy`` and TIFFs of floats are stretched as `render_bands` does by default. Palettes
    become colours; transparent pixels are laid on black; of 16-bit channels the upper 8 bits are
    kept, or those of the lower 12 or 10 where the image has only these; of a TIFF of several pages
    the first is taken. A file may be compressed as a whole (gzip, bzip2, xz). The EXIF orientation
    is ignored: it says how a camera was held, and no telescope sets it. Grey is
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
        has more than ``max_pixels`` pixels; it is not clear which bands are meant.
    MissingExtraError
        astropy is not installed, and the file is FITS.

    Examples
    --------
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("L", (4, 3), 77).save(file, "PNG")
    >>> decode_image(file.getvalue(), "grey")[0, 0]
    array([77], dtype=uint8)
    """
    settings = RenderSettings(colour)
    return decode_scaled(data, settings, full_size, max_pixels=max_pixels).pixels


class _LargeImages(threading.local):
    """Whose turn it is to decode a large image: one thread's."""

    _turn = threading.Lock()

    def __init__(self) -> None:
        self._depth, self._has_turn = 0, False

    @contextmanager
    def turns(self) -> Iterator[None]:
        """Decode; other threads go on in the end, where this one had its turn."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._has_turn and not self._depth:
                self._has_turn = False
                self._turn.release()

    def wait_if(self, pixels: int) -> None:
        """Wait until no other thread decodes a large image, if this one is about to."""
        if pixels > _ONE_AT_A_TIME and not self._has_turn:
            self._turn.acquire()
            self._has_turn = True


_large_images = _LargeImages()


#: From an image's height and width in pixels to the factor by which its JPEG is shrunk in decoding:
#: 1, 2, 4 or 8.
Scale = Callable[[int, int], int]


def full_size(*_: int) -> int:
    """The factor 1: the image is not shrunk."""
    return 1


class Decoded(NamedTuple):
    """Pixels (height, width, channels) uint8, shrunk by ``factor``, and the image's own size.

    A pixel is ``zoom`` pixels of the model, by the picture's WCS; ``middle`` is whether only the
    middle was decoded, for a cutout of one frame; ``notes`` say how a picture was read where there
    was a choice.
    """

    pixels: NDArray[np.uint8]
    height: int
    width: int
    factor: int
    notes: tuple[str, ...] = ()
    zoom: float = 1.0
    middle: bool = False


def decode_scaled(
    data: bytes,
    settings: RenderSettings,
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
    settings : RenderSettings
        The channels that are wanted, and how bands become channels.
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
    ImageError, MissingExtraError
        As `decode_image` does.
    """
    with _large_images.turns():
        return _decode_scaled(data, settings, scale, max_pixels)


def _decode_scaled(data: bytes, settings: RenderSettings, scale: Scale, max_pixels: int) -> Decoded:
    if not data:
        raise ImageError("the file is empty", hint="fetch it again")
    if data.startswith(COMPRESSED):
        data = _decompressed(data, max_pixels)
    _large_images.wait_if(len(data) // BYTES_PER_PIXEL)
    image = decode_bands(data, settings, max_pixels)
    if image is not None:
        return render_decoded(image, settings)
    if data.startswith(_JPEG):
        decoded = decode_jpeg(data, scale, max_pixels)
    else:
        decoded = _decode_pillow(data, max_pixels)
    if data.startswith(_TIFF):
        decoded = decoded._replace(notes=(*decoded.notes, *_unused(read_pages(data))))
    if settings.colour == "bands":
        names = ("red", "green", "blue") if decoded.pixels.shape[2] == 3 else ()
        return render_decoded(BandImage(decoded.pixels, names), settings)
    decoded = with_zoom(decoded, settings)
    return decoded._replace(pixels=to_colour(decoded.pixels, settings.colour))


def _decompressed(data: bytes, max_pixels: int) -> bytes:
    """The content of a compressed file; that of a large one when it is its turn."""
    if max_pixels <= _ONE_AT_A_TIME:
        return decompress(data, BYTES_PER_PIXEL * max_pixels)
    try:
        return decompress(data, BYTES_PER_PIXEL * _ONE_AT_A_TIME)
    except ImageError:  # too large for that, or damaged, which is found again
        _large_images.wait_if(max_pixels)
        return decompress(data, BYTES_PER_PIXEL * max_pixels)


def decode_bands(
    data: bytes, settings: RenderSettings, max_pixels: int = MAX_PIXELS
) -> BandImage | None:
    """The bands of a picture as it was measured; None of a picture of grey levels or colours.

    Parameters
    ----------
    data : bytes
        The whole file, not compressed.
    settings : RenderSettings
    max_pixels : int
        Refuse pictures of more pixels in a band.

    Raises
    ------
    ImageError, MissingExtraError
        As for `decode_image`.
    """
    with _large_images.turns():
        return _decode_bands(data, settings, max_pixels)


def _decode_bands(data: bytes, settings: RenderSettings, max_pixels: int) -> BandImage | None:
    if data.startswith(BANDS_TOGETHER):
        return _band_of_each(split_files(data), settings, max_pixels)
    if data.startswith(FITS):
        return read_fits(data, hdu=settings.hdu, bands=settings.bands, max_pixels=max_pixels)
    if data.startswith(NPY):
        return read_npy(data, max_pixels)
    if data.startswith(_TIFF):
        pages = read_pages(data)
        if not pages[0].is_photograph or settings.bands or settings.colour == "bands":
            return read_tiff(data, pages, max_pixels)
    return None


def _band_of_each(files: dict[str, bytes], settings: RenderSettings, max_pixels: int) -> BandImage:
    """A picture of files of one band each.

    Raises
    ------
    ImageError
        A file is missing, cannot be read, has several bands or another size.
    """
    require_bands(tuple(files), settings.bands)
    images = {}
    for band in settings.bands or files:
        data = decompress(files[band], BYTES_PER_PIXEL * max_pixels)
        try:
            image = decode_bands(data, RenderSettings(hdu=settings.hdu), max_pixels)
            if image is None:
                pixels = to_colour(_decode_pillow(data, max_pixels).pixels, "grey")
                image = BandImage(pixels, is_display=True)
            images[band] = image
        except ImageError as error:
            raise ImageError(
                f"band {band}: {error.what}", wanted=error.wanted, got=error.got, hint=error.hint
            ) from error
    return join_bands(images)


def render_decoded(image: BandImage, settings: RenderSettings) -> Decoded:
    """A picture in bands in the channels that are wanted.

    Raises
    ------
    ImageError
        As for `render_bands`.
    """
    height, width = image.pixels.shape[:2]
    rendered = render_bands(image, settings)
    levels = rendered.levels
    if settings.colour in ("rgb", "grey"):
        levels = to_colour(levels, settings.colour)
    middle = levels.shape[:2] != (height, width)
    return Decoded(levels, height, width, 1, rendered.notes, rendered.zoom, middle)


def with_zoom(decoded: Decoded, settings: RenderSettings) -> Decoded:
    """A picture of grey levels or colours, whose file does not say its scale, with its zoom.

    Raises
    ------
    ImageError
        By the scale that was given it would be far larger or smaller.
    """
    if isinstance(settings.scale, str) and settings.given_scale is None:
        return decoded
    zoom, notes = zoom_of(None, decoded.height, decoded.width, settings)
    return decoded._replace(zoom=zoom, notes=(*decoded.notes, *notes))


def _unused(pages: list[Page]) -> tuple[str, ...]:
    """What of a TIFF that Pillow decodes is left out."""
    notes = []
    if len(pages) > 1:
        notes.append(f"not used: {len(pages) - 1} further pages")
    first = pages[0]
    if first.samples == 4 and 0 in first.tags["extra"]:
        notes.append("not used: the fourth band")
    return tuple(notes)


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
    require_size(width, height, max_pixels)
    _require_few_scans(data, width * height)
    _large_images.wait_if(width * height)
    factor = scale(height, width)
    # libjpeg-turbo takes the smallest of its scales (eighths) that gives at least this size.
    smallest: dict[str, float] = {}
    if factor > 1:
        smallest = {"min_height": -(-height // factor), "min_width": -(-width // factor)}
    colours = "GRAY" if space == "Gray" else "RGB"
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, colours, strict=True, min_factor=factor, **smallest
        )
    except ValueError as error:
        if not _SPARE_BYTES.search(str(error)):
            raise _broken(str(error)) from error
        # All pixels are there: some cameras write spare bytes before the end.
        pixels = simplejpeg.decode_jpeg(data, colours, strict=False, min_factor=factor, **smallest)
        return Decoded(pixels, height, width, factor, ("spare bytes before the end of the JPEG",))
    return Decoded(pixels, height, width, factor)


def _require_whole_jpeg(data: bytes) -> None:
    """Refuse a JPEG in CMYK that ends early: Pillow leaves the rest grey without a word.

    One of a rare subsampling, which libjpeg-turbo's simple interface does not read, passes.
    """
    try:
        simplejpeg.decode_jpeg(data, "CMYK", strict=True, min_factor=8, min_height=1, min_width=1)
    except ValueError as error:
        if _ENDS_EARLY.search(str(error)):
            raise _broken(str(error)) from error


#: libjpeg's messages about data that end early, or are corrupt.
_ENDS_EARLY = re.compile("premature|corrupt", re.IGNORECASE)


def _require_few_scans(data: bytes, pixels: int) -> None:
    """Refuse a JPEG whose scans take far longer than its size says."""
    scans = data.count(b"\xff\xda")
    most = min(_MOST_SCANS, max(_USUAL_SCANS, _SCANNED_PIXELS // max(1, pixels)))
    if scans > most:
        raise ImageError(
            "the JPEG has more scans than an image needs",
            wanted=f"at most {most}",
            got=f"{scans:,}",
            hint="save it again as an ordinary JPEG",
        )


#: libjpeg's message about bytes between the last pixel and the end marker.
_SPARE_BYTES = re.compile(r"\d+ extraneous bytes before marker 0xd9")


def _decode_pillow(data: bytes, max_pixels: int) -> Decoded:
    kind = pillow_kind(data)
    try:
        with kind(io.BytesIO(data)) as image:
            require_size(*image.size, max_pixels)
            _large_images.wait_if(image.width * image.height)
            if kind.format == "JPEG":
                _require_few_scans(data, image.width * image.height)
                _require_whole_jpeg(data)
            if kind.format == "PNG" and _MOST_DEFLATED * len(data) < _png_bytes(image, data):
                raise _broken("the pixels end early")  # before memory is taken for all of them
            _load(image)
            pixels, notes = _to_pixels(image, data)
            _require_all_rows(image, pixels, data)
            return Decoded(pixels, image.height, image.width, 1, notes)
    except ImageError:
        raise
    except Exception as error:
        # Pillow's decoders raise many errors on malformed files: OSError, SyntaxError, ValueError,
        # struct.error, zlib.error, TypeError, KeyError.
        raise _broken(str(error) or type(error).__name__) from error


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
        (data.startswith(_JPEG), JpegImageFile),
        (data.startswith(_TIFF), TiffImageFile),
        (data[:4] == b"RIFF" and data[8:12] == b"WEBP", WebPImageFile),
        # Text may begin with these two letters: the size of the header follows.
        (data[:2] == b"BM" and data[14:18] in _BMP_HEADERS, BmpImageFile),
        (data.startswith(_JPEG_2000), Jpeg2KImageFile),
    ]
    for found, kind in kinds:
        if found:
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
    raise ImageError("not an image that can be read", wanted=READABLE, got=_describe(data))


#: The lengths of the headers of BMP files.
_BMP_HEADERS = tuple(length.to_bytes(4, "little") for length in (12, 40, 52, 56, 64, 108, 124))

#: First bytes of JPEG 2000: a file, and a bare stream.
_JPEG_2000 = (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")


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
        raise _broken("the pixels end early")


#: The type of colour of a PNG with a palette.
_PALETTE = 3

#: Bytes that one byte of a PNG can become, at most.
_MOST_DEFLATED = 1032


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
    place = 8
    while place + 8 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] == name:
            yield data[place + 8 : place + 8 + length]
        place += length + 12


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
            pixels = _on_black(pixels)
    elif image.has_transparency_data:
        pixels = _on_black(np.asarray(image.convert("RGBA")))
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


def _on_black(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels without their last channel, the opacity, by which they are multiplied.

    Raises
    ------
    ImageError
        The opacity varies like a band of a survey.
    """
    opacity = pixels[..., -1]
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
    return ((wide[..., :-1] * wide[..., -1:] + 127) // 255).astype(np.uint8)


def require_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture of too many pixels.

    Raises
    ------
    ImageError
    """
    if width * height > max_pixels:
        raise ImageError(
            "the image is too large",
            wanted=f"at most {max_pixels:,} pixels",
            got=f"{width:,} x {height:,} = {width * height:,} pixels",
            hint="cut the galaxies out of it first",
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
