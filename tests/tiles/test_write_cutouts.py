"""Cutouts in files: their pixels, their table, and that a stopped job goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

import galaxyclass
from galaxyclass.errors import ImageError, OutputError, StoppedError
from galaxyclass.tiles.files import CutoutNames
from tests.support.tiles import add_source, cut, make_wcs, positions, save_bands, save_tile, sky

COUNT = 40


@pytest.fixture
def survey(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Two tiles, and sources of which one lies in a gap, some at edges and one outside."""
    catalogue: dict[str, list[Any]] = {"id": [], "ra": [], "dec": [], "mag": []}
    rng = np.random.default_rng(3)
    for name, shift in (("a", 0.0), ("b", 1.0)):
        pixels, wcs = sky(), make_wcs(centre=(150.0 + shift, 2.0))
        pixels[50:80, 50:80] = np.nan
        save_tile(tmp_path / f"tiles/{name}.fits", pixels, wcs)
        x, y = rng.uniform(90, 230, COUNT // 2), rng.uniform(10, 190, COUNT // 2)
        x[0], y[0] = 65, 65  # in the gap
        x[1], y[1] = 85, 65  # beside it
        x[2], y[2] = 2, 150  # at the edge
        more = positions(wcs, x, y)
        catalogue["id"] += [f"{name}{row}" for row in range(len(x))]
        catalogue["ra"] += list(more["ra"])
        catalogue["dec"] += list(more["dec"])
        catalogue["mag"] += list(rng.uniform(15, 20, len(x)))
    catalogue["id"].append("far away")
    catalogue["ra"].append(10.0)
    catalogue["dec"].append(10.0)
    catalogue["mag"].append(17.0)
    return tmp_path / "tiles", catalogue


OPTIONS: dict[str, Any] = {"field": "20 px", "size": 32, "image_format": "png"}


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_files_and_a_table_that_astropy_opens(survey: Any, tmp_path: Path) -> None:
    output = tmp_path / "out"
    result = cut(*survey, output=output, **OPTIONS)
    assert (result.cut, result.failed, result.outside) == (COUNT - 2, 2, 1)
    assert result.with_gap == 2
    assert repr(result).startswith(f"<CutoutSummary: {COUNT - 2} cutouts in ")
    assert repr(result).endswith("out, 2 could not be cut>")
    table = Table.read(result.table)
    assert table.colnames == [
        "id", "file", "ra", "dec", "mag", "tile", "x", "y", "missing", "flags"]  # fmt: skip
    rows = {row["id"]: row for row in table}
    assert rows["b1"]["flags"] == "gap"
    assert rows["b1"]["missing"] == pytest.approx(0.25, abs=0.03)
    assert rows["a2"]["flags"] == "edge"
    assert rows["a2"]["missing"] == pytest.approx(0.375, abs=0.03)
    assert (rows["a5"]["tile"], rows["a5"]["file"]) == ("a", "a/a5.png")
    index = survey[1]["id"].index("b7")
    assert rows["b7"]["mag"] == pytest.approx(survey[1]["mag"][index])
    failed = Table.read(output / "cutouts_failed.csv")
    assert failed["id"].tolist() == ["a0", "b0"]
    assert "in a gap of the tile" in failed["error"][0]
    files = set(content(output)) - {"cutouts.csv", "cutouts_failed.csv"}
    assert files == set(table["file"])
    assert cv2.imread(str(output / "a/a5.png"), cv2.IMREAD_UNCHANGED).shape == (32, 32)


def test_a_fits_cutout_has_the_tiles_pixels_and_its_place_on_the_sky(tmp_path: Path) -> None:
    planes = {band: sky(seed=seed) for seed, band in enumerate("gri")}
    tiles = save_bands(tmp_path, "t", planes)
    catalogue = positions(make_wcs(), [60.2, 5], [90.9, 100])
    cut(tiles, catalogue, output=tmp_path / "out", field="21 px", image_format="fits")
    with fits.open(tmp_path / "out/t/s0.fits") as hdus:
        hdus.verify("exception")
        pixels, header = hdus[0].data, hdus[0].header
        expected = np.stack([planes[band][81:102, 50:71] for band in "gri"])
        np.testing.assert_array_equal(pixels, expected)
        assert header["OBJECT"] == "s0"
        assert [header[f"BAND{index}"] for index in range(3)] == ["g", "r", "i"]
        where = WCS(header).celestial.all_world2pix(catalogue["ra"][0], catalogue["dec"][0], 0)
        np.testing.assert_allclose(where, [60.2 - 50, 90.9 - 81], atol=1e-6)
    assert np.isnan(fits.getdata(tmp_path / "out/t/s1.fits")[:, :, 0]).all()
    # The files can be tiles themselves.
    again = galaxyclass.open_tiles(
        tmp_path / "out/t/s0.fits", {k: v[:1] for k, v in catalogue.items()}, field="9 px"
    )
    assert again.bands == ("g", "r", "i")


@pytest.mark.parametrize("stop_at", [0, 16, 32])
def test_a_stopped_job_goes_on_and_ends_the_same(
    survey: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    monkeypatch.setattr("galaxyclass.tiles.write_cutouts.PIECE", 8)
    whole = cut(*survey, output=tmp_path / "whole", **OPTIONS)
    output = tmp_path / "stopped"

    def stop(stage: str, done: int, total: int | None, **more: Any) -> None:
        if stage == "cut" and done >= stop_at:
            raise KeyboardInterrupt

    with pytest.raises(StoppedError, match=f"stopped; {stop_at} of {COUNT} sources are done"):
        cut(*survey, output=output, progress=stop, **OPTIONS)
    with pytest.raises(OutputError, match="of another job"):
        cut(*survey, output=output, **{**OPTIONS, "size": 33})
    result = cut(*survey, output=output, **OPTIONS)
    assert result.resumed == stop_at
    assert (result.cut, result.failed) == (whole.cut, whole.failed)
    assert (result.at_edge, result.with_gap) == (whole.at_edge, whole.with_gap)
    assert content(output) == content(tmp_path / "whole")


def test_a_folder_with_something_in_it_is_refused(survey: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").touch()
    with pytest.raises(OutputError, match="something here already"):
        cut(*survey, output=tmp_path / "out", **OPTIONS)


def test_where_nothing_can_be_cut_nothing_is_left(tmp_path: Path) -> None:
    pixels = sky()
    pixels[:, :] = np.nan
    save_tile(tmp_path / "a.fits", pixels)
    with pytest.raises(ImageError, match="no source could be cut out, of 1"):
        cut(
            tmp_path / "a.fits", positions(make_wcs(), [60], [60]),
            output=tmp_path / "out", **OPTIONS,
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_names_of_files_are_harmless_and_all_different(tmp_path: Path) -> None:
    path = save_tile(tmp_path / "a.fits", sky())
    ids = ["../../etc", "a/b", "a_b", "A_B", "J12+30.5", "x", "x"]
    catalogue = {**positions(make_wcs(), range(60, 67), [60] * 7), "id": ids}
    cutouts = galaxyclass.open_tiles(path, catalogue, field="9 px")
    names = list(CutoutNames(cutouts, "jpg"))
    assert len({name.lower() for name in names}) == 7
    assert all(name.startswith("a/") and name.count("/") == 1 for name in names)
    assert names[4] == "a/J12+30.5.jpg"
    assert any("1 row has the id of another row" in note for note in cutouts.notes)


def test_columns_of_the_catalogue_that_have_our_names_are_kept(tmp_path: Path) -> None:
    path = save_tile(tmp_path / "a.fits", sky())
    catalogue = {**positions(make_wcs(), [60], [60]), "tile": [7], "flags": [3], "file": ["q"]}
    cut(path, catalogue, output=tmp_path / "out", **OPTIONS)
    row = Table.read(tmp_path / "out/cutouts.csv")[0]
    assert (row["tile"], row["tile_tile"]) == (7, "a")
    assert (row["flags_given"], row["file_given"], row["file"]) == (3, "q", "a/s0.png")


def test_jpegs_show_what_png_shows(tmp_path: Path) -> None:
    planes = {band: sky(seed=seed) for seed, band in enumerate("gri")}
    for peak, plane in zip((0.2, 0.4, 0.9), planes.values(), strict=True):
        add_source(plane, 60, 60, peak=peak)
    tiles = save_bands(tmp_path, "t", planes)
    catalogue = positions(make_wcs(), [60], [60])
    pictures = []
    for kind in ("jpg", "png"):
        options = {**OPTIONS, "image_format": kind, "size": 64}
        cut(tiles, catalogue, output=tmp_path / kind, **options)
        pictures.append(cv2.imread(str(tmp_path / f"{kind}/t/s0.{kind}")).astype(float))
    assert abs(pictures[0] - pictures[1]).mean() < 4
    blue, green, red = pictures[1][32, 32]
    assert red > green > blue
