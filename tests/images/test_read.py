from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from galaxyclass.errors import ImageError
from galaxyclass.images.decode import decode_image
from galaxyclass.images.decoded import MAX_PIXELS
from galaxyclass.images.read import read_image


def encode(pixels: Image.Image | NDArray[Any], kind: str, **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def gradient() -> NDArray[Any]:
    """A smooth picture (90, 120, 3): JPEG keeps it to a few grey values."""
    rows, columns = np.mgrid[0:90, 0:120]
    return np.stack([rows * 2, columns * 2, rows + columns], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_lossless_formats_come_back_exactly(
    gradient: NDArray[Any], kind: str, compression: str | None
) -> None:
    options = {"compression": compression} if kind == "TIFF" and compression else {}
    assert np.array_equal(decode_image(encode(gradient, kind, **options)), gradient)


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_comes_back_nearly(gradient: NDArray[Any], progressive: bool) -> None:
    decoded = decode_image(encode(gradient, "JPEG", quality=95, progressive=progressive))
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - gradient).mean() < 2


def test_grey_has_the_weights_of_bt_601() -> None:
    red_green_blue = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    grey = decode_image(encode(red_green_blue, "PNG"), "grey")
    assert grey.shape == (1, 3, 1)
    assert grey[0, :, 0].tolist() == [76, 150, 29]  # 0.299, 0.587, 0.114 of 255, rounded


def test_grey_jpeg_gives_three_equal_channels(gradient: NDArray[Any]) -> None:
    data = encode(Image.fromarray(gradient[..., 0]), "JPEG", quality=95)
    rgb, grey = decode_image(data), decode_image(data, "grey")
    assert rgb.shape == (90, 120, 3)
    assert grey.shape == (90, 120, 1)
    assert all(np.array_equal(rgb[..., channel], grey[..., 0]) for channel in range(3))


def test_cmyk_jpeg_keeps_its_colours() -> None:
    orange = Image.new("RGB", (32, 32), (255, 128, 0)).convert("CMYK")
    decoded = decode_image(encode(orange, "JPEG", quality=95))
    assert np.abs(decoded[16, 16].astype(int) - [255, 128, 0]).max() < 8


def test_the_content_decides_not_the_name(tmp_path: Path, gradient: NDArray[Any]) -> None:
    path = tmp_path / "named.png"
    path.write_bytes(encode(gradient, "JPEG", quality=95))
    assert read_image(path).shape == (90, 120, 3)


def test_16_bits_keep_the_upper_8() -> None:
    values = np.array([[0, 255, 256, 65535]], np.uint16)
    for kind in ("PNG", "TIFF"):
        assert decode_image(encode(values, kind), "grey")[0, :, 0].tolist() == [0, 0, 1, 255]


def test_16_bit_colour_keeps_the_upper_8(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    cv2.imwrite(str(path), np.array([[[0x1234, 0x8000, 0xFFFF]]], np.uint16))  # blue, green, red
    assert read_image(path)[0, 0].tolist() == [0xFF, 0x80, 0x12]


def test_transparent_pixels_lie_on_black() -> None:
    pixels = np.array([[[200, 100, 50, 0], [200, 100, 50, 255], [200, 100, 50, 128]]], np.uint8)
    decoded = decode_image(encode(pixels, "PNG"))
    # 128/255 of 200, 100, 50, rounded
    assert decoded[0].tolist() == [[0, 0, 0], [200, 100, 50], [100, 50, 25]]


def test_palettes_become_colours() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 255, 128, 0])
    assert decode_image(encode(image, "PNG"))[2, 2].tolist() == [255, 128, 0]


def test_a_palette_with_a_transparent_entry() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([9, 9, 9, 255, 128, 0])
    image.putpixel((1, 0), 1)
    decoded = decode_image(encode(image, "PNG", transparency=0))
    assert decoded[0].tolist() == [[0, 0, 0], [255, 128, 0]]


def test_one_bit_images_are_black_and_white() -> None:
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    assert decode_image(encode(image, "PNG"), "grey")[0, :, 0].tolist() == [0, 255]


