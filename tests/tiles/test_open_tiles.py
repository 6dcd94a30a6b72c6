"""Sources in tiles: which tile, which pixels, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS, Sip

import galaxyclass
from galaxyclass.errors import ArgumentError, CatalogError, ImageError
from galaxyclass.tiles.field import parse_field
from galaxyclass.tiles.positions import find_sources_of
from tests.support.tiles import (
    SCALE,
    add_source,
    cut,
    make_wcs,
    positions,
    save_bands,
    save_tile,
    sky,
)


@pytest.fixture
def tile(tmp_path: Path) -> Path:
    return save_tile(tmp_path / "a.fits", sky())


def test_positions_become_the_pixels_that_astropy_says(tmp_path: Path) -> None:
    wcs = make_wcs((200, 240))
    wcs.wcs.pc = [[0.8, -0.6], [0.6, 0.8]]  # turned
    path = save_tile(tmp_path / "a.fits", sky(), wcs)
    x, y = np.array([20.0, 100.25, 200.75]), np.array([30.0, 90.5, 150.0])
    cutouts = galaxyclass.open_tiles(path, positions(wcs, x, y), field="20 pixels")
    coordinates = SkyCoord(*wcs.all_pix2world(x, y, 0), unit="deg")
    expected = coordinates.to_pixel(WCS(wcs.to_header()))
    np.testing.assert_allclose([cutouts.placement.x, cutouts.placement.y], expected, atol=1e-6)


def test_a_source_of_two_tiles_is_cut_where_more_of_its_field_lies(tmp_path: Path) -> None:
    wcs, shifted = make_wcs(), make_wcs()
    shifted.wcs.crpix[0] -= 120  # the second tile begins 120 pixels further
    save_tile(tmp_path / "tiles/a.fits", sky(), wcs)
    save_tile(tmp_path / "tiles/b.fits", sky(), shifted)
    # In a alone; near a's edge, further inside of b; in both; in b alone; in neither.
    catalogue = positions(wcs, [50, 230, 170, 300, 500], [100] * 5)
    cutouts = galaxyclass.open_tiles(tmp_path / "tiles", catalogue, field="40 pixels")
    assert [f"{name} {cutouts.tiles[tile].name}" for name, tile in
            zip(cutouts.ids, cutouts.placement.tile, strict=True)] == [
        "s0 a", "s2 a", "s1 b", "s3 b"]  # fmt: skip
    assert cutouts.placement.at_edge.tolist() == [False] * 4
    assert [(each.kind, each.count, each.why) for each in cutouts.unused] == [
        ("rows", 1, "outside of all tiles")
    ]


def test_some_columns_of_the_catalogue_come_along(tile: Path) -> None:
    catalogue = {**positions(make_wcs(), [60], [88]), "z": [0.1], "mag": [17.0]}
    cutouts = galaxyclass.open_tiles(tile, catalogue, field="20 px", carry=["z"])
    assert cutouts.table.column_names == ["ra", "dec", "z", "tile", "x", "y"]
    assert [(each.kind, each.names) for each in cutouts.unused] == [("columns", "mag")]
    radii = galaxyclass.open_tiles(tile, catalogue, field="2 mag", carry=["z"])
    assert not radii.unused  # the column of radii is used
    with pytest.raises(ArgumentError, match="no column 'zz'"):
        galaxyclass.open_tiles(tile, catalogue, field="20 px", carry=["zz"])


@pytest.mark.parametrize(
    ("field", "side"), [("8 arcsec", 8 / SCALE), ("0.1 arcmin", 6 / SCALE), ("30 px", 30)]
)
def test_the_field_is_stated_in_angles_or_pixels(tile: Path, field: str, side: float) -> None:
    cutouts = galaxyclass.open_tiles(tile, positions(make_wcs(), [99], [88]), field=field)
    assert cutouts.placement.side == pytest.approx([side], rel=1e-4)


def test_the_field_is_a_multiple_of_a_column_and_sources_without_one_are_counted(
    tile: Path,
) -> None:
    catalogue = {**positions(make_wcs(), [60, 80, 99], [88] * 3), "r90": [2.0, -9999, 4.0]}
    cutouts = galaxyclass.open_tiles(tile, catalogue, field="8.48 r90")
    assert cutouts.placement.side == pytest.approx([2 * 8.48 / SCALE, 4 * 8.48 / SCALE], rel=1e-4)
    assert list(cutouts.ids) == ["s0", "s2"]
    assert [(each.count, each.why) for each in cutouts.unused] == [(1, "without a radius")]
    assert "Radii: the column r90, in arcsec (it states no unit)." in cutouts.notes


def test_a_word_among_radii_leaves_out_its_row_and_is_named(tile: Path) -> None:
    catalogue = {**positions(make_wcs(), [60, 80, 99], [88] * 3), "r90": ["2.0", "--", "4.0"]}
    cutouts = galaxyclass.open_tiles(tile, catalogue, field="8.48 r90")
    assert list(cutouts.ids) == ["s0", "s2"]
    assert any("1 row has a word there ('--' in row 1)" in note for note in cutouts.notes)
    words = {**catalogue, "r90": ["small", "4.0", "large"]}
    with pytest.raises(CatalogError, match="'r90' holds no radii") as error:
        galaxyclass.open_tiles(tile, words, field="8.48 r90")
    assert error.value.got == "'small'"


def test_a_folder_is_no_catalogue(tile: Path) -> None:
    with pytest.raises(CatalogError, match="a folder was given as the table") as error:
        galaxyclass.open_tiles(tile, tile.parent, field="9 px")
    assert error.value.argument == "catalogue"


@pytest.mark.parametrize("chips", [1, 2])
def test_the_wcs_of_the_primary_header_is_that_of_the_one_picture(
    tmp_path: Path, chips: int
) -> None:
    pictures = [fits.ImageHDU(sky((200, 240 + chip))) for chip in range(chips)]
    path = tmp_path / "tile.fits"
    fits.HDUList([fits.PrimaryHDU(header=make_wcs().to_header()), *pictures]).writeto(path)
    sources = positions(make_wcs(), [60], [88])
    if chips == 1:
        placement = galaxyclass.open_tiles(path, sources, field="9 px").placement
        assert (placement.x[0], placement.y[0]) == pytest.approx((60, 88), abs=1e-6)
    else:
        with pytest.raises(ImageError, match="no position on the sky"):
            galaxyclass.open_tiles(path, sources, field="9 px")


def test_a_field_that_is_not_stated_names_the_columns_that_may_be_radii(tile: Path) -> None:
    catalogue = {**positions(make_wcs(), [60], [88]), "petroR90_r": [2.0]}
    with pytest.raises(ArgumentError) as error:
        galaxyclass.open_tiles(tile, catalogue)
    assert 'field="8.48 petroR90_r"' in str(error.value)


@pytest.mark.parametrize("field", ["30", "0 arcsec", "-3 px", "3 parsec", "wide"])
def test_a_field_that_is_none_is_refused(tile: Path, field: str) -> None:
    with pytest.raises(ArgumentError, match="`field`"):
        galaxyclass.open_tiles(tile, positions(make_wcs(), [60], [88]), field=field)


@pytest.mark.parametrize(
    "names", [("RA", "DEC"), ("RAJ2000", "DEJ2000"), ("ALPHA_J2000", "DELTA_J2000"), ("s_ra", "t")]
)
def test_positions_are_found_by_name_or_as_named(tile: Path, names: tuple[str, str]) -> None:
    given = positions(make_wcs(), [60], [88])
    table = pa.table({"name": given["id"], names[0]: given["ra"], names[1]: given["dec"]})
    named: dict[str, Any] = {}
    if names == ("s_ra", "t"):
        named = {"ra_column": "s_ra", "dec_column": "t"}
    cutouts = galaxyclass.open_tiles(tile, table, field="9 px", **named)
    assert cutouts.placement.x == pytest.approx([60])


def test_positions_are_found_by_ucd() -> None:
    fields = [
        pa.field("ra", pa.float64(), metadata={"ucd": "pos.eq.ra"}),
        pa.field("one", pa.float64(), metadata={"ucd": "pos.eq.ra;meta.main"}),
        pa.field("two", pa.float64(), metadata={"ucd": "pos.eq.dec;meta.main"}),
    ]
    table = pa.table([[1.0], [2.0], [3.0]], schema=pa.schema(fields))
    sources = find_sources_of(table, parse_field("9 px"))
    assert (sources.ra.tolist(), sources.dec.tolist()) == ([2.0], [3.0])
    assert sources.ids == ["0"]


def test_hours_and_units_are_understood(tile: Path) -> None:
    given = positions(make_wcs(), [60], [88])
    coordinate = SkyCoord(given["ra"], given["dec"], unit="deg")
    text = {
        "id": given["id"],
        "ra": coordinate.ra.to_string("hour", sep=":", precision=6),
        "dec": coordinate.dec.to_string(sep=":", precision=6),
    }
    radians = Table({"id": given["id"], "ra": coordinate.ra.rad, "dec": coordinate.dec.rad})
    radians["ra"].unit = radians["dec"].unit = "rad"
    for table in (text, radians):
        cutouts = galaxyclass.open_tiles(tile, table, field="9 px")
        assert cutouts.placement.x == pytest.approx([60], abs=1e-3)


def test_an_id_keeps_all_its_digits_and_its_type(tile: Path, tmp_path: Path) -> None:
    given = positions(make_wcs(), [60, 70], [88, 90])
    path = tmp_path / "catalogue.csv"
    rows = [f"{ra},{dec}" for ra, dec in zip(given["ra"], given["dec"], strict=True)]
    path.write_text(f"objID,ra,dec\n587722981736579107,{rows[0]}\n587722981736579108,{rows[1]}\n")
    cutouts = galaxyclass.open_tiles(tile, path, field="9 px")
    assert cutouts.to_astropy()["objID"].tolist() == [587722981736579107, 587722981736579108]
    path.write_text(f"objID,ra,dec\n007,{rows[0]}\n008,{rows[1]}\n")
    assert galaxyclass.open_tiles(tile, path, field="9 px").to_astropy()["objID"][0] == "007"


@pytest.mark.parametrize("ids", [["a", None], [1.0, 2.0]])
def test_a_column_that_cannot_hold_ids_is_said(tile: Path, ids: list[object]) -> None:
    given = positions(make_wcs(), [60, 70], [88, 90])
    cutouts = galaxyclass.open_tiles(tile, {**given, "id": ids}, field="9 px")
    assert list(cutouts.ids) == ["0", "1"]
    assert any("The column id cannot hold the ids" in note for note in cutouts.notes)


def test_a_tile_of_magnitudes_is_refused(tmp_path: Path) -> None:
    path = save_tile(tmp_path / "m.fits", sky())
    with fits.open(path, mode="update") as file:
        file[0].header["BUNIT"] = "mag"
    cutouts = galaxyclass.open_tiles(path, positions(make_wcs(), [60], [88]), field="9 px")
    with pytest.raises(ImageError, match="the pixels are magnitudes"):
        _ = cutouts[0].pixels


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_sky_is_never_mirrored(tmp_path: Path, mirrored: bool, swapped: bool) -> None:
    """East lies anticlockwise of north, as on the sky: spirals keep their sense."""
    wcs = make_wcs(mirrored=mirrored)
    if swapped:  # declination along the first axis
        wcs.wcs.ctype, wcs.wcs.crval = ["DEC--TAN", "RA---TAN"], [2.0, 150.0]
    pixels = sky(noise=1e-3)
    frame = SkyCoord(150.0, 2.0, unit="deg").skyoffset_frame()
    for east, north in ((0, 0), (8, 0), (0, 4)):  # arcsec
        spot = SkyCoord(east, north, unit="arcsec", frame=frame).icrs
        world = (spot.ra.deg, spot.dec.deg)[:: -1 if swapped else 1]
        x, y = wcs.all_world2pix(*world, 0)
        add_source(pixels, float(x), float(y), sigma=1.5)
    path = save_tile(tmp_path / "a.fits", pixels, wcs)
    cutouts = galaxyclass.open_tiles(
        path, {"id": ["a"], "ra": [150.0], "dec": [2.0]},
        field="24 arcsec", size=60, stretch="linear",
    )  # fmt: skip
    bright = np.argwhere(cutouts[0].pixels[..., 0] > 150) - 29.5  # (down, right)
    distance = np.hypot(*bright.T)
    (north_down, north_right), (east_down, east_right) = (
        bright[abs(distance - length) < 3].mean(axis=0) for length in (10, 20)
    )
    assert north_right * east_down - north_down * east_right < -100
    if not swapped:
        assert (round(north_down), round(north_right)) == (-10, 0)
        assert (round(east_down), round(east_right)) == (0, -20)


def test_bands_are_found_named_and_shown_with_the_reddest_as_red(tmp_path: Path) -> None:
    planes = {band: sky(seed=seed, noise=1e-4) for seed, band in enumerate("irg")}
    add_source(planes["i"], 100, 90, peak=1.0)
    files = save_bands(tmp_path, "field", planes)
    cutouts = galaxyclass.open_tiles(
        files, positions(make_wcs(), [100], [90]), field="30 px", size=30
    )
    assert cutouts.bands == ("g", "r", "i")
    assert cutouts.tiles[0].name == "field"
    assert cutouts.rendering is not None
    assert cutouts.rendering.stretch.name == "sdss"
    red, green, blue = cutouts[0].pixels[15, 15]
    assert red > 200
    assert max(green, blue) < 10


def test_tiles_of_several_bands_belong_together_by_pattern_or_by_name(tmp_path: Path) -> None:
    for name, shift in (("one", 0), ("two", 1)):
        wcs = make_wcs(centre=(150.0 + shift, 2.0))
        save_bands(tmp_path, name, {band: sky() for band in "gri"}, wcs)
    catalogue = {"id": ["a", "b"], "ra": [151.0, 150.0], "dec": [2.0, 2.0]}
    by_pattern = {band: f"{tmp_path}/{{tile}}_{band}.fits" for band in "gri"}
    by_name = [f"{band}={tmp_path}/*_{band}.fits" for band in "gri"]
    for tiles in (by_pattern, by_name):
        cutouts = galaxyclass.open_tiles(tiles, catalogue, field="30 px")
        assert [tile.name for tile in cutouts.tiles] == ["one", "two"]
        assert list(cutouts.ids) == ["b", "a"]


def test_a_cube_and_an_hdu_hold_the_same_bands(tmp_path: Path) -> None:
    cube = np.stack([sky(seed=seed) for seed in range(3)])
    wcs = make_wcs()
    path = save_tile(tmp_path / "cube.fits", cube, wcs, BAND0="g", BAND1="r", BAND2="z")
    one = galaxyclass.open_tiles(path, positions(wcs, [100], [90]), field="30 px")
    assert one.bands == ("g", "r", "z")
    assert galaxyclass.open_tiles(
        f"{path}[0]", positions(wcs, [100], [90]), field="30 px", bands=["z"]
    ).bands == ("z",)


def test_the_reddest_of_planes_that_are_named_in_the_call_is_red(tmp_path: Path) -> None:
    cube = np.stack([sky(seed=seed) for seed in range(3)])
    path = save_tile(tmp_path / "cube.fits", cube)
    named = galaxyclass.open_tiles(
        path, positions(make_wcs(), [100], [90]), field="30 px", bands=["z", "r", "g"]
    )
    assert (named.bands, named.tiles[0].planes) == (("g", "r", "z"), (2, 1, 0))
    assert "z, r, g as red, green, blue" in named.notes[0]


def test_a_galactic_tile_takes_positions_of_the_equator(tmp_path: Path) -> None:
    wcs = make_wcs()
    wcs.wcs.ctype = ["GLON-TAN", "GLAT-TAN"]
    path = save_tile(tmp_path / "a.fits", sky(), wcs)
    where = SkyCoord(*wcs.all_pix2world([70.0], [50.0], 0), unit="deg", frame="galactic").icrs
    catalogue = {"id": ["a"], "ra": where.ra.deg, "dec": where.dec.deg}
    cutouts = galaxyclass.open_tiles(path, catalogue, field="9 px")
    assert cutouts.placement.x == pytest.approx([70], abs=1e-3)
    assert cutouts.placement.y == pytest.approx([50], abs=1e-3)


def test_distortions_of_a_tile_are_heeded(tmp_path: Path) -> None:
    """SIP, as telescopes' pipelines write it."""
    wcs = make_wcs()
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    terms = np.zeros((3, 3))
    terms[2, 0] = 1e-4
    wcs.sip = Sip(terms, terms.T, np.zeros((3, 3)), np.zeros((3, 3)), wcs.wcs.crpix)
    path = tmp_path / "a.fits"
    fits.writeto(path, sky(), wcs.to_header(relax=True))
    ra, dec = wcs.all_pix2world([10.0], [20.0], 0)
    cutouts = galaxyclass.open_tiles(path, {"id": ["a"], "ra": ra, "dec": dec}, field="9 px")
    assert cutouts.placement.x == pytest.approx([10], abs=1e-3)
    cut(
        path, {"id": ["a"], "ra": ra, "dec": dec}, field="9 px",
        output=tmp_path / "out", image_format="fits",
    )  # fmt: skip
    with fits.open(tmp_path / "out/a/a.fits") as hdus:
        where = WCS(hdus[0].header).all_world2pix(ra, dec, 0)
    np.testing.assert_allclose(where, [[4], [4]], atol=0.01)


