from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from galaxyclass.errors import ImageError
from galaxyclass.images import decode, jpeg
from galaxyclass.images.cutout_boxes import CutoutBox, centre_box, centre_scale
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.decode import decode_scaled
from galaxyclass.images.decoded import Decoded
from galaxyclass.images.fast_cutout import read_cutout, read_cutouts
from galaxyclass.images.read import read_image
from galaxyclass.images.render import RenderSettings
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.simulation.folders import simulate

#: By how much a cutout may differ from that of the image decoded at full size: of 255 grey levels,
#: in the mean over a cutout and in the worst pixel.
MEAN, WORST = 2.0, 40

SCALED = [
    (Preprocessing(frame=212, size=64), 2),
    (Preprocessing(frame=212, size=106), 2),
    (Preprocessing(frame=192, size=64, colour="grey"), 2),
    (Preprocessing(frame=256, size=64), 4),
    (Preprocessing(size=64), 4),
    (Preprocessing(size=53), 8),
    (Preprocessing(size=32, colour="grey"), 8),
]
UNSCALED = [
    Preprocessing(frame=212, size=128),
    Preprocessing(frame=210, size=64),  # 107 pixels to its left: not on the grid
    Preprocessing(frame=512, size=64),
    Preprocessing(cutout="contour", size=64, colour="grey"),
    Preprocessing(cutout="object", size=64),
]


def save(path: Path, pixels: NDArray[Any], **options: Any) -> Path:
    Image.fromarray(pixels).save(path, "JPEG", **{"quality": 90, **options})
    return path


def noise(height: int, width: int, *channels: Any) -> NDArray[Any]:
    return np.random.default_rng(3).integers(0, 256, (height, width, *channels), np.uint8)


def straight(path: Path, settings: Preprocessing) -> NDArray[Any]:
    """What the cutout was before there were scales."""
    return make_cutout(read_image(path, settings.colour), settings)


@pytest.fixture
def factors(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """By how much each image was shrunk that has been decoded."""
    seen = []
    real = jpeg.decode_jpeg

    def note(*arguments: Any) -> Decoded:
        decoded = real(*arguments)
        seen.append(decoded.factor)
        return decoded

    monkeypatch.setattr(decode, "decode_jpeg", note)
    return seen


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = simulate(24, output=tmp_path_factory.mktemp("sky"), seed=5, workers=1)
    paths = sorted(folder.images.glob("*.jpg"))
    assert len(paths) == 24
    return paths


def differences(paths: list[Path], settings: Preprocessing) -> NDArray[Any]:
    pairs = [(read_cutout(p, settings), straight(p, settings)) for p in paths]
    return np.array([np.abs(one.astype(int) - other) for one, other in pairs])


@pytest.mark.parametrize(("settings", "factor"), SCALED, ids=str)
def test_simulated_galaxies_are_the_same_within_the_tolerance(
    simulated: list[Path], settings: Preprocessing, factor: int, factors: list[Any]
) -> None:
    off = differences(simulated, settings)
    assert set(factors) == {factor, 1}
    assert off.mean(axis=(1, 2, 3)).max() < MEAN
    assert off.max() < WORST


@pytest.mark.galaxies
@pytest.mark.parametrize(("settings", "factor"), SCALED, ids=str)
def test_real_galaxies_are_the_same_within_the_tolerance(
    galaxies: Path, settings: Preprocessing, factor: int, factors: list[Any]
) -> None:
    for name in ("galaxy-zoo-challenge", "galaxy-zoo-2", "rings"):
        paths = sorted((galaxies / name / "images").glob("*.jpg"))[:40]
        off = differences(paths, settings)
        assert off.mean(axis=(1, 2, 3)).max() < MEAN
        assert off.max() < WORST
    assert set(factors) == {factor, 1}


@pytest.mark.galaxies
def test_real_galaxies_of_423_pixels_are_decoded_whole(galaxies: Path, factors: list[Any]) -> None:
    for path in sorted((galaxies / "galaxy-zoo-1" / "images").glob("*.jpeg"))[:10]:
        for settings, _ in SCALED:
            assert np.array_equal(read_cutout(path, settings), straight(path, settings))
    assert set(factors) == {1}


@pytest.mark.parametrize("settings", UNSCALED, ids=str)
def test_where_pixels_are_needed_they_are_all_decoded(
    tmp_path: Path, settings: Preprocessing, factors: list[Any]
) -> None:
    path = save(tmp_path / "a.jpg", noise(424, 424, 3))
    assert np.array_equal(read_cutout(path, settings), straight(path, settings))
    assert set(factors) == {1}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "CMYK"])