def test_the_first_page_of_a_tiff_is_taken() -> None:
    pages = [Image.new("L", (5, 4), value) for value in (10, 20, 30)]
    data = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert np.unique(decode_image(data, "grey")).tolist() == [10]


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has a few bytes of data: cheap, whatever it claims."""

    def chunk(name: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg_of_size(gradient: NDArray[Any], width: int, height: int) -> bytes:
    """A JPEG whose header is changed to claim another size."""
    data = bytearray(encode(gradient, "JPEG"))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def test_too_many_pixels_are_refused_by_the_header(gradient: NDArray[Any]) -> None:
    for data in (png_header(20_000, 20_000), jpeg_of_size(gradient, 20_000, 20_000)):
        with pytest.raises(ImageError, match="too large") as caught:
            decode_image(data)
        assert caught.value.got == "20,000 x 20,000 = 400,000,000 pixels"
        assert caught.value.wanted == f"at most {MAX_PIXELS:,} pixels"
        assert caught.value.hint == "cut the galaxies out of it first"


def test_a_tiff_below_the_limit_brings_no_warning_of_bombs() -> None:
    data = encode(Image.new("1", (10_000, 9_500)), "TIFF", compression="group4")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        decode_image(data, "grey", max_pixels=100_000_000)
    assert [str(warning.message) for warning in seen] == []


def test_the_limit_is_the_callers(gradient: NDArray[Any]) -> None:
    with pytest.raises(ImageError, match="at most 100 pixels"):
        decode_image(encode(gradient, "PNG"), max_pixels=100)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mosaic.tif"
    with path.open("wb") as file:
        file.truncate(10**12)  # a hole: it takes no room
    with pytest.raises(ImageError, match="too large for an image of one galaxy") as caught:
        read_image(path)
    assert caught.value.got == "1,000,000,000,000 bytes"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_truncated_images_are_errors(gradient: NDArray[Any], kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    data = encode(noise, kind, **options)
    with pytest.raises(ImageError, match="truncated or corrupt"):
        decode_image(data[: int(share * len(data))])


def test_a_jpeg_without_its_last_two_bytes_is_an_error(gradient: NDArray[Any]) -> None:
    with pytest.raises(ImageError, match="truncated or corrupt"):
        decode_image(encode(gradient, "JPEG")[:-2])


def test_a_truncated_cmyk_jpeg_is_an_error(gradient: NDArray[Any]) -> None:
    data = encode(Image.fromarray(gradient).convert("CMYK"), "JPEG")
    with pytest.raises(ImageError, match="truncated or corrupt"):
        decode_image(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"GalaxyID,Class1.1\n100008,0.38\n", "text that begins 'GalaxyID,Class1.1'"),
        (b"<!DOCTYPE html><html><body>404", "an HTML page that begins"),
        (b"GIF89a\x01\x00", "a GIF image"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "bytes that begin 00 01 02 03 04 05 06 07"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, got: str) -> None:
    with pytest.raises(ImageError, match="a FITS, JPEG, PNG, TIFF") as caught:
        decode_image(data)
    assert caught.value.got is not None
    assert caught.value.got.startswith(got)


def test_messages_begin_with_the_file(tmp_path: Path) -> None:
    text, empty = tmp_path / "text.jpg", tmp_path / "empty.jpg"
    text.write_text("not a picture")
    empty.touch()
    cases = {
        text: "not an image that can be read",
        empty: "the file is empty",
        tmp_path / "none.jpg": "no such file",
        tmp_path: "not a file",
    }
    for path, message in cases.items():
        with pytest.raises(ImageError) as caught:
            read_image(path)
        assert str(caught.value).startswith(f"{path}: {message}")


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "TIFF"]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.floats(0, 1),
)
def test_a_damaged_file_is_decoded_or_refused_and_nothing_else(
    kind: str, changes: list[tuple[float, int]], cut: float
) -> None:
    rows, columns = np.mgrid[0:24, 0:20]
    data = bytearray(encode(np.stack([rows, columns, rows], -1).astype(np.uint8), kind))
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    with warnings.catch_warnings():
        # Pillow warns of metadata that it cannot read; the pixels are decoded all the same.
        warnings.simplefilter("ignore")
        try:
            decoded = decode_image(bytes(data[: max(1, int(cut * len(data)))]), max_pixels=10**6)
        except ImageError:
            return
    assert decoded.dtype == np.uint8
    assert decoded.shape[2] == 3


@pytest.mark.galaxies
def test_real_galaxies_agree_with_pillow(galaxies: Path) -> None:
    paths = sorted((galaxies / "galaxy-zoo-challenge" / "images").glob("*.jpg"))[:20]
    paths += sorted((galaxies / "galaxy-zoo-1" / "images").glob("*.jpeg"))[:20]
    for path in paths:
        with Image.open(path) as image:
            assert np.array_equal(read_image(path), np.asarray(image.convert("RGB")))


def test_a_file_that_comes_in_parts_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gradient: NDArray[Any]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(gradient, "PNG"))
    real = os.read
    monkeypatch.setattr(os, "read", lambda file, count: real(file, min(count, 100)))
    assert np.array_equal(read_image(path), gradient)


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"not a file\n  got:    a folder$") as caught:
        read_image(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: ")
