"""Formats beside FITS: TIFFs in bands, 16-bit pictures, ``.npy``, and what Pillow reads besides."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features

from galaxyclass.errors import ImageError
from galaxyclass.images.decode import decode_image, decode_scaled
from galaxyclass.images.decoded import full_size
from galaxyclass.images.levels import levels_of_16_bits
from galaxyclass.images.render import RenderSettings


def encode(pixels: NDArray[Any], kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def saved(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def tiff(
    pages: list[NDArray[Any]],
    *,
    order: Any = "<",
    compressed: bool = False,
    planar: bool = False,
    predictor: int = 1,
    extra: int | None = None,
) -> bytes:
    """A TIFF of pages (height, width, samples) by the specification, two strips each."""
    data = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    link = 4
    for page in pages:
        height, width, samples = page.shape
        rows = -(-height // 2)
        planes = [page[..., s : s + 1] for s in range(samples)] if planar else [page]
        strips = []
        for plane in planes:
            for top in range(0, height, rows):
                part = plane[top : top + rows]
                if predictor == 2:
                    part = np.diff(part, axis=1, prepend=part[:, :1] * 0)
                content = part.astype(page.dtype.newbyteorder(order)).tobytes()
                if predictor == 3:
                    shape = (part.shape[0], width * part.shape[2])
                    bytes_of = part.astype(page.dtype.newbyteorder(">")).reshape(shape)
                    split = bytes_of.view(np.uint8).reshape(*shape, -1)
                    row = np.moveaxis(split, 2, 1).reshape(shape[0], -1, part.shape[2])
                    content = np.diff(row, axis=1, prepend=row[:, :1] * 0).tobytes()
                strips.append(zlib.compress(content) if compressed else content)
        offsets = []
        for strip in strips:
            offsets.append(len(data))
            data += strip
        kind = {"u": 1, "i": 2, "f": 3}[page.dtype.kind]
        tags: list[tuple[int, str, list[int]]] = [
            (256, "I", [width]), (257, "I", [height]),
            (258, "H", [8 * page.dtype.itemsize] * samples),
            (259, "H", [8 if compressed else 1]), (262, "H", [1]), (273, "I", offsets),
            (277, "H", [samples]), (278, "I", [rows]), (279, "I", [len(s) for s in strips]),
            (284, "H", [2 if planar else 1]), (317, "H", [predictor]),
            (339, "H", [kind] * samples),
        ]  # fmt: skip
        if extra is not None:
            tags.append((338, "H", [extra]))
        entries = b""
        for tag, form, values in sorted(tags):
            packed = struct.pack(f"{order}{len(values)}{form}", *values)
            if len(packed) > 4:
                place = len(data)
                data += packed
                packed = struct.pack(order + "I", place)
            number = {"H": 3, "I": 4}[form]
            entries += struct.pack(order + "HHI", tag, number, len(values)) + packed.ljust(4, b"\0")
        struct.pack_into(order + "I", data, link, len(data))
        data += struct.pack(order + "H", len(tags)) + entries
        link = len(data)
        data += bytes(4)
    return bytes(data)


RAMP = np.linspace(-1, 9, 30 * 20).reshape(30, 20, 1)
ASINH = RenderSettings("grey", stretch="linear", limits=(-1.0, 9.0))


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i4"])
@pytest.mark.parametrize(
    "layout",
    [{}, {"order": ">"}, {"compressed": True}, {"compressed": True, "predictor": 2}],
    ids=str,
)
def test_numbers_of_tiffs(kind: str, layout: dict[str, Any]) -> None:
    values = RAMP.astype(kind)
    if layout.get("predictor") and kind != "i4":
        layout = {**layout, "predictor": 3}
    pixels = decode_scaled(tiff([values], **layout), ASINH, full_size).pixels
    wanted = np.rint((values.astype(float) + 1) * 25.5)
    assert np.abs(pixels - wanted).max() <= 1


@pytest.mark.parametrize("planar", [False, True])
def test_tiffs_of_many_bands(planar: bool) -> None:
    bands = np.random.default_rng(0).integers(0, 256, (30, 20, 5), np.uint8)
    data = tiff([bands], planar=planar)
    names = ("5", "1", "2", "3")
    settings = RenderSettings("bands", bands=names)
    pixels = decode_scaled(data, settings, full_size).pixels
    np.testing.assert_array_equal(pixels, bands[..., [4, 0, 1, 2]])
    with pytest.raises(ImageError, match="5 bands, and it is not clear") as caught:
        decode_image(data)
    assert "name them in `bands`" in str(caught.value)
    with pytest.raises(ImageError, match="no band 6"):
        decode_scaled(data, RenderSettings("bands", bands=("1", "6")), full_size)


def test_pages_as_bands() -> None:
    pages = [np.full((8, 9, 1), value, np.float32) for value in (1, 2, 3, 4)]
    settings = RenderSettings("bands", bands=("4", "2"), stretch="linear", limits=(0.0, 5.0))
    decoded = decode_scaled(tiff(pages), settings, full_size)
    assert decoded.pixels[0, 0].tolist() == [204, 102]


@pytest.mark.parametrize(
    ("kind", "colour"),
    [("TIFF", "rgb"), ("PNG", "rgb"), ("WEBP", "rgb"), ("PNG", "bands"), ("WEBP", "bands")],
)
def test_pages_that_are_not_used_are_told(kind: str, colour: Any) -> None:
    grey = [Image.new("L", (5, 4), value) for value in (10, 20)]
    file = io.BytesIO()
    grey[0].save(file, kind, save_all=True, append_images=grey[1:])
    decoded = decode_scaled(file.getvalue(), RenderSettings(colour), full_size)
    part = "page" if kind == "TIFF" else "frame"
    assert decoded.notes[:1] == (f"left out of its file: 1 further {part}",)


def test_a_band_that_is_marked_as_opacity() -> None:
    rng = np.random.default_rng(1)
    four = rng.integers(1, 255, (40, 40, 4), np.uint8)
    with pytest.raises(ImageError, match="marked as opacity, but varies like a picture") as caught:
        decode_image(encode(four, "TIFF"))
    assert "name the bands" in str(caught.value)
    named = RenderSettings("bands", bands=("1", "2", "3", "4"))
    np.testing.assert_array_equal(
        decode_scaled(encode(four, "TIFF"), named, full_size).pixels, four
    )
    four[..., 3] = np.where(four[..., 0] > 100, 255, 0)
    assert decode_image(encode(four, "PNG")).shape == (40, 40, 3)


@pytest.mark.parametrize(("bits", "kept"), [(16, 16), (12, 12), (10, 10), (8, 8)])
def test_pictures_that_do_not_fill_16_bits(tmp_path: Path, bits: int, kept: int) -> None:
    eight = np.random.default_rng(2).integers(0, 256, (20, 20, 3), np.uint8)
    eight[0, 0] = 255
    deep = eight.astype(np.uint16) << (bits - 8)
    path = tmp_path / "deep.png"
    cv2.imwrite(str(path), deep[..., ::-1])
    decoded = decode_scaled(path.read_bytes(), RenderSettings(), full_size)
    np.testing.assert_array_equal(decoded.pixels, eight)
    assert decoded.notes == (
        (f"16-bit numbers that fill {kept} bits: read as these",) if kept < 16 else ()
    )


def test_a_black_picture_of_16_bits() -> None:
    levels, notes = levels_of_16_bits(np.zeros((2, 2), np.uint16))
    assert (levels.max(), notes) == (0, ())


SMOOTH = np.stack(np.broadcast_arrays(
    np.arange(0, 240, 5)[:, None], np.arange(0, 200, 5)[None], np.array([[90]])), -1
).astype(np.uint8)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("BMP", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG2000", {"irreversible": False}),
        ("AVIF", {"quality": 95}),
    ],
)
def test_other_formats(kind: str, options: dict[str, Any]) -> None:
    name = {"JPEG2000": "jpg_2000"}.get(kind, kind.lower())
    if kind != "BMP" and name not in features.get_supported():
        pytest.skip(f"this Pillow has no {kind}")
    pixels = decode_image(encode(SMOOTH, kind, **options))
    assert np.abs(pixels.astype(int) - SMOOTH).max() <= (6 if kind == "AVIF" else 0)


def test_text_that_begins_like_a_bitmap() -> None:
    with pytest.raises(ImageError, match="not an image that can be read") as caught:
        decode_image(b"BMV,class\n1,spiral\n2,elliptical\n")
    assert caught.value.got == "text that begins 'BMV,class'"


@pytest.mark.parametrize("first", [True, False])
def test_arrays_in_files(first: bool) -> None:
    levels = np.random.default_rng(3).integers(0, 256, (12, 10, 3), np.uint8)
    array = np.moveaxis(levels, -1, 0) if first else levels
    np.testing.assert_array_equal(decode_image(saved(array)), levels)
    np.testing.assert_array_equal(decode_image(saved(array / 255)), levels)
    flux = levels.astype(">f4") - 20
    picture = decode_scaled(saved(flux), RenderSettings(stretch="asinh"), full_size)
    assert picture.pixels.shape == (12, 10, 3)
    with pytest.raises(ImageError, match="npy file is truncated or corrupt"):
        decode_image(saved(flux)[:-5])
    with pytest.raises(ImageError, match="holds objects"):
        decode_image(saved(np.array([{}])))
    with pytest.raises(ImageError, match="not the shape of a picture"):
        decode_image(saved(np.zeros(5)))


def png_of(rows: bytes, height: int, interlaced: int = 0, depth: int = 8, kind: int = 2) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 100, height, depth, kind, 0, 0, interlaced)
    content = zlib.compress(rows)
    half = len(content) // 2
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content[:half])
        + chunk(b"IDAT", content[half:]) + chunk(b"IEND", b"")
    )  # fmt: skip


@pytest.mark.parametrize("rows", [0, 1, 50, 99])
def test_a_png_whose_rows_end_early(rows: int) -> None:
    data = png_of((b"\0" + b"\x80" * 300) * rows, 100)
    with pytest.raises(ImageError, match="truncated or corrupt"):
        decode_image(data)


def test_a_png_with_a_black_last_row_is_whole() -> None:
    for depth, kind, bits in ((8, 2, 24), (8, 0, 8), (1, 0, 1), (16, 2, 48)):
        row = b"\0" + bytes(-(-100 * bits // 8))
        assert decode_image(png_of(row * 30, 30, depth=depth, kind=kind)).max() == 0
    # seven passes of an interlaced picture
    image = Image.new("RGB", (21, 13))
    file = io.BytesIO()
    image.save(file, "PNG")
    assert decode_image(file.getvalue()).shape == (13, 21, 3)


def test_a_jpeg_of_many_scans_is_refused_at_once() -> None:
    file = io.BytesIO()
    Image.new("L", (64, 64), 9).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data.rfind(b"\xff\xda")
    with pytest.raises(ImageError, match="more scans than an image needs"):
        decode_image(data[:-2] + data[last:-2] * 200 + b"\xff\xd9")
    assert decode_image(data).shape == (64, 64, 3)


def test_spare_bytes_before_the_end_of_a_jpeg() -> None:
    data = encode(SMOOTH, "JPEG", quality=95)
    spare = data[:-2] + bytes(18) + data[-2:]
    decoded = decode_scaled(spare, RenderSettings(), full_size)
    np.testing.assert_array_equal(decoded.pixels, decode_image(data))
    assert decoded.notes == ("spare bytes before the end of the JPEG",)
