"""A file for each band: found by a pattern, read as one picture, under one name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.errors import ArgumentError, CatalogError, ImageError
from galaxyclass.images.band_files import common_pattern, expand, files_of
from galaxyclass.images.decode import decode_bands
from galaxyclass.images.inspect import identity_of, inspect_image
from galaxyclass.images.read import read_file, read_rendered
from galaxyclass.images.render import RenderSettings

fits = pytest.importorskip("astropy.io.fits")

FLUX = np.random.default_rng(0).normal(0.02, 0.01, (2, 3, 32, 32)).astype(np.float32)


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sky")
    for galaxy, bands in zip(("1237", "1237_4"), FLUX, strict=True):
        for name, band in zip("grz", bands, strict=True):
            fits.writeto(folder / f"{galaxy}_{name}.fits", band)
        fits.writeto(folder / f"{galaxy}.fits", bands, fits.Header({"BANDS": "grz"}))
    return folder


def shown(path: Path | str) -> NDArray[np.uint8]:
    return read_rendered(path, RenderSettings(bands=("g", "r", "z")))


def test_a_pattern_names_each_galaxy_once(sky: Path) -> None:
    pattern = str(sky / "{id}_{band}.fits")
    assert expand(pattern) == [f"{sky}/1237_4_{{band}}.fits", f"{sky}/1237_{{band}}.fits"]
    assert list(files_of(f"{sky}/1237_{{band}}.fits")) == ["g", "r", "z"]
    assert expand(str(sky / "{id}_g.fits")) == [f"{sky}/1237_4_g.fits", f"{sky}/1237_g.fits"]
    with pytest.raises(CatalogError, match="no file has such a path"):
        expand(str(sky / "{id}-{band}.fits"))


def test_one_picture_of_three_files(sky: Path) -> None:
    np.testing.assert_array_equal(shown(f"{sky}/1237_{{band}}.fits"), shown(sky / "1237.fits"))
    record = inspect_image(f"{sky}/1237_{{band}}.fits")
    assert (record.width, record.height, record.error) == (32, 32, None)
    assert identity_of(record.path) == (record.size, record.mtime_ns)
    assert record.size == sum((sky / f"1237_{band}.fits").stat().st_size for band in "grz")


def test_a_missing_band_and_another_size(sky: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no file of the band i") as caught:
        read_rendered(f"{sky}/1237_{{band}}.fits", RenderSettings(bands=("g", "r", "i")))
    assert caught.value.got == "g, r, z"
    for band, side in (("g", 30), ("r", 31)):
        fits.writeto(tmp_path / f"1_{band}.fits", np.zeros((side, side), np.float32))
    assert "g: 30 x 30; r: 31 x 31" in str(inspect_image(f"{tmp_path}/1_{{band}}.fits").error)
    (tmp_path / "1_r.fits").write_text("not a picture")
    assert "band r: not an image" in str(inspect_image(f"{tmp_path}/1_{{band}}.fits").error)


def test_pictures_of_grey_levels(tmp_path: Path) -> None:
    for place, band in enumerate(("b", "g", "r")):
        (tmp_path / band).mkdir()
        Image.new("L", (9, 9), 50 * place).save(tmp_path / band / "7.png")
    settings = RenderSettings("bands", bands=("r", "b"))
    assert read_rendered(f"{tmp_path}/{{band}}/7.png", settings)[0, 0].tolist() == [100, 0]


def test_common_patterns() -> None:
    assert common_pattern({"g": "g/{id}_g.fits", "r": "g/{id}_r.fits"}) == "g/{id}_{band}.fits"
    assert common_pattern({"g": "g/{id}.fits", "r": "r/{id}.fits"}) == "{band}/{id}.fits"
    with pytest.raises(ArgumentError, match="differ by more than the name"):
        common_pattern({"g": "a/{id}_g.fits", "r": "b/{id}_r.fits"})


def test_predictions_and_their_ids(sky: Path, tmp_path: Path) -> None:
    model = galaxyclass.load_model(views=1, precision="fp32", workers=1)
    reading = {"bands": "g,r,z"}
    pattern = str(sky / "{id}_{band}.fits")
    predictions = model.predict(pattern, reading=reading)
    assert predictions.ids == ["1237_4", "1237"]
    whole = model.predict([sky / "1237_4.fits", sky / "1237.fits"])
    np.testing.assert_array_equal(predictions.values, whole.values)
    out = tmp_path / "p.csv"
    given = ",".join(f"{band}={sky}/{{id}}_{band}.fits" for band in "grz")
    assert main(["predict", "--bands", given, "--output", str(out), "--workers", "1"]) == 0
    rows = out.read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["1237_4", "1237"]


def test_a_table_names_the_galaxies(sky: Path, tmp_path: Path) -> None:
    table = tmp_path / "classes.csv"
    table.write_text("name,class\n1237,a\n1237_4,b\n9,a\n")
    catalog = read_catalog(sky / "{id}_{band}.fits", table)
    assert list(catalog.paths) == [f"{sky}/1237_{{band}}.fits", f"{sky}/1237_4_{{band}}.fits", ""]


@pytest.mark.parametrize(
    ("labels", "doubt"),
    [
        ({"g": "DECam g", "r": "r", "z": ""}, None),
        ({"g": "DECam r", "r": "r", "z": "z"}, "the file of band g says FILTER = DECam r"),
        ({"g": "HSC", "r": "HSC", "z": "z"}, "the files of bands g and r say FILTER = HSC"),
    ],
)
def test_headers_that_speak_against_the_bands_of_the_names(
    tmp_path: Path, labels: dict[str, str], doubt: str | None
) -> None:
    for band, label in labels.items():
        header = fits.Header({"FILTER": label} if label else {})
        fits.writeto(tmp_path / f"7_{band}.fits", FLUX[0, 0], header)
    pattern = str(tmp_path / "{id}_{band}.fits")
    predictions = galaxyclass.load_model(workers=1).predict(pattern)
    found = [note for note in predictions.notes if "FILTER" in note]
    assert len(found) == (doubt is not None)
    if doubt is not None:
        assert doubt in found[0]


WCS = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 60.0, "CRPIX1": 16.5,
    "CRPIX2": 16.5, "CDELT1": -1e-4, "CDELT2": 1e-4,
}  # fmt: skip


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({}, ""),
        # Another reference pixel of the same grid, to within a tenth of a pixel.
        ({"CRVAL1": 10.0 - 1e-4 / 0.5, "CRPIX1": 17.5}, ""),
        ({"CRVAL1": 10 + 1e-10}, ""),
        ({"CRPIX1": 18.5}, "by their WCS, the bands g and z are more than 1 pixel apart"),
        ({"BUNIT": "mJy"}, "several units: g nanomaggy, z mJy"),
        ({"CRVAL2": 60.1}, "the bands show different places of the sky"),
    ],
)
def test_bands_that_are_not_of_one_grid(
    tmp_path: Path, header: dict[str, object], words: str
) -> None:
    cards = {"g": WCS | {"BUNIT": "nanomaggy"}, "r": WCS, "z": WCS | header}
    for (name, header_cards), band in zip(cards.items(), FLUX[0], strict=True):
        fits.writeto(tmp_path / f"1_{name}.fits", band, fits.Header(header_cards))
    pattern = f"{tmp_path}/1_{{band}}.fits"
    if "CRVAL2" in header:
        with pytest.raises(ImageError, match=f"{words}(?s:.*)1000 pixels apart"):
            shown(pattern)
        return
    image = decode_bands(read_file(pattern)[0], RenderSettings())
    assert image is not None
    assert image.doubt == words
