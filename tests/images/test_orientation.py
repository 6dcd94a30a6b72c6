"""Orientations that files state, opacity, and numbers that could be grey levels or brightness."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from galaxyclass.errors import ArgumentError, ArgumentTypeError, ImageError
from galaxyclass.images.arrays import decode_array
from galaxyclass.images.decode import decode_image, decode_scaled
from galaxyclass.images.decoded import full_size
from galaxyclass.images.orientation import ORIENTATION, turned
from galaxyclass.images.render import RenderSettings
from galaxyclass.model.image_source import open_images

PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3


def encode(pixels: NDArray[Any], kind: str, orientation: int = 1, **options: Any) -> bytes:
    file, exif = io.BytesIO(), Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(pixels).save(file, kind, exif=exif, **options)
    return file.getvalue()


def notes_of(data: bytes) -> tuple[str, ...]:
    return decode_scaled(data, RenderSettings(), full_size).notes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_orientation_that_is_not_followed_is_told(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    plain, held = (encode(PIXELS, kind, number, **options) for number in (1, 6))
    assert (decode_image(held) == decode_image(plain)).all()
    assert notes_of(plain) == ()
    assert "by the EXIF orientation they would be turned by 90 degrees" in notes_of(held)[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiffs_are_turned_as_their_tag_says(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = Image.fromarray(PIXELS)
    image.info["exif"] = exif.tobytes()
    truth = np.asarray(ImageOps.exif_transpose(image))
    assert (turned(PIXELS, orientation) == truth).all()
    data = encode(PIXELS, "TIFF", orientation)
    assert (decode_image(data) == truth).all()
    in_bands = decode_scaled(data, RenderSettings("bands", stretch="none"), full_size)
    assert (in_bands.pixels == truth).all()


def test_opacity_is_told_and_nothing_to_see_is_refused() -> None:
    def with_opacity(opacity: int) -> bytes:
        return encode(np.dstack([PIXELS, np.full((4, 6), opacity, np.uint8)]), "PNG")

    assert notes_of(with_opacity(255)) == ()
    assert notes_of(with_opacity(0x80)) == ("transparent pixels are laid on black",)
    with pytest.raises(ImageError, match="all pixels are transparent"):
        decode_image(with_opacity(0))


@pytest.mark.parametrize("kind", ["i2", "i4", "u4", "i8", "f4"])
def test_colours_in_wide_numbers_are_not_taken_for_brightness(kind: str) -> None:
    file = io.BytesIO()
    np.save(file, PIXELS.astype(kind))
    with pytest.raises(ImageError, match="could be grey levels or brightness") as refused:
        decode_image(file.getvalue())
    assert "astype('uint8')" in (refused.value.hint or "")
    with pytest.raises(ArgumentError, match="could be grey levels or brightness"):
        decode_array(PIXELS.astype(kind), RenderSettings())
    stretched = decode_array(PIXELS.astype(kind), RenderSettings(stretch="lupton"))
    assert stretched.pixels.shape == (4, 6, 3)
    assert decode_array(PIXELS.astype(kind) - 5, RenderSettings()).notes  # brightness, told


def test_objects_are_refused_by_their_kind() -> None:
    file = io.BytesIO()
    np.save(file, PIXELS.astype(object), allow_pickle=True)
    with pytest.raises(ImageError, match="holds objects of Python"):
        decode_image(file.getvalue())
    with pytest.raises(ArgumentTypeError, match="an array of objects, not of numbers"):
        open_images(PIXELS.astype(object), id_column="id")


def test_a_quantity_and_a_column_of_arrow() -> None:
    units = pytest.importorskip("astropy.units")
    flux = PIXELS.astype(np.float64)
    (note,) = decode_array(flux * units.nmgy, RenderSettings()).notes
    assert note.startswith("3 bands, stretch lupton (the bands have no names")
    pyarrow = pytest.importorskip("pyarrow")
    assert open_images(pyarrow.array([__file__]), id_column="id").paths == [__file__]


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_standardised_grey_levels_are_not_taken_for_brightness(kind: str) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (20, 20, 3)) / 255
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    # The range of the first is not that of all levels.
    for pixels, undone_by in (
        (levels[levels.max(axis=(1, 2)) < 1] * 2 - 1, "/ 2"),
        ((levels - mean) / deviation, "0.229"),
    ):
        with pytest.raises(ArgumentError, match="standardised grey levels") as refused:
            decode_array(pixels.astype(kind), RenderSettings())
        assert undone_by in (refused.value.hint or "")
        file = io.BytesIO()
        np.save(file, pixels.astype(kind))
        with pytest.raises(ImageError, match="standardised grey levels"):
            decode_image(file.getvalue())
    sky = np.random.default_rng(0).normal(0, 0.3, (20, 20, 3)).astype(kind)
    assert decode_array(sky, RenderSettings()).notes  # brightness, told


def test_levels_that_resizing_rounded_are_levels_and_faint_fluxes_are_not() -> None:
    levels = np.linspace(0, 1, 48).reshape(4, 4, 3)
    rounded = np.clip(levels, -1e-8, None) - 1e-8 * (levels == 0) + 1e-7 * (levels == 1)
    expected = decode_array(levels, RenderSettings())
    decoded = decode_array(rounded, RenderSettings())
    assert (decoded.pixels == expected.pixels).all()
    assert decoded.notes == expected.notes
    for faint in (levels * 1e-6, levels * 1e-6 - 1e-8):
        decoded = decode_array(faint, RenderSettings())
        assert decoded.pixels.any()
        assert "stretch lupton" in decoded.notes[0]


def test_settings_that_do_nothing_to_an_array_are_told() -> None:
    sky = np.random.default_rng(0).normal(0, 0.3, (20, 20))
    (_, unused) = decode_array(sky, RenderSettings(percentiles=(1, 99))).notes
    assert unused == "the stretch asinh has no percentiles: not applied"
    assert "in memory: hdu is not applied" in decode_array(sky, RenderSettings(hdu=1)).notes
    with pytest.raises(ArgumentError, match="wanted: numbers of 1 to 1"):
        decode_array(sky, RenderSettings(bands=("0",)))


@pytest.mark.parametrize("unknown", [np.nan, np.inf, -np.inf])
def test_pixels_without_data_among_grey_levels_are_black(unknown: float) -> None:
    levels = np.full((4, 4, 3), 0.5)
    levels[1, 1, 1] = unknown
    pixels = decode_array(levels, RenderSettings()).pixels
    assert pixels[1, 1].tolist() == [128, 0, 128]
    assert (pixels[0] == 128).all()