def test_what_is_not_a_colour_or_grey_jpeg_is_decoded_whole(tmp_path: Path, kind: str) -> None:
    image = Image.fromarray(noise(424, 424, 3))
    path = tmp_path / "a"
    if kind == "CMYK":
        image.convert("CMYK").save(path, "JPEG")
    else:
        image.save(path, kind)
    for settings, _ in SCALED:
        assert np.array_equal(read_cutout(path, settings), straight(path, settings))


def smooth(height: int, width: int) -> NDArray[Any]:
    """Curved in both directions, so that pixels in the wrong place would show."""
    rows, columns = np.mgrid[0:height, 0:width].astype(float)
    red = 120 + 100 * np.sin(rows / 40)
    green = 120 + 100 * np.cos(columns / 50)
    return np.stack([red, green, (red + green) / 2], axis=-1).astype(np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "frame", "factor"),
    [
        (424, 640, 256, 4),  # the frame begins at column 192 and row 84
        (640, 424, None, 4),  # and here at row 108
        (425, 424, 212, 2),  # its last row of shrunk pixels is half outside
        (424, 600, 200, 2),
    ],
)
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}], ids=str)
def test_the_shrunk_frame_lies_where_the_frame_does(
    tmp_path: Path,
    height: int,
    width: int,
    frame: int | None,
    factor: int,
    options: dict[str, Any],
    factors: list[Any],
) -> None:
    pixels = smooth(height, width)
    path = save(tmp_path / "a.jpg", pixels, quality=98, **options)
    settings = Preprocessing(frame=frame, size=40)
    cutout = read_cutout(path, settings)
    assert factors == [factor]
    # From the pixels before they were a JPEG: half a pixel beside, it would be 5 levels off.
    assert np.abs(cutout.astype(int) - make_cutout(pixels, settings)).max() <= 3


def test_a_grey_jpeg_comes_out_in_three_equal_channels_or_one(
    tmp_path: Path, factors: list[Any]
) -> None:
    path = save(tmp_path / "a.jpg", smooth(424, 424)[..., 0])
    colour = read_cutout(path, Preprocessing(frame=212, size=64))
    grey = read_cutout(path, Preprocessing(frame=212, size=64, colour="grey"))
    assert factors == [2, 2]
    assert colour.shape == (64, 64, 3)
    assert grey.shape == (64, 64, 1)
    assert all(np.array_equal(colour[..., channel], grey[..., 0]) for channel in range(3))