def test_sources_are_found_where_they_are_with_their_radii(tmp_path: Path) -> None:
    pixels = sky() + 5
    truth = [(60.3, 50.7), (150.0, 120.5), (200.2, 30.0)]
    for x, y in truth:
        add_source(pixels, x, y, sigma=3)
    save_tile(tmp_path / "a.fits", pixels)
    cutouts = galaxyclass.open_tiles(tmp_path / "a.fits", threshold=10)
    table = cutouts.to_astropy()
    assert len(table) == 3
    found = sorted(zip(table["x"] - 1, table["y"] - 1, strict=True))
    np.testing.assert_allclose(found, truth, atol=0.2)
    # A Gaussian holds half of its light within 1.177 sigma, 90 % within 2.146.
    assert table["r50"] == pytest.approx(1.177 * 3 * SCALE, rel=0.05)
    assert table["r90"] == pytest.approx(2.146 * 3 * SCALE, rel=0.1)
    assert str(table["r90"].unit) == "arcsec"
    np.testing.assert_allclose(cutouts.placement.side, 8.48 * table["r90"] / SCALE, rtol=1e-3)
    sources = SkyCoord(table["ra"], table["dec"], unit="deg")
    back = sources.to_pixel(make_wcs())
    np.testing.assert_allclose(back, [table["x"] - 1, table["y"] - 1], atol=1e-3)


