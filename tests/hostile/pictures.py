"""Mutated pictures of every format, and pictures cut short."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, partial
from typing import Any

import numpy as np
from PIL import Image

from galaxyclass.images.decode import decode_image, decode_scaled
from galaxyclass.images.decoded import full_size
from galaxyclass.images.render import RenderSettings
from tests.hostile.trials import Tally, mutated


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@cache
def corpus() -> dict[str, bytes]:
    """A small picture of every format, and of the rarer layouts of each."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:48, :40]
    light = 250 * np.exp(-((rows - 24) ** 2 + (columns - 20) ** 2) / 90.0)
    colours = np.clip(light[..., None] + random.normal(6, 4, (48, 40, 3)), 1, 255)
    rgb = Image.fromarray(colours.astype(np.uint8))
    deep = Image.fromarray((light * 200 + 99).astype(np.uint16))
    files = {
        "jpg": _saved(rgb, "JPEG", quality=90),
        "progressive.jpg": _saved(rgb, "JPEG", progressive=True),
        "grey.jpg": _saved(rgb.convert("L"), "JPEG"),
        "cmyk.jpg": _saved(rgb.convert("CMYK"), "JPEG"),
        "png": _saved(rgb, "PNG"),
        "palette.png": _saved(rgb.quantize(16), "PNG"),
        "alpha.png": _saved(rgb.convert("RGBA"), "PNG"),
        "deep.png": _saved(deep, "PNG"),
        "tif": _saved(rgb, "TIFF"),
        "lzw.tif": _saved(rgb, "TIFF", compression="tiff_lzw"),
        "float.tif": _saved(Image.fromarray(light.astype(np.float32)), "TIFF"),
        "deflate.tif": _saved(
            Image.fromarray(light.astype(np.float32)), "TIFF", compression="tiff_adobe_deflate"
        ),
        "webp": _saved(rgb, "WEBP"),
        "lossless.webp": _saved(rgb, "WEBP", lossless=True),
        "bmp": _saved(rgb, "BMP"),
        "jp2": _saved(rgb, "JPEG2000"),
        "npy": _npy(light.astype(np.float32)),
        **_fits(light.astype(np.float32)),
    }
    with suppress(KeyError, OSError):  # an older Pillow has none
        files["avif"] = _saved(rgb, "AVIF")
    files["png.bz2"] = bz2.compress(files["png"])
    if "fits" in files:
        files["fits.gz"] = gzip.compress(files["fits"], mtime=0)
    return files


def _npy(light: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, light)
    return file.getvalue()


def _fits(light: np.ndarray) -> dict[str, bytes]:
    try:
        from astropy.io import fits
    except ImportError:
        return {}
    found = {}
    cube = np.stack([light, light * 2, light * 3])
    for name, hdu in {
        "fits": fits.PrimaryHDU(light),
        "cube.fits": fits.PrimaryHDU(cube),
        "fits.fz": fits.CompImageHDU(light.astype(np.int16)),
    }.items():
        file = io.BytesIO()
        hdu.writeto(file)
        found[name] = file.getvalue()
    return found


def decode_all(data: bytes) -> None:
    """Decode a picture as a model of colours, and as one of bands, would."""
    decode_image(data, max_pixels=1_000_000)
    decode_scaled(data, RenderSettings("bands"), full_size, max_pixels=1_000_000)


def mutated_pictures(trials: int, seed: int = 0) -> Tally:
    """Pictures with faults in them."""
    tally, random = Tally("pictures, mutated"), np.random.default_rng(seed)
    files = corpus()
    names = list(files)
    for trial in range(trials):
        name = names[trial % len(names)]
        other = files[names[int(random.integers(0, len(names)))]]
        data = mutated(files[name], random, other)
        tally.call(f"{name}, trial {trial}", partial(decode_all, data))
    return tally


