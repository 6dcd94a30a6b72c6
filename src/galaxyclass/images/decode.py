"""Decoding of image files, told apart by content: from a file's bytes to uint8 pixels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.band_files import BANDS_TOGETHER, require_bands, split_files
from galaxyclass.images.band_image import BandImage
from galaxyclass.images.band_labels import doubtful_labels
from galaxyclass.images.channels import to_colour
from galaxyclass.images.compressed import COMPRESSED, decompress
from galaxyclass.images.decoded import BYTES_PER_PIXEL, MAX_PIXELS, Decoded, Scale, full_size
from galaxyclass.images.fill_values import without_fills
from galaxyclass.images.fits import FITS, join_bands, read_fits
from galaxyclass.images.header import tiled_sizes
from galaxyclass.images.jpeg import decode_jpeg
from galaxyclass.images.large import ONE_AT_A_TIME, large_images
from galaxyclass.images.npy import NPY, read_npy
from galaxyclass.images.pillow import JPEG, TIFF, decode_pillow
from galaxyclass.images.render import Channels, RenderSettings, render_bands, zoom_of
from galaxyclass.images.tiff import Page, read_pages, read_tiff
from galaxyclass.short import counted


def decode_image(
    data: bytes, colour: Channels = "rgb", *, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Decode the bytes of an image file.

    FITS, ``.npy`` and TIFFs of floats are stretched as `render_bands` does by default. Palettes
    become colours; transparent pixels are laid on black; of 16-bit channels the upper 8 bits are
    kept, or those of the lower 12 or 10 where the image has only these; of a TIFF of several pages
    the first is taken. A file may be compressed as a whole (gzip, bzip2, xz). A TIFF is turned as
    its tag says; the EXIF orientation of other files is not followed, which a remark says: it tells
    how a camera was held, and no telescope sets it. Grey is
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
    >>> from io import BytesIO
    >>> from PIL import Image
    >>> file = BytesIO()
    >>> Image.new("L", (4, 3), 77).save(file, "PNG")
    >>> decode_image(file.getvalue(), "grey")[0, 0]
    array([77], dtype=uint8)
    """
    settings = RenderSettings(colour)
    return decode_scaled(data, settings, full_size, max_pixels=max_pixels).pixels


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
    with large_images.turns():
        return _decode_scaled(data, settings, scale, max_pixels)


def _decode_scaled(data: bytes, settings: RenderSettings, scale: Scale, max_pixels: int) -> Decoded:
    if not data:
        raise ImageError("the file is empty", hint="fetch it again")
    if data.startswith(COMPRESSED):
        data = _decompressed(data, max_pixels)
    large_images.wait_if(len(data) // BYTES_PER_PIXEL)
    image = decode_bands(data, settings, max_pixels)
    if image is not None:
        return render_decoded(image, settings)
    if data.startswith(JPEG):
        decoded = decode_jpeg(data, scale, max_pixels)
    else:
        decoded = decode_pillow(data, max_pixels)
    if data.startswith(TIFF):
        decoded = decoded._replace(notes=(*decoded.notes, *_unused(read_pages(data))))
    if settings.colour == "bands":
        names = ("red", "green", "blue") if decoded.pixels.shape[2] == 3 else ()
        rendered = render_decoded(BandImage(decoded.pixels, names), settings)
        return rendered._replace(notes=(*decoded.notes, *rendered.notes))
    decoded = with_zoom(decoded, settings)
    decoded = decoded._replace(notes=(*decoded.notes, *not_applied(settings)))
    return decoded._replace(pixels=to_colour(decoded.pixels, settings.colour))


def _decompressed(data: bytes, max_pixels: int) -> bytes:
    """The content of a compressed file; that of a large one when it is its turn."""
    if max_pixels <= ONE_AT_A_TIME:
        return decompress(data, BYTES_PER_PIXEL * max_pixels)
    try:
        return decompress(data, BYTES_PER_PIXEL * ONE_AT_A_TIME)
    except ImageError:  # too large for that, or damaged, which is found again
        large_images.wait_if(max_pixels)
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
    with large_images.turns():
        return _decode_bands(data, settings, max_pixels)


def _decode_bands(data: bytes, settings: RenderSettings, max_pixels: int) -> BandImage | None:
    if data.startswith(BANDS_TOGETHER):
        return _band_of_each(split_files(data), settings, max_pixels)
    if data.startswith(FITS):
        sizes = tiled_sizes(data)
        large_images.wait_if(max((width * height for width, height in sizes), default=0))
        return read_fits(data, hdu=settings.hdu, bands=settings.bands, max_pixels=max_pixels)
    if data.startswith(NPY):
        return without_fills(read_npy(data, max_pixels))
    if data.startswith(TIFF):
        pages = read_pages(data)
        large_images.wait_if(math.prod(pages[0].size))
        if not pages[0].is_photograph or settings.bands or settings.colour == "bands":
            return without_fills(read_tiff(data, pages, max_pixels))
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
                pixels = to_colour(decode_pillow(data, max_pixels).pixels, "grey")
                image = BandImage(pixels, is_display=True)
            images[band] = image
        except ImageError as error:
            raise ImageError(
                f"band {band}: {error.what}", wanted=error.wanted, got=error.got, hint=error.hint
            ) from error
    joined = join_bands(images)
    return replace(joined, doubt="; ".join(filter(None, (joined.doubt, _doubt(images)))))


def _doubt(images: dict[str, BandImage]) -> str:
    """What the files' headers say against the names of their bands."""
    bands = list(images)
    labels = [image.bands[0] if len(image.bands) == 1 else "" for image in images.values()]
    doubts = [
        f"the file of band {bands[places[0]]} says FILTER = {label} in its header"
        if len(places) == 1
        else f"the files of bands {' and '.join(bands[place] for place in places)} say FILTER = "
        f"{label} in their headers"
        for places, label in doubtful_labels(bands, labels)
    ]
    return f"{'; '.join(doubts)}: check which file is of which band" if doubts else ""


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


def not_applied(settings: RenderSettings) -> tuple[str, ...]:
    """The remark on a picture of grey levels or colours where settings of bands are stated."""
    stated = {
        "bands": bool(settings.bands),
        "stretch": settings.stretch not in (None, "none"),
        "limits": settings.limits is not None,
        "percentiles": settings.percentiles is not None,
        "softening": settings.softening is not None,
        "hdu": settings.hdu is not None,
    }
    names = [name for name, is_stated in stated.items() if is_stated]
    if not names:
        return ()
    verb = "is" if len(names) == 1 else "are"
    return (f"grey levels or colours already: {', '.join(names)} {verb} not applied",)


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
        notes.append(f"left out of its file: {counted(len(pages) - 1, 'further page')}")
    first = pages[0]
    if first.samples == 4 and 0 in first.tags["extra"]:
        notes.append("left out of its file: the fourth band")
    return tuple(notes)