def test_a_source_that_two_tiles_show_is_found_once(tmp_path: Path) -> None:
    wcs, shifted = make_wcs(), make_wcs()
    shifted.wcs.crpix[0] -= 120
    first, second = sky(seed=0), sky(seed=1)
    for x in (60, 180):
        add_source(first, x, 100)
    for x in (180, 300):
        add_source(second, x - 120, 100)
    save_tile(tmp_path / "a.fits", first, wcs)
    save_tile(tmp_path / "b.fits", second, shifted)
    assert len(galaxyclass.open_tiles(tmp_path, threshold=10)) == 3


def test_a_tile_without_wcs_gives_its_sources_in_pixels(tmp_path: Path) -> None:
    pixels = sky()
    add_source(pixels, 60, 50)
    path = save_tile(tmp_path / "a.fits", pixels, WCS(naxis=2))
    table = galaxyclass.open_tiles(path, threshold=10).to_astropy()
    assert table["x"][0] == pytest.approx(61, abs=0.2)
    assert table["r90"].unit == "pix"
    with pytest.raises(ArgumentError, match="no WCS"):
        galaxyclass.open_tiles(path, threshold=10, field="3 arcsec")


def test_a_tile_is_read_once_and_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from galaxyclass.tiles.tile import SkyTile

    reads: list[str] = []
    read = SkyTile.read

    def noted(tile: SkyTile) -> Any:
        reads.append(tile.name)
        return read(tile)

    monkeypatch.setattr(SkyTile, "read", noted)
    catalogue: dict[str, list[Any]] = {"id": [], "ra": [], "dec": []}
    for name, shift in (("a", 0.0), ("b", 1.0)):
        wcs = make_wcs(centre=(150.0 + shift, 2.0))
        save_tile(tmp_path / f"{name}.fits", sky(), wcs)
        more = positions(wcs, [50, 60, 70], [80, 90, 100])
        catalogue = {key: [*catalogue[key], *more[key]] for key in catalogue}
    cutouts = galaxyclass.open_tiles(tmp_path, catalogue, field="9 px")
    for _ in range(2):
        for cutout in cutouts:
            assert cutout.pixels.shape == (424, 424, 1)
    assert reads == ["a", "b"] * 2


