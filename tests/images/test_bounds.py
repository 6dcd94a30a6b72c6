"""Small files that ask for much, and files that lack pixels, are refused."""

from __future__ import annotations

import io
import struct
import threading
from contextlib import suppress

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image

from galaxyclass.errors import ImageError
from galaxyclass.images.decode import decode_image
from galaxyclass.images.large import large_images
from tests.hostile.pictures import corpus, without_rows

_SHORT = dict(without_rows())


@pytest.mark.parametrize("name", list(_SHORT))
def test_a_picture_without_all_its_rows_is_refused(name: str) -> None:
    with pytest.raises(ImageError, match="truncated or corrupt"):
        decode_image(_SHORT[name])


@pytest.mark.parametrize("name", list(corpus()))
def test_whole_pictures_are_read(name: str) -> None:
    assert decode_image(corpus()[name]).shape == (48, 40, 3)


@pytest.mark.parametrize("name", ["progressive.jpg", "cmyk.jpg"])
def test_a_jpeg_of_needlessly_many_scans_is_refused(name: str) -> None:
    data = corpus()[name]
    last = data.rfind(b"\xff\xda")
    with pytest.raises(ImageError, match="more scans than an image needs"):
        decode_image(data[:-2] + data[last:-2] * 101 + data[-2:])


def _tiled_fits() -> bytes:
    pixels = np.ones((2100, 2100), np.float32)
    hdu = fits.CompImageHDU(pixels, compression_type="GZIP_2", tile_shape=pixels.shape)
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    return file.getvalue()


def _saved(kind: str, pixels: NDArray[np.generic], **options: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        _saved("PNG", np.ones((2100, 2100), np.uint8)),
        _saved("TIFF", np.ones((2100, 2100), np.float32), compression="tiff_adobe_deflate"),
        _tiled_fits(),
    ],
    ids=["png", "tiff", "fits"],
)
def test_large_pictures_in_small_files_are_decoded_one_at_a_time(data: bytes) -> None:
    assert len(data) < 100_000
    decoding = threading.Thread(target=decode_image, args=(data,))
    with large_images.turns():
        large_images.wait_if(10**8)
        decoding.start()
        decoding.join(0.3)
        assert decoding.is_alive()
    decoding.join(20)
    assert not decoding.is_alive()


def _without_bits() -> bytes:
    """A TIFF whose field of bits (258) has no values."""
    data = bytearray(_saved("TIFF", np.ones((4, 4), np.uint16)))
    place = data.index(struct.pack("<HHI", 258, 3, 1))
    data[place + 4 : place + 8] = bytes(4)
    return bytes(data)


def test_a_tiff_without_what_each_has() -> None:
    with pytest.raises(ImageError, match="truncated or corrupt"):
        decode_image(b"II*\0\0\0\0\0")  # a page
    with suppress(ImageError):  # Pillow may do without
        decode_image(_without_bits())
