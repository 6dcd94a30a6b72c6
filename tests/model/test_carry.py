"""Columns of a catalogue beside the predictions: by id, by path, by a map, by position."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from galaxyclass.data.sky_columns import find_sky_columns, match_on_sky, read_positions
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.images.positions import position_of_name, positions_of
from galaxyclass.model.carry import TableJoin, carry_columns
from galaxyclass.model.image_source import ImageSource, open_images
from galaxyclass.model.load import load_model

ID = 587722981748965649


def images(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name)
    return folder


def carried(folder: Path, table: Any, **options: Any) -> ImageSource:
    source = open_images(folder, id_column="GalaxyID")
    return carry_columns(source, TableJoin(table, **options), folder)


def columns(source: ImageSource) -> dict[str, Sequence[Any]]:
    assert source.carried is not None
    return dict(source.carried.to_pydict())


def test_by_id_with_types_units_and_gaps(tmp_path: Path) -> None:
    table = Table({"objid": [7, ID, 9], "z": [0.1, 0.2, 0.3], "good": [True, False, True]})
    table["z"].unit = "km/s"
    source = carried(images(tmp_path, f"{ID}.jpg", "8.jpg", "7.jpg"), table)
    assert columns(source) == {"z": [0.2, 0.1, None], "good": [False, True, None]}
    assert source.carried is not None
    assert source.carried.schema.field("z").metadata[b"unit"] == b"km / s"
    assert (source.id_column, source.id_integer) == ("objid", True)
    assert "2 of 3 images have a row" in source.notes[-1]
    assert [(each.kind, each.count, each.names) for each in source.unused] == [
        ("rows", 1, "line 3")
    ]


def test_the_text_of_a_csv_becomes_numbers(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("id,n,x,flag,name,old\n7,1,0.5,True,a,1\n8,2,,False,b,2\n")
    folder = images(tmp_path / "i", "7.jpg", "8.jpg")
    source = carried(folder, path, carry=["n", "x", "flag", "name"])
    assert columns(source) == {
        "n": [1, 2], "x": [0.5, None], "flag": [True, False], "name": ["a", "b"]
    }  # fmt: skip
    assert [(each.kind, each.names) for each in source.unused] == [("columns", "old")]


def test_by_path_and_by_a_map(tmp_path: Path) -> None:
    folder = images(tmp_path, "a/1.jpg", "b/1.jpg")
    by_path = carried(folder, {"file": ["b/1.jpg", "a/1.jpg"], "z": [2, 1]})
    assert columns(by_path)["z"] == [1, 2]
    assert by_path.id_column is None
    folder = images(tmp_path / "m", "7.jpg")
    mapping = {"asset_id": [7], "dr7objid": [ID]}
    by_map = carried(folder, {"objid": [ID], "z": [3]}, id_map=mapping)
    assert columns(by_map) == {"objid": [ID], "z": [3]}


def test_a_row_more_and_a_column_misspelt(tmp_path: Path) -> None:
    folder = images(tmp_path, "7.jpg")
    source = carried(folder, {"id": [7, 7], "z": [1, 2]})
    assert columns(source) == {"z": [1]}
    unused = [(part.count, part.names, part.why) for part in source.unused]
    assert unused == [(1, "line 2", "an earlier row of the catalogue names the same image")]
    with pytest.raises(ArgumentError, match=r"(?s)no column 'zz'.*`carry='z'`"):
        carried(folder, {"id": [7], "z": [1]}, carry=["zz"])
    with pytest.raises(CatalogError, match="no column matches the names"):
        carried(folder, {"id": ["x"], "z": [1]})


def test_by_position(tmp_path: Path) -> None:
    folder = images(tmp_path, "J101112.30+040506.7.jpg", "J0.8121-0.0383.jpg", "nothing.jpg")
    table = Table({"RAJ2000": [0.8121, 152.80125], "DEJ2000": [-0.0384, 4.08519], "z": [1, 2]})
    source = carried(folder, table, match_radius=1.0)
    assert columns(source)["z"] == [1, 2, None]
    near = columns(source)["match_arcsec"]
    np.testing.assert_allclose(np.array(near[:2], float), [0.36, 0.0], atol=0.02)
    assert near[2] is None
    with pytest.raises(CatalogError, match=r"(?s)no position within 0\.1 arcseconds"):
        carried(images(tmp_path / "one", "J0.8121-0.0383.jpg"), table, match_radius=0.1)


def test_the_columns_of_positions_are_named(tmp_path: Path) -> None:
    folder = images(tmp_path / "images", "J0.8121-0.0383.jpg")
    table = pa.table({"lon": [0.8121], "lat": [-0.0383], "z": [0.1]})
    source = carried(folder, table, match_radius=1.0, ra_column="lon", dec_column="lat")
    assert columns(source)["z"] == [0.1]
    with pytest.raises(ArgumentError, match="no column 'lat2'"):
        carried(folder, table, match_radius=1.0, ra_column="lon", dec_column="lat2")
    with pytest.raises(CatalogError, match="no columns of right ascension") as error:
        carried(folder, table, match_radius=1.0)
    assert error.value.hint == "name them: `ra_column` and `dec_column`"
    with pytest.raises(ArgumentError, match="`ra_column` belongs to a join by position"):
        TableJoin(table, ra_column="lon")


def test_right_ascension_in_hours_is_told(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "J101112.30+040506.7.png")
    table = {"ra": [10 + 11 / 60 + 12.3 / 3600], "dec": [4 + 5 / 60 + 6.7 / 3600]}
    with pytest.raises(CatalogError, match=r"(?s)no position within 1 arc.*multiply it by 15"):
        load_model().predict(tmp_path, table=TableJoin(table, match_radius=1.0))


def test_positions_of_names_and_of_wcs(tmp_path: Path) -> None:
    assert position_of_name("J013215.28-003515.5.jpg") == (23.063667, -0.587639)
    assert position_of_name("cutout_150.1234_2.3456.png") == (150.1234, 2.3456)
    assert position_of_name("ra150.1234_dec-2.3456.png") == (150.1234, -2.3456)
    assert position_of_name("587722981748965649.jpg") is None
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    header.update({"CRVAL1": 10.0, "CRVAL2": 20.0, "CRPIX1": 2.0, "CRPIX2": 2.0})
    header.update({"CDELT1": -1e-4, "CDELT2": 1e-4})
    fits.PrimaryHDU(np.zeros((3, 3), np.float32), header).writeto(tmp_path / "a.fits")
    (tmp_path / "b.fits").write_bytes(b"SIMPLE  = nothing")
    header.update({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN", "CRVAL1": 0.0, "CRVAL2": 90.0})
    fits.PrimaryHDU(np.zeros((3, 3), np.float32), header).writeto(tmp_path / "c.fits")
    found = positions_of([str(tmp_path / f"{name}.fits") for name in "abc"])
    np.testing.assert_allclose(found[0], [10.0, 20.0], atol=1e-9)
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[2], [192.85948, 27.12825], atol=1e-4)  # the galactic pole


def test_sky_columns_by_ucd_and_units() -> None:
    fields = [
        pa.field("x", pa.float64(), metadata={"ucd": "pos.eq.ra", "unit": "deg"}),
        pa.field(
            "main", pa.float64(), metadata={"ucd": "pos.eq.ra;meta.main", "unit": "hourangle"}
        ),
        pa.field("y", pa.float64(), metadata={"ucd": "pos.eq.dec;meta.main"}),
    ]
    table = pa.table([[1.0], [10.0], [-5.0]], schema=pa.schema(fields))
    assert find_sky_columns(table) == ("main", "y")
    assert read_positions(table, "t").tolist() == [[150.0, -5.0]]
    text = pa.table({"ra": ["10:11:12.0"], "dec": ["-04 05 06"]})
    np.testing.assert_allclose(read_positions(text, "t"), [[152.8, -4.085]])
    # Letters and VizieR's units say what a column is; a printed minus sign is one.
    letters = pa.table({"ra": ["5d30m00s", "5h30m00s"], "dec": ["\u22125d30m", "+05\u00b030'"]})
    np.testing.assert_allclose(read_positions(letters, "t"), [[5.5, -5.5], [82.5, 5.5]])
    units = [
        pa.field("RAJ2000", pa.string(), metadata={"unit": '"h:m:s"'}),
        pa.field("DEJ2000", pa.string(), metadata={"unit": "d:m:s"}),
    ]
    vizier = pa.table([["00 30 00.0"], ["-00 30 00"]], schema=pa.schema(units))
    np.testing.assert_allclose(read_positions(vizier, "t"), [[7.5, -0.5]])
    with pytest.raises(CatalogError, match=r"(?s)not on the sky.*leave the cells empty"):
        read_positions(pa.table({"ra": [10.0, -99.0], "dec": [5.0, -99.0]}), "t")
    with pytest.raises(CatalogError, match=r"(?s)no columns of right ascension.*got:    a"):
        read_positions(pa.table({"a": [1]}), "t")
    with pytest.raises(CatalogError, match=r"(?s)not on the sky: 1 position.*other way round"):
        read_positions(pa.table({"ra": [10.0], "dec": [150.0]}), "t")
    with pytest.raises(CatalogError, match=r"(?s)holds no position.*'10:61:00', 'unknown'"):
        read_positions(pa.table({"ra": ["1h2m", "10:61:00", "unknown"], "dec": [1, 2, 3]}), "t")
    old = [
        pa.field(f"{n}", pa.float64(), metadata={"ucd": n})
        for n in ("POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN", "POS_EQ_PMRA")
    ]
    assert find_sky_columns(pa.table([[1.0]] * 3, schema=pa.schema(old))) == (
        "POS_EQ_RA_MAIN",
        "POS_EQ_DEC_MAIN",
    )


def test_matches_agree_with_astropy_across_the_pole_and_zero() -> None:
    from astropy import units as u
    from astropy.coordinates import SkyCoord, match_coordinates_sky

    rng = np.random.default_rng(0)
    ra = np.concatenate([rng.uniform(0, 360, 200), [0.00001, 359.99999]])
    dec = np.concatenate([np.degrees(np.arcsin(rng.uniform(-1, 1, 200))), [89.9999, 89.9999]])
    catalogue = np.column_stack([ra, dec])
    moved = np.column_stack([ra, np.clip(dec + rng.normal(0, 2e-4, len(dec)), -90, 90)])
    rows, separations, _ = match_on_sky(moved, catalogue, 1.0)
    index, distance, _ = match_coordinates_sky(
        SkyCoord(*moved.T * u.deg), SkyCoord(*catalogue.T * u.deg)
    )
    near = distance.arcsec <= 1.0
    np.testing.assert_array_equal(rows, np.where(near, index, -1))
    np.testing.assert_allclose(separations[near], distance.arcsec[near], rtol=1e-5)


def test_into_files_with_the_type_of_the_ids(tmp_path: Path) -> None:
    folder = images(tmp_path / "i", f"{ID}.jpg", "7.jpg")
    table = Table({"objid": [ID, 7], "z": [0.25, 0.5]})
    table.write(tmp_path / "c.fits")
    model = load_model(precision="fp32", workers=1)
    for ending in (".csv", ".parquet", ".fits"):
        output = tmp_path / f"p{ending}"
        summary = model.predict_to_file(folder, output=output, table=tmp_path / "c.fits")
        read = read_table(output)
        assert read.column_names[0] == "objid"
        assert [int(name) for name in read["objid"].to_pylist()] == [ID, 7]
        if ending != ".csv":
            assert read.schema.field("objid").type == pa.int64()
            assert read["z"].to_pylist() == [0.25, 0.5]
        assert summary.unused == ()
    text = model.predict_to_file(images(tmp_path / "t", "007.jpg"), output=tmp_path / "t.fits")
    assert text.predicted == 1
    assert read_table(tmp_path / "t.fits")["GalaxyID"].to_pylist() == ["007"]


def test_truth_values_of_text_are_booleans_where_they_are_clear(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("id,R,fits,kind\n7,TRUE,T,T\n8,FALSE,F,T\n")
    source = carried(images(tmp_path / "i", "7.jpg", "8.jpg"), path, carry=["R", "fits", "kind"])
    assert columns(source) == {"R": [True, False], "fits": [True, False], "kind": ["T", "T"]}