def cut_pictures(trials: int, seed: int = 0) -> Tally:
    """Pictures that end early: none may be taken for a whole one.

    The last tenth is left alone: of some formats it holds no pixels.
    """
    tally, random = Tally("pictures, cut short"), np.random.default_rng(seed)
    files = corpus()
    names = list(files)
    for trial in range(trials):
        name = names[trial % len(names)]
        data = files[name]
        pixels = len(data) if "fits" not in name else len(data) - 2880  # zeros fill the last block
        length = int(pixels * random.uniform(0, 0.9))
        tally.call(
            f"{name}, {length} of {len(data)} bytes",
            partial(decode_image, data[:length]),
            must_fail=True,
        )
    for name, data in without_rows():
        tally.call(name, partial(decode_image, data), must_fail=True)
    return tally


def without_rows() -> Iterator[tuple[str, bytes]]:
    """Pictures that end well by all their marks, but have too few rows."""
    for name, data in corpus().items():
        if name.endswith("jpg"):
            for share in (0.5, 0.7, 0.85):
                yield f"{name}, ended after {share}", data[: int(share * len(data))] + b"\xff\xd9"
    for name, kind, depth in (("grey", 0, 8), ("rgb", 2, 8), ("palette", 3, 8), ("rgba", 6, 8),
                              ("bits", 0, 1), ("deep", 0, 16), ("deep rgb", 2, 16)):  # fmt: skip
        width = -(-40 * depth * {0: 1, 2: 3, 3: 1, 6: 4}[kind] // 8)
        rows = b"".join(b"\0" + b"\x81" * width for _ in range(20))
        for interlaced in (0, 1):
            header = struct.pack(">IIBBBBB", 40, 48, depth, kind, 0, 0, interlaced)
            yield (
                f"png {name}, half of the rows" + " interlaced" * interlaced,
                b"".join(
                    (
                        b"\x89PNG\r\n\x1a\n",
                        _chunk(b"IHDR", header),
                        _chunk(b"PLTE", bytes(range(60, 252))) if kind == 3 else b"",
                        _chunk(b"IDAT", zlib.compress(rows)),
                        _chunk(b"IEND", b""),
                    )
                ),
            )


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content)) + name + content
        + struct.pack(">I", zlib.crc32(name + content))
    )  # fmt: skip


def costly_pictures() -> Tally:
    """Small files that ask for much: sizes, scans, strips, HDUs, compression."""
    tally = Tally("pictures, costly")
    zeros = bytes(3 * 10_000 + 1)
    for width, height, rows in ((10_000, 10_000, 1), (5000, 5000, 5000), (60_000, 60_000, 1)):
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        content = zlib.compress(zeros[: 3 * min(width, 10_000) + 1] * rows, 9)
        data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", content)
        data += _chunk(b"IEND", b"")
        tally.call(f"png of {width} x {height}", partial(decode_image, data))
    data = corpus()["progressive.jpg"]
    last = data.rfind(b"\xff\xda")
    large = _saved(Image.new("L", (5000, 5000)), "JPEG", progressive=True, quality=10)
    last_of_large = large.rfind(b"\xff\xda")
    for scans in (15, 100, 5000):
        many = data[:-2] + data[last:-2] * scans + b"\xff\xd9"
        tally.call(f"jpg of {scans} more scans", partial(decode_image, many))
        many = large[:-2] + large[last_of_large:-2] * scans + b"\xff\xd9"
        tally.call(f"large jpg of {scans} more scans", partial(decode_image, many))
    for name, squeezed in (
        ("gzip", gzip.compress(bytes(300_000_000), 9)),
        ("bzip2", bz2.compress(bytes(300_000_000), 9)),
    ):
        tally.call(f"zeros in {name}", partial(decode_image, squeezed))
    cards = (
        b"XTENSION= 'IMAGE   '",
        b"BITPIX  =                    8",
        b"NAXIS   =                    0",
        b"PCOUNT  =                    0",
        b"GCOUNT  =                    1",
        b"END",
    )
    block = b"".join(card.ljust(80) for card in cards).ljust(2880)
    first = corpus().get("fits")
    if first is not None:
        many = first + block * 20_000
        tally.call("fits of 20,000 HDUs", lambda: decode_image(many))
    return tally
