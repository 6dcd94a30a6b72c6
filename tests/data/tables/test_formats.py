"""FITS, VOTable, ECSV, VOParquet, Arrow, HDF5 and Excel, as astropy and others write them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import astropy.units as u
import h5py
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.table import MaskedColumn, Table

from galaxyclass.data.tables.tables import open_table, read_table
from galaxyclass.errors import CatalogError

ID = 587722981748965649


def catalogue() -> Table:
    table = Table({"objid": [ID, 7], "class": ["spiral", "smooth"], "ra": [10.5, 20.25] * u.deg})
    table["ra"].description = "right ascension"
    table["ra"].meta["ucd"] = "pos.eq.ra;meta.main"
    table["good"] = np.array([True, False])
    table["mag"] = MaskedColumn([15.5, 0.0], mask=[False, True], unit="mag")
    return table


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("t.fits", {}),
        ("t.fits.gz", {"format": "fits"}),
        ("t.vot", {"format": "votable"}),
        ("t.ecsv", {"format": "ascii.ecsv"}),
        ("t.csv", {"format": "ascii.ecsv"}),
    ],
)
def test_what_astropy_writes(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "t.vot":
        file = from_table(catalogue())
        writeto(file, str(path))
    else:
        catalogue().write(path, **options)
    table = read_table(path)
    assert table["objid"].to_pylist() == [ID, 7]
    assert table["class"].to_pylist() == ["spiral", "smooth"]
    assert table["good"].to_pylist() == [True, False]
    assert table["mag"].to_pylist()[0] == 15.5
    assert table["mag"].to_pylist()[1] in (None, pytest.approx(np.nan, nan_ok=True))
    assert table.schema.field("ra").metadata[b"unit"] == b"deg"
    if not name.startswith("t.fits"):  # FITS has no place for them
        assert table.schema.field("ra").metadata[b"description"] == b"right ascension"
        assert table.schema.field("ra").metadata[b"ucd"] == b"pos.eq.ra;meta.main"


def test_the_first_table_of_a_fits_file(tmp_path: Path) -> None:
    first, second = fits.BinTableHDU(catalogue()), fits.BinTableHDU(catalogue(), name="LOG")
    fits.HDUList([fits.PrimaryHDU(np.zeros((3, 3))), first, second]).writeto(tmp_path / "t.fits")
    file = open_table(tmp_path / "t.fits")
    assert file.table.num_rows == 2
    assert [(each.kind, each.count, each.names) for each in file.unused] == [("tables", 1, "LOG")]


def test_a_picture_is_no_table(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "t.fits")
    with pytest.raises(CatalogError, match=r"(?s)without a table.*a picture.*`images`"):
        open_table(tmp_path / "t.fits")


def test_a_damaged_fits_table(tmp_path: Path) -> None:
    catalogue().write(tmp_path / "t.fits")
    data = (tmp_path / "t.fits").read_bytes()
    (tmp_path / "t.fits").write_bytes(data[:5790])
    with pytest.raises(CatalogError, match=r"(?s)ends in the middle of its table.*2 rows"):
        open_table(tmp_path / "t.fits")


def test_voparquet(tmp_path: Path) -> None:
    header = (
        '<VOTABLE xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
        '<FIELD name="ra" datatype="double" unit="deg" ucd="pos.eq.ra">'
        "<DESCRIPTION>right ascension</DESCRIPTION></FIELD></TABLE></RESOURCE></VOTABLE>"
    )
    table = pa.table({"id": [1], "ra": [0.5]}).replace_schema_metadata(
        {"IVOA.VOTable-Parquet.content": header}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    metadata = read_table(tmp_path / "t.parquet").schema.field("ra").metadata
    assert metadata == {b"unit": b"deg", b"ucd": b"pos.eq.ra", b"description": b"right ascension"}


def test_arrow_and_compressed_parquet(tmp_path: Path) -> None:
    table = pa.table({"id": [ID], "x": [0.5]})
    pyarrow.feather.write_feather(table, str(tmp_path / "t.feather"))
    pq.write_table(table, tmp_path / "t.parquet")
    (tmp_path / "t.parquet.gz").write_bytes(gzip.compress((tmp_path / "t.parquet").read_bytes()))
    for name in ("t.feather", "t.parquet.gz"):
        assert read_table(tmp_path / name).to_pydict() == {"id": [ID], "x": [0.5]}


def test_hdf5_columns_beside_pictures(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "g.h5", "w") as file:
        file["images"] = np.zeros((3, 8, 8, 3), np.uint8)
        file["ans"] = np.array([0, 2, 1], np.uint8)
        file["meta/ra"] = np.array([1.0, 2.0, 3.0])
        file["bands"] = np.array([1.0, 2.0])
    file = open_table(tmp_path / "g.h5")
    assert file.table.to_pydict() == {
        "picture": ["0000000", "0000001", "0000002"],
        "ans": [0, 2, 1],
        "meta/ra": [1.0, 2.0, 3.0],
    }
    assert [(each.count, each.names) for each in file.unused] == [(1, "bands")]


def test_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["id", "class", "x", None], [str(ID), "spiral", 1], ["7", "smooth", None], []):
        book.active.append(row)
    book.create_sheet("notes")
    book.save(tmp_path / "t.xlsx")
    file = open_table(tmp_path / "t.xlsx")
    expected = {"id": [str(ID), "7"], "class": ["spiral", "smooth"], "x": [1, None]}
    assert file.table.to_pydict() == expected
    assert [(each.kind, each.names) for each in file.unused] == [("tables", "notes")]


def test_ids_that_a_spreadsheet_has_rounded(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["id", "class"], [float(ID), "spiral"]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(CatalogError, match=r"(?s)has rounded the numbers of column 'id'.*as text"):
        open_table(tmp_path / "t.xlsx")


def test_a_table_of_ipac(tmp_path: Path) -> None:
    path = tmp_path / "irsa.tbl"
    Table({"objid": [ID, 7], "class": ["spiral", "smooth"], "ra": [10.5, 20.25] * u.deg}).write(
        path, format="ascii.ipac"
    )
    table = read_table(path)
    assert table.select(["objid", "class", "ra"]).to_pydict() == {
        "objid": [ID, 7], "class": ["spiral", "smooth"], "ra": [10.5, 20.25]
    }  # fmt: skip
    assert table.schema.field("ra").metadata[b"unit"] == b"deg"
