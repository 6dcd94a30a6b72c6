"""Tiles that cannot be used, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

import galaxyclass
from galaxyclass.errors import ArgumentError, ImageError
from tests.support.tiles import cut, make_wcs, positions, save_bands, save_tile, sky


def open_at_middle(tiles: Any, **options: Any) -> Any:
    return galaxyclass.open_tiles(
        tiles, positions(make_wcs(), [120, 90], [100, 90]), field="9 px", **options
    )


def test_no_wcs(tmp_path: Path) -> None:
    path = save_tile(tmp_path / "a.fits", sky(), WCS(naxis=2))
    with pytest.raises(ImageError, match=r"a\.fits: no position on the sky in its header \(WCS\)"):
        open_at_middle(path)


@pytest.mark.parametrize(
    "cards",
    [
        {"CDELT1": 0.0},
        {"CDELT1": 100.0, "CDELT2": 100.0},
        {"CTYPE1": "RA---XYZ"},
        {"CTYPE1": "DEC--TAN"},
        {"CTYPE1": "RA---TAN", "CTYPE2": "LINEAR"},
        {"PC1_1": 0.0, "PC1_2": 0.0},
        {"CRVAL2": 500.0},
        {"CRPIX1": 1e9},
    ],
)
def test_a_wrong_wcs(tmp_path: Path, cards: dict[str, Any]) -> None:
    path = save_tile(tmp_path / "a.fits", sky(), **cards)
    with pytest.raises(ImageError, match=r"\(WCS\)|not one source of the catalogue"):
        open_at_middle(path)


def test_bands_of_two_sizes(tmp_path: Path) -> None:
    files = save_bands(tmp_path, "a", {"g": sky(), "r": sky((100, 240)), "i": sky()})
    with pytest.raises(ImageError, match="bands of one tile have different sizes") as error:
        open_at_middle(files)
    assert "r 240 x 100 (a_r.fits)" in str(error.value)


def test_bands_that_are_not_named_with_them(tmp_path: Path) -> None:
    save_bands(tmp_path, "a", {"g": sky(), "r": sky(), "i": sky()})
    with pytest.raises(ImageError, match="3 files of one band show the same piece") as error:
        open_at_middle(tmp_path)
    assert f"'i={tmp_path}/a_i.fits'" in (error.value.hint or "")


def test_exposures_of_one_band_are_no_bands(tmp_path: Path) -> None:
    for name in ("first", "second"):
        save_tile(tmp_path / f"{name}.fits", sky(), FILTER="r")
    cutouts = open_at_middle(tmp_path)
    assert any("first.fits, second.fits show the same piece" in note for note in cutouts.notes)
    assert [each.names for each in cutouts.unused] == ["second"]


def test_a_tile_that_is_there_twice_is_counted(tmp_path: Path) -> None:
    shifted = make_wcs()
    shifted.wcs.crpix[0] -= 500
    for name, wcs in (("a", None), ("copy", None), ("far", shifted)):
        save_tile(tmp_path / f"{name}.fits", sky(), wcs)
    cutouts = open_at_middle(tmp_path)
    assert any("a.fits, copy.fits show the same piece of the sky" in n for n in cutouts.notes)
    assert [(each.kind, each.count, each.names) for each in cutouts.unused] == [
        ("tiles", 2, "copy, far")
    ]


def test_bands_of_two_fields(tmp_path: Path) -> None:
    files = save_bands(tmp_path, "a", {"g": sky(), "r": sky()})
    shifted = make_wcs()
    shifted.wcs.crpix[0] += 7
    files += save_bands(tmp_path, "a", {"i": sky()}, shifted)
    with pytest.raises(ImageError, match="lies elsewhere on the sky") as error:
        open_at_middle(files)
    assert "7.0 pixels" in str(error.value)


def test_a_band_that_some_tiles_lack(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_bands(tmp_path, name, {band: sky() for band in "gri"})
    (tmp_path / "two_r.fits").unlink()
    tiles = {band: f"{tmp_path}/{{tile}}_{band}.fits" for band in "gri"}
    cutouts = open_at_middle(tiles)
    assert [tile.name for tile in cutouts.tiles] == ["one"]
    assert [each.why for each in cutouts.unused] == ["no file of band r for this tile"]
    (tmp_path / "one_i.fits").unlink()
    with pytest.raises(ImageError, match="not one tile is complete"):
        open_at_middle(tiles)


def test_a_header_without_picture_and_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    Table({"a": [1, 2]}).write(path)
    with pytest.raises(
        ImageError, match=r"(?s)t\.fits: no picture in this FITS file.*HDU 1: a table"
    ):
        open_at_middle(path)
    with pytest.raises(ImageError, match="HDU 1 holds no picture"):
        open_at_middle(path, hdu=1)
    with pytest.raises(ImageError, match="no HDU SCI"):
        open_at_middle(path, hdu="SCI")


def test_not_fits(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(b"\xff\xd8\xff\xe0 not FITS" * 500)
    with pytest.raises(ImageError, match=r"a\.fits: not a FITS file"):
        open_at_middle(path)
    path.write_bytes(b"")
    with pytest.raises(ImageError, match=r"a\.fits"):
        open_at_middle(path)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_file_that_ends_early(tmp_path: Path, compressed: bool, share: float) -> None:
    path = save_tile(tmp_path / "a.fits.fz", sky(), compressed=compressed)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match=r"a\.fits\.fz: .*ends early"):
        cut(path, positions(make_wcs(), [120], [100]), field="9 px", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("packer", ["gzip", "bz2"])
def test_a_packed_file_that_ends_early(tmp_path: Path, packer: str) -> None:
    import importlib

    path = save_tile(tmp_path / "plain.fits", sky())
    packed = importlib.import_module(packer).compress(path.read_bytes())
    whole, short = tmp_path / "whole.fits.gz", tmp_path / "short.fits.gz"
    whole.write_bytes(packed)
    short.write_bytes(packed[: len(packed) // 2])
    assert open_at_middle(whole)[0].pixels.shape == (424, 424, 1)
    with pytest.raises(ImageError, match=r"short\.fits\.gz: .*ends early"):
        open_at_middle(short)


def test_a_damaged_tile_among_others_is_left_out_and_said(tmp_path: Path) -> None:
    save_tile(tmp_path / "a.fits", sky())
    (tmp_path / "b.fits").write_bytes(b"nothing")
    cutouts = open_at_middle(tmp_path)
    assert [(each.kind, each.count) for each in cutouts.unused] == [("tiles", 1)]


def test_a_tile_without_wcs_among_others_is_left_out_and_said(tmp_path: Path) -> None:
    save_tile(tmp_path / "a.fits", sky(), WCS(naxis=2))
    save_tile(tmp_path / "b.fits", sky())
    cutouts = open_at_middle(tmp_path)
    assert [tile.name for tile in cutouts.tiles] == ["b"]
    assert any(each.kind == "tiles" and "(WCS)" in each.why for each in cutouts.unused)


def test_two_and_four_bands_want_a_choice(tmp_path: Path) -> None:
    cube = np.stack([sky(seed=seed) for seed in range(4)])
    path = save_tile(tmp_path / "a.fits", cube)
    cutouts = open_at_middle(path)
    assert "4 bands, 1, 2, 3, 4: no picture without three in `bands`." in cutouts.notes
    with pytest.raises(ArgumentError, match="4 bands"):
        _ = cutouts[0].pixels
    assert open_at_middle(path, bands=["1", "3", "4"], stretch="asinh").bands == ("1", "3", "4")


def test_a_folder_without_tiles_and_a_missing_one(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no FITS files"):
        open_at_middle(tmp_path)
    with pytest.raises(ImageError, match="no such file or folder"):
        open_at_middle(tmp_path / "b")
    with pytest.raises(ImageError, match="no file fits this pattern"):
        open_at_middle([f"g={tmp_path}/{{tile}}_g.fits"])


def test_files_with_and_without_a_band(tmp_path: Path) -> None:
    path = save_tile(tmp_path / "a.fits", sky())
    with pytest.raises(ArgumentError, match="some files are named with their band"):
        open_at_middle([f"g={path}", str(path)])


def test_further_images_and_labels_that_contradict_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    header = make_wcs().to_header()
    fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.ImageHDU(sky(), header, "SCI"),
            fits.ImageHDU(sky(), header, "ERR"),
        ]
    ).writeto(path)
    assert any("HDU 1 SCI" in note for note in open_at_middle(path).notes)
    files = save_bands(tmp_path, "b", {"g": sky(), "r": sky(), "i": sky()})
    fits.setval(tmp_path / "b_r.fits", "FILTER", value="g")
    assert any(
        "as band r, but its header says FILTER = g" in note for note in open_at_middle(files).notes
    )


def test_swapped_bands_are_said(tmp_path: Path) -> None:
    files = save_bands(tmp_path, "b", {"g": sky(), "r": sky(), "i": sky()})
    for band in "gri":
        fits.setval(tmp_path / f"b_{band}.fits", "FILTER", value=band)
    assert not any("FILTER" in note for note in open_at_middle(files).notes)
    for band, label in (("g", "i"), ("i", "g")):
        fits.setval(tmp_path / f"b_{band}.fits", "FILTER", value=label)
    notes = [note for note in open_at_middle(files).notes if "FILTER" in note]
    assert [note.split("used as ")[1][:39] for note in notes] == [
        "band g, but its header says FILTER = i.",
        "band i, but its header says FILTER = g.",
    ]
    for band in "gri":
        fits.setval(tmp_path / f"b_{band}.fits", "FILTER", value="HSC")
    assert any("all say FILTER = HSC" in note for note in open_at_middle(files).notes)


def test_tiles_of_other_bands_are_counted_in_words(tmp_path: Path) -> None:
    one = save_tile(tmp_path / "a.fits", sky())
    cube = save_tile(tmp_path / "b.fits", np.stack([sky()] * 3))
    with pytest.raises(ImageError) as error:
        open_at_middle([one, cube])
    assert (error.value.wanted, error.value.got) == (
        "1 band without a name",
        "3 bands without names",
    )


def test_a_tile_without_data_has_no_sources(tmp_path: Path) -> None:
    empty = save_tile(tmp_path / "a.fits", np.full((200, 240), np.nan, np.float32))
    with pytest.raises(ImageError, match="no pixel has data"):
        galaxyclass.open_tiles(empty)
    quiet = save_tile(tmp_path / "b.fits", sky())
    with pytest.raises(ImageError, match="not one source"):
        galaxyclass.open_tiles(quiet, threshold=50)