@pytest.mark.parametrize(
    ("catalogue", "message"),
    [
        ({"id": ["a"], "x": [1.0]}, "no columns of right ascension and declination"),
        ({"id": ["a"], "ra": [10.0], "dec": [5.0]}, "not one source of the catalogue"),
        ({"id": ["a"], "ra": [2.0], "dec": [150.0]}, "not on the sky: 1 position"),
        ({"id": ["a"], "ra": ["here"], "dec": ["there"]}, "holds no positions"),
        ({"id": ["a"], "ra": [None], "dec": [None]}, "holds no positions|not one source"),
    ],
)
def test_catalogues_that_do_not_fit_are_refused(
    tile: Path, catalogue: dict[str, list[object]], message: str
) -> None:
    with pytest.raises((CatalogError, ImageError), match=message):
        galaxyclass.open_tiles(tile, catalogue, field="9 px")


@pytest.mark.parametrize(
    ("centre", "ra", "dec", "remedy"),
    [
        ((60.0, 30.0), 30.0, 60.0, "swapped"),
        ((150.0, 2.0), 10.0, 2.0, "in hours"),
        ((150.0, 2.0), 150 * np.pi / 180, 2 * np.pi / 180, "in radians"),
        ((150.0, 2.0), 77.0, -3.0, "CRVAL"),
    ],
)
def test_the_remedy_of_positions_outside_was_tried(
    tmp_path: Path, centre: tuple[float, float], ra: float, dec: float, remedy: str
) -> None:
    path = save_tile(tmp_path / "a.fits", sky(), make_wcs(centre=centre))
    with pytest.raises(ImageError) as error:
        galaxyclass.open_tiles(path, {"id": ["a"], "ra": [ra], "dec": [dec]}, field="9 px")
    assert remedy in str(error.value.hint)
