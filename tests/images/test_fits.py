"""FITS: each layout that surveys write gives the picture that went in."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from galaxyclass.errors import ImageError, MissingExtraError
from galaxyclass.images.decode import decode_scaled
from galaxyclass.images.decoded import MAX_PIXELS, full_size
from galaxyclass.images.fast_cutout import read_cutout, read_cutouts
from galaxyclass.images.fits import pixel_scale_of, read_fits
from galaxyclass.images.render import RenderSettings
from galaxyclass.images.stretch import Stretch, stretch_pixels
from galaxyclass.recipes.preprocessing import Preprocessing

fits = pytest.importorskip("astropy.io.fits")

#: g, r, z (3, 40, 50) in nanomaggies, with something in a corner, so that mirrors are seen.
FLUX = np.random.default_rng(0).normal(0, 0.01, (3, 40, 50)).astype(np.float32)
FLUX[:, 5:15, 30:45] += np.array([0.1, 0.2, 0.3], np.float32)[:, None, None]


def file_of(*hdus: Any) -> bytes:
    file = io.BytesIO()
    first, *others = hdus
    primary = first if isinstance(first, fits.PrimaryHDU) else fits.PrimaryHDU()
    rest = others if primary is first else hdus
    fits.HDUList([primary, *rest]).writeto(file)
    return file.getvalue()


def plain(data: NDArray[Any] = FLUX, **header: Any) -> bytes:
    return file_of(fits.PrimaryHDU(data, fits.Header(header)))


def read(data: bytes, **options: Any) -> Any:
    return read_fits(data, max_pixels=MAX_PIXELS, **options)


def levels(data: bytes, **settings: Any) -> NDArray[np.uint8]:
    return decode_scaled(data, RenderSettings(**settings), full_size).pixels


def notes(data: bytes, **settings: Any) -> str:
    return "; ".join(decode_scaled(data, RenderSettings(**settings), full_size).notes)


def test_a_header_that_contradicts_itself_is_refused() -> None:
    both: dict[str, Any] = {"BAND0": "DECam g", "BAND1": "r", "BAND2": "z"}
    assert "bands g, r, z" in notes(plain(BANDS="grz", **both))
    with pytest.raises(ImageError, match=r"two ways that contradict(?s:.*)BANDS z, r, g; BAND0"):
        read(plain(BANDS="zrg", **both))


#: The picture of FLUX: bands last, the first row of FITS at the bottom.
PICTURE = np.moveaxis(FLUX, 0, -1)[::-1]
WANTED = stretch_pixels(PICTURE, Stretch("galaxy-zoo-decals"), ("g", "r", "z"))


@pytest.mark.parametrize(
    "data",
    [
        plain(BANDS="grz"),
        plain(BANDS="g,r,z"),
        plain(BAND0="g", BAND1="r", BAND2="z"),
        plain(np.moveaxis(FLUX, 0, -1), BANDS="g r z"),  # (y, x, bands)
        plain(FLUX[np.newaxis], BANDS="grz"),  # an axis of length 1 in front
        plain(FLUX.astype(">f8"), BANDS="grz"),
        file_of(fits.ImageHDU(FLUX, fits.Header({"BANDS": "grz"}), name="SCI")),
        gzip.compress(plain(BANDS="grz")),
        bz2.compress(plain(BANDS="grz")),
        lzma.compress(plain(BANDS="grz")),
    ],
    ids=["BANDS", "commas", "BAND0", "last", "in-front", "doubles", "HDU", "gzip", "bzip2", "xz"],
)
def test_three_bands_become_the_colours_of_their_survey(data: bytes) -> None:
    np.testing.assert_array_equal(levels(data), WANTED)
    assert "bands g, r, z, stretch galaxy-zoo-decals" in notes(data)


def test_tiles_compressed_by_rice() -> None:
    counts = (np.arange(4000).reshape(50, 80) % 977).astype(np.int16)
    hdu = fits.CompImageHDU(counts, name="SCI", compression_type="RICE_1")
    image = read(file_of(hdu))
    np.testing.assert_array_equal(image.pixels[::-1, :, 0], counts)
    assert image.source == "HDU 1 (SCI)"


def test_bscale_and_blank() -> None:
    hdu = fits.PrimaryHDU(np.array([[-5, 10], [20, 30]], np.int16))
    hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = 2.0, 100.0, -5
    file = io.BytesIO()
    hdu.writeto(file, output_verify="ignore")
    data = file.getvalue()
    image = read(data).pixels[::-1, :, 0]
    stored = fits.open(io.BytesIO(data))[0].data
    np.testing.assert_array_equal(image, stored)


def test_a_picture_without_data_is_refused() -> None:
    empty = np.full((3, 64, 64), np.nan, np.float32)
    with pytest.raises(ImageError, match="no pixel of the picture has data"):
        notes(plain(empty))
    empty[0, 30, 30] = 1
    assert notes(plain(empty))


def test_unsigned_counts() -> None:
    counts = np.array([[0, 40_000], [50_000, 65_535]], np.uint16)
    np.testing.assert_array_equal(read(plain(counts)).pixels[::-1, :, 0], counts)


def test_the_first_picture_is_taken_and_the_others_are_told() -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1, 2])])
    data = file_of(
        table, fits.ImageHDU(FLUX[0], name="SCI"), fits.ImageHDU(FLUX[1], name="ERR"),
    )  # fmt: skip
    assert read(data).source == "HDU 2 (SCI)"
    assert "left out of its file: pictures in HDU 3 (ERR)" in notes(data)
    for name in ("ERR", "err", 3, "3"):
        np.testing.assert_array_equal(read(data, hdu=name).pixels[::-1, :, 0], FLUX[1])
    with pytest.raises(ImageError, match="no HDU DQ"):
        read(data, hdu="DQ")
    with pytest.raises(ImageError, match="HDU 1 holds no picture"):
        read(data, hdu=1)


def test_an_hdu_for_each_band() -> None:
    data = file_of(
        *(fits.ImageHDU(band, name=name) for name, band in zip("grz", FLUX, strict=True))
    )
    np.testing.assert_array_equal(levels(data, bands=("g", "r", "z")), WANTED)
    by_filter = file_of(
        *(
            fits.ImageHDU(band, fits.Header({"FILTER": name}))
            for name, band in zip("zrg", FLUX[::-1], strict=True)
        )
    )
    np.testing.assert_array_equal(levels(by_filter, bands=("g", "r", "z")), WANTED)


def test_bands_of_two_sizes_are_refused() -> None:
    data = file_of(fits.ImageHDU(FLUX[0], name="G"), fits.ImageHDU(FLUX[1, :20], name="R"))
    with pytest.raises(ImageError, match="not of one size") as caught:
        read(data, bands=("g", "r"))
    assert caught.value.got == "g: 40 x 50; r: 20 x 50"


def test_one_band_is_grey() -> None:
    data = plain(FLUX[1], FILTER="r")
    picture = levels(data)
    assert picture.shape == (40, 50, 3)
    assert np.array_equal(picture[..., 0], picture[..., 2])
    assert "band r, grey, stretch asinh" in notes(data)
    assert picture[30, 37, 0] > 150  # what is in rows 5 to 14 of FITS is 25 to 34 from the top
    assert picture[10, 10, 0] < 100


def test_three_bands_without_names_and_other_units() -> None:
    assert "stretch lupton (the bands have no names" in notes(plain())
    adu = plain(FLUX * 1000 + 300, BANDS="grz")
    assert "stretch lupton (the pixels are not fluxes in nanomaggies)" in notes(adu)
    jansky = plain(BANDS="grz", BUNIT="Jy")
    assert "not fluxes in nanomaggies" in notes(jansky)
    assert "stretch galaxy-zoo-decals" in notes(plain(BANDS="grz", BUNIT="nanomaggy"))
    assert "stretch sdss" in notes(plain(BANDS="gri", BUNIT="nanomaggies"))


def test_four_bands_by_name() -> None:
    cube = np.concatenate([FLUX[:1] * 9, FLUX])
    named = plain(cube, BANDS="ugrz")
    np.testing.assert_array_equal(levels(named), WANTED)
    with pytest.raises(ImageError, match="4 bands, and it is not clear which"):
        levels(plain(cube))
    np.testing.assert_array_equal(
        levels(plain(cube), bands=("2", "3", "4"), stretch="galaxy-zoo-decals"),
        levels(plain(BANDS="123"), bands=("1", "2", "3"), stretch="galaxy-zoo-decals"),
    )
    channels = levels(named, colour="bands", bands=("z", "u", "g", "r"), stretch="asinh")
    assert channels.shape == (40, 50, 4)
    with pytest.raises(ImageError, match="no band y"):
        levels(named, bands=("y",))


def test_red_is_the_longest_wavelength() -> None:
    flux = np.stack([np.full((8, 8), level, np.float32) for level in (1, 2, 3)])
    limits = ((0.0, 10.0), (0.0, 10.0), (0.0, 5.0))
    for settings in ({"limits": (0.0, 10.0)}, {"limits": limits}):
        shown = levels(plain(flux, BANDS="grz"), stretch="linear", **settings)[0, 0].tolist()
        assert shown[1:] == [51, 26]
        assert shown[0] == (76 if len(settings["limits"]) == 2 else 153)
    channels = levels(plain(flux), colour="bands", bands=("1", "3"), stretch="linear",
                      limits=(0.0, 10.0))  # fmt: skip
    assert channels[0, 0].tolist() == [26, 76]


@pytest.mark.parametrize("stretch", ["none", "linear", "lupton"])
def test_named_bands_are_shown_by_their_wavelength(stretch: Any) -> None:
    """However the file orders them, and whether they are stretched or grey levels already."""
    cube = np.stack([np.full((8, 8), level, np.uint8) for level in (10, 20, 40)])  # g, r, z
    ordered, reverse = (
        levels(plain(planes, BANDS=names, BUNIT="adu"), stretch=stretch, limits=(0.0, 255.0))
        for planes, names in ((cube, "DECam g, DECam r, DECam z"), (cube[::-1], "['z', 'r', 'g']"))
    )
    np.testing.assert_array_equal(ordered, reverse)
    assert ordered[0, 0, 0] > ordered[0, 0, 1] > ordered[0, 0, 2]  # z is red
    by_number = levels(plain(cube), stretch=stretch, limits=(0.0, 255.0), bands=("1", "2", "3"))
    np.testing.assert_array_equal(by_number, ordered)


def test_a_wavelength_that_is_not_known_is_said() -> None:
    told = notes(plain(BANDS="g,narrow,z", BUNIT="adu"))
    assert "the wavelengths of the bands are not known: the first is taken as blue" in told


def test_a_wcs_without_a_scale_is_said() -> None:
    data = plain(BANDS="grz", CTYPE1="RA---TAN", CTYPE2="DEC--TAN")
    words = "the WCS of its header gives no scale"
    assert words in notes(data, picture_size=60)
    # It is stated, not wanted, or said by another note.
    assert words not in notes(data, picture_size=60, given_scale=0.3)
    assert words not in notes(data)
    assert words not in notes(data, pixel_scale=0.3)


def test_settings_that_a_stretch_does_not_take_are_said() -> None:
    told = notes(plain(BANDS="grz"), limits=(0.0, 1.0), softening=0.1)
    assert "the stretch galaxy-zoo-decals has no limits and no softening: not applied" in told
    assert "not applied" not in notes(plain(BANDS="grz"), stretch="lupton", softening=0.1)


def test_magnitudes_are_refused() -> None:
    with pytest.raises(ImageError, match="the pixels are magnitudes") as caught:
        levels(plain(BANDS="grz", BUNIT="mag/arcsec2"))
    assert "10 ** (-0.4 * pixels)" in str(caught.value)


def test_bands_and_pixels_without_data_are_said(tmp_path: Path) -> None:
    assert "nothing" not in notes(plain(BANDS="grz"))
    dark, cut, core = FLUX.copy(), FLUX.copy(), FLUX.copy()
    dark[1] = 0
    cut[:, :10] = np.nan
    core[:, 19:21, 24:26] = np.nan
    assert "nothing in band r: all pixels are the same" in notes(plain(dark, BANDS="grz"))
    assert "more than 10% of its pixels have no data" in notes(plain(cut, BANDS="grz"))
    assert "pixels in its middle have no data" in notes(plain(core, BANDS="grz"))
    path = tmp_path / "zero.fits"
    path.write_bytes(plain(0 * FLUX, BANDS="grz"))
    counted: Counter[str] = Counter()
    read_cutouts(path, [Preprocessing(size=16)], counted)
    assert counted["nothing to see: all pixels of the cutout are the same"] == 1


def test_missing_pixels() -> None:
    flux = FLUX.copy()
    flux[:, :5] = np.nan
    assert np.isfinite(levels(plain(flux, BANDS="grz"))).all()
    assert levels(plain(flux[1]))[-3:].max() == 0  # without data: black


WCS: dict[str, Any] = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_1": -0.262 / 3600, "CD1_2": 0.0,
    "CD2_1": 0.0, "CD2_2": 0.262 / 3600,
}  # fmt: skip


def zoom(data: bytes, **settings: Any) -> float:
    return decode_scaled(data, RenderSettings(**settings), full_size).zoom


@pytest.mark.parametrize("name", ["asinh", "zscale", "percentile", "lupton", "legacy-surveys"])
def test_a_cutout_of_the_middle_is_that_of_the_whole(tmp_path: Path, name: Any) -> None:
    """Limits are those of the whole picture, though only the middle is stretched."""
    path = tmp_path / "a.fits"
    path.write_bytes(plain(BANDS="grz", **WCS))
    settings = {"stretch": name, "pixel_scale": 0.131}
    whole = levels(path.read_bytes(), **settings)
    cutout = read_cutout(path, Preprocessing(frame=40, size=20, **settings))
    np.testing.assert_array_equal(cutout, whole[10:30, 15:35])
    several = [Preprocessing(frame=frame, size=16, **settings) for frame in (40, 32, 200)]
    for made, wanted in zip(read_cutouts(path, several), several, strict=True):
        np.testing.assert_array_equal(made, read_cutout(path, wanted))


def test_the_scale_of_the_model() -> None:
    data = plain(BANDS="grz", **WCS)
    assert zoom(data, pixel_scale=0.131) == pytest.approx(2)
    assert zoom(data, pixel_scale=0.524) == pytest.approx(0.5)
    assert zoom(data, pixel_scale=0.131, scale="keep") == 1
    assert zoom(data, picture_size=60) == 1.5
    assert zoom(plain(BANDS="grz"), picture_size=60) == 1
    assert "no scale (WCS) in the file" in notes(plain(BANDS="grz"), pixel_scale=0.131)
    with pytest.raises(ImageError, match="would be enlarged by 262") as caught:
        levels(data, pixel_scale=0.001)
    assert "scale='keep'" in str(caught.value)


@pytest.mark.parametrize(
    ("header", "scale"),
    [
        (WCS, 0.262),
        # turned by 30 degrees
        ({**WCS, "CD1_1": -6e-5, "CD1_2": 3e-5, "CD2_1": 3e-5, "CD2_2": 6e-5}, 0.24150),
        ({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CDELT1": -1e-4, "CDELT2": 1e-4}, 0.36),
        (
            {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CDELT1": -1e-4, "CDELT2": 1e-4,
             "PC1_1": 0.0, "PC1_2": 1.0, "PC2_1": -1.0, "PC2_2": 0.0},
            0.36,
        ),
        # in arcseconds, in other words and letters, and behind an axis of bands
        ({**WCS, "CUNIT1": "arcsec", "CUNIT2": "arcsec", "CD1_1": -0.262, "CD2_2": 0.262}, 0.262),
        ({**WCS, "CUNIT1": "Degree", "CUNIT2": "deg", "CTYPE1": "ra---tan"}, 0.262),
        (
            {"CTYPE1": "BAND", "CTYPE2": "RA---TAN", "CTYPE3": "DEC--TAN", "CDELT1": 1.0,
             "CDELT2": -1e-4, "CDELT3": 1e-4},
            0.36,
        ),
        ({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}, None),  # a degree, by the standard
        ({**WCS, "CUNIT1": "m"}, None),
        ({"CTYPE1": "", "CTYPE2": "", "CDELT1": 1.0, "CDELT2": 1.0}, None),
        ({**WCS, "CD1_1": 0.0}, None),
        ({**WCS, "CD1_1": "none"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_pixel_scales(header: dict[str, Any], scale: float | None) -> None:
    found = pixel_scale_of(header)
    assert found == (None if scale is None else pytest.approx(scale, rel=1e-4))


def test_what_is_no_picture() -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1, 2])], name="CAT")
    with pytest.raises(ImageError, match="no picture in this FITS file") as caught:
        read(file_of(table))
    assert caught.value.got == "HDU 0 (PRIMARY): empty; HDU 1 (CAT): a table"
    with pytest.raises(ImageError, match="no picture"):
        read(plain(np.zeros(100, np.float32)))  # a spectrum
    with pytest.raises(ImageError, match="not a picture in a few bands"):
        read(plain(np.zeros((70, 80, 90), np.int16)))
    with pytest.raises(ImageError, match="too large"):
        read_fits(plain(), max_pixels=100)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("compressed", [False, True])
def test_truncated_files(share: float, compressed: bool) -> None:
    noise = np.random.default_rng(3).integers(0, 999, (64, 64)).astype(np.int32)
    data = file_of(fits.CompImageHDU(noise)) if compressed else plain(noise)
    with pytest.raises(ImageError, match=r"truncated or corrupt|no picture"):
        levels(data[: int(share * len(data))])
    with pytest.raises(ImageError, match="truncated or corrupt"):
        levels(gzip.compress(data)[: int(share * len(data)) // 4])


def test_a_small_file_with_a_large_content() -> None:
    bomb = gzip.compress(b"SIMPLE  =" + bytes(10_000_000))
    with pytest.raises(ImageError, match="too large for an image of one galaxy"):
        decode_scaled(bomb, RenderSettings(), full_size, max_pixels=10_000)


def test_old_headers_warn_of_nothing() -> None:
    data = plain(FLUX[0])
    odd = b"ESO-LOG 00:00:00> DATE         = '1992-10-26'".ljust(80)
    assert data.count(b"END".ljust(80)) == 1
    changed = data.replace(b"END".ljust(160), odd + b"END".ljust(80))
    assert levels(changed).shape == (40, 50, 3)


def test_without_astropy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError("no astropy", name="astropy")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(MissingExtraError) as caught:
        read(plain())
    assert caught.value.hint == 'pip install "galaxyclass[astro]"'


@pytest.mark.galaxies
def test_real_files(galaxies: Path) -> None:
    folder = galaxies / "fits"
    data = (folder / "decals_example_a.fits").read_bytes()
    assert levels(data).shape == (509, 509, 3)
    assert zoom(data, picture_size=424) == pytest.approx(424 / 509)
    for name in ("galaxy_no_wcs.fits", "sources_no_wcs.fits", "wide_field.fits", "sdss_g.fits.bz2"):
        picture = levels((folder / name).read_bytes(), scale="keep")
        assert 0 < picture.mean() < 200, name


def masked_file(name: str, mask: NDArray[Any], **header: Any) -> bytes:
    """One band with a mask in another HDU."""
    hdu = fits.ImageHDU(mask, name=name)
    hdu.header.update(header)
    return file_of(fits.PrimaryHDU(), fits.ImageHDU(FLUX[0], name="SCI"), hdu)


CORNER = np.zeros((40, 50), np.int16)
CORNER[:4, :6] = 1


@pytest.mark.parametrize(
    ("name", "mask", "header"),
    [
        ("MASK", CORNER, {}),
        ("BPM", CORNER.astype(np.float32), {}),
        ("IVAR", (1 - CORNER).astype(np.float32) * 25, {}),
        ("DQ", CORNER + 4, {}),  # JWST: 1 is "do not use", 4 a cosmic ray that was mended
        # The Rubin Observatory: 32 marks a source.
        ("MASK", CORNER * 8 + 32, {"HIERARCH MP_NO_DATA": 3, "HIERARCH MP_DETECTED": 5}),
    ],
)
def test_masked_pixels_have_no_data(name: str, mask: NDArray[Any], header: dict[str, Any]) -> None:
    image = read_fits(masked_file(name, mask, **header), max_pixels=MAX_PIXELS)
    missing = np.isnan(image.pixels[..., 0])
    np.testing.assert_array_equal(missing, CORNER[::-1] == 1)
    assert image.source.endswith(f"masked by {name}")
    assert not image.unused


def test_a_mask_for_each_band() -> None:
    mask = np.stack([CORNER, 0 * CORNER, CORNER])
    data = file_of(fits.PrimaryHDU(FLUX), fits.ImageHDU(mask, name="DQ"))
    missing = np.isnan(read(data).pixels)
    np.testing.assert_array_equal(missing, np.moveaxis(mask, 0, -1)[::-1] == 1)


def test_a_mask_that_is_not_understood_is_said() -> None:
    """Flags of many kinds mark sources too; a mask of nearly everything is turned around."""
    for mask in (CORNER * 6, 1 - CORNER):
        image = read_fits(masked_file("MASK", mask), max_pixels=MAX_PIXELS)
        assert not np.isnan(image.pixels).any()
        assert "not masked by MASK, whose flags are not understood" in image.source


def test_a_mask_of_another_size_is_a_picture_that_is_not_used() -> None:
    image = read_fits(masked_file("MASK", CORNER[:20]), max_pixels=MAX_PIXELS)
    assert image.unused == "pictures in HDU 2 (MASK)"


def test_a_mask_belongs_to_the_picture_of_its_version() -> None:
    hdus = [fits.PrimaryHDU()]
    for version in (1, 2):
        hdus.append(fits.ImageHDU(FLUX[version], name="SCI", ver=version))
        hdus.append(fits.ImageHDU(CORNER * (version - 1), name="DQ", ver=version))
    data = file_of(*hdus)
    assert not np.isnan(read_fits(data, hdu=1, max_pixels=MAX_PIXELS).pixels).any()
    assert np.isnan(read_fits(data, hdu=3, max_pixels=MAX_PIXELS).pixels).sum() == 24


@pytest.mark.parametrize(
    ("value", "header"),
    [
        (1e30, {}),
        (-3.4e38, {}),
        (-99.0, {"DATAMIN": -0.1, "DATAMAX": 1.0}),
        (-32768.0, {"BLANK": -32768}),
    ],
)
def test_a_fill_value_is_no_data(value: float, header: dict[str, Any]) -> None:
    filled, missing = FLUX.copy(), FLUX.copy()
    filled[:, 30:, :20], missing[:, 30:, :20] = value, np.nan
    # astropy does not write the BLANK of floats, as others do.
    cards = {key.replace("BLANK", "BLANKS"): number for key, number in header.items()}
    data = plain(filled, BANDS="grz", **cards).replace(b"BLANKS  =", b"BLANK   =")
    assert np.array_equal(levels(data), levels(plain(missing, BANDS="grz")))
    assert f"no data where its pixels are {value:.6g}" in notes(data)


def test_a_header_that_would_leave_little_of_a_picture_is_not_believed() -> None:
    data = plain(FLUX, BANDS="grz", DATAMIN=1000.0, DATAMAX=1001.0)
    assert np.array_equal(levels(data), levels(plain(BANDS="grz")))
    assert "no data" not in notes(data)


def test_a_picture_has_the_wcs_of_the_primary_header() -> None:
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CDELT1": -1e-4, "CDELT2": 1e-4}
    image = read(file_of(fits.PrimaryHDU(header=fits.Header(cards)), fits.ImageHDU(FLUX)))
    assert image.pixel_scale == pytest.approx(0.36)
    assert image.source == "HDU 1, WCS of HDU 0"