def refused(function: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(ImageError) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_damaged_jpeg_is_refused_as_at_full_size(tmp_path: Path, factor: int) -> None:
    data = save(tmp_path / "whole.jpg", noise(64, 64, 3)).read_bytes()
    start = data.index(b"\xff\xda") + 14
    broken = data[: start + 200] + b"\xff\xd3\x12\x34" + data[start + 204 :]
    for damaged in (data[:-40], data[: start + 100], data[:100], broken):
        whole = refused(decode.decode_image, damaged)
        assert "truncated or corrupt" in whole
        assert refused(decode_scaled, damaged, RenderSettings(), lambda *_: factor) == whole


@given(at=st.integers(3, 3000), value=st.integers(0, 255), cut=st.booleans())
def test_any_damage_is_seen_at_every_scale(at: int, value: int, cut: bool) -> None:
    file = io.BytesIO()
    Image.fromarray(smooth(64, 64)).save(file, "JPEG")
    data = bytearray(file.getvalue())
    at %= len(data)
    if cut:
        del data[max(at, 3) :]
    else:
        data[at] = value

    def outcome(factor: int) -> str | tuple[int, int]:
        try:
            return decode_scaled(bytes(data), RenderSettings(), lambda *_: factor)[1:3]
        except ImageError as error:
            return str(error)

    assert {outcome(2), outcome(4), outcome(8)} == {outcome(1)}


def test_errors_name_the_file(tmp_path: Path) -> None:
    settings = Preprocessing(frame=212, size=64)
    path = save(tmp_path / "a.jpg", smooth(424, 424))
    path.write_bytes(path.read_bytes()[:-500])
    text = tmp_path / "b.jpg"
    text.write_text("not a picture")
    for bad in (path, text, tmp_path / "none.jpg"):
        said = refused(read_cutout, bad, settings)
        assert said.startswith(f"{bad}: ")
        assert said == refused(read_image, bad)


@given(
    height=st.integers(1, 700),
    width=st.integers(1, 700),
    side=st.none() | st.integers(8, 700),
    size=st.integers(8, 300),
)
def test_the_frame_of_the_shrunk_image_is_the_frame_shrunk(
    height: int, width: int, side: int | None, size: int
) -> None:
    factor = centre_scale(height, width, side, size)
    frame = centre_box(height, width, side)
    shrunk = centre_box(
        -(-height // factor), -(-width // factor), None if side is None else side // factor
    )
    grown = CutoutBox(
        *(getattr(shrunk, name) * factor for name in ("left", "top", "width", "height"))
    )
    assert grown == frame
    if factor > 1:
        assert shrunk.width >= size
        assert frame.inside(height, width)


@pytest.mark.parametrize(
    ("height", "width", "side", "size", "factor"),
    [
        (424, 424, 212, 64, 2),  # left 106, which 4 does not divide
        (424, 424, 212, 106, 2),  # exactly
        (424, 424, 212, 80, 1),  # 106 is less than half as large again
        (424, 424, 212, 70, 2),  # and here more
        (424, 424, None, 53, 8),
        (423, 423, None, 64, 1),
        (423, 423, 211, 64, 1),  # left 106, but 211 is odd
        (425, 425, 212, 64, 2),
        (424, 424, 424, 64, 4),
        (424, 424, 426, 64, 1),  # beyond the image
        (128, 128, None, 64, 2),
        (1024, 1024, None, 64, 8),
    ],
)
def test_scales_worked_by_hand(
    height: int, width: int, side: int | None, size: int, factor: int
) -> None:
    assert centre_scale(height, width, side, size) == factor


def test_the_settings_are_left_as_they_were(tmp_path: Path) -> None:
    path = str(save(tmp_path / "a.jpg", smooth(424, 424)))
    settings = Preprocessing(frame=212, size=64)
    assert np.array_equal(read_cutout(path, settings), read_cutout(Path(path), settings))
    assert settings == Preprocessing(frame=212, size=64)


@pytest.mark.parametrize("kind", ["jpeg", "grey jpeg", "png"])
def test_several_cutouts_are_those_that_each_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Decoded once for each scale and colour, of what has no scales once for each colour."""
    path = tmp_path / "galaxy"
    pixels = noise(424, 424) if kind == "grey jpeg" else noise(424, 424, 3)
    Image.fromarray(pixels).save(path, "PNG" if kind == "png" else "JPEG")
    several = [settings for settings, _ in SCALED] + UNSCALED
    decoded = []

    def note(data: bytes, settings: RenderSettings, scale: Callable[..., Any]) -> Decoded:
        decoded.append(settings)
        return decode_scaled(data, settings, scale)

    monkeypatch.setattr("galaxyclass.images.fast_cutout.decode_scaled", note)
    together = read_cutouts(path, several)
    # colour at 1/2, 1/4, 1/8 and whole; grey at 1/2, 1/8 and whole
    assert len(decoded) <= 7
    for cutout, settings in zip(together, several, strict=True):
        assert np.array_equal(cutout, read_cutout(path, settings))


def test_the_error_of_several_cutouts_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ImageError, match=r"cut\.jpg: the image is truncated"):
        read_cutouts(tmp_path / "cut.jpg", [Preprocessing(size=8), Preprocessing(size=16)])
