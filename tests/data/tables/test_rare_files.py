"""Files that are given as tables now and then: other compressions, encodings, formats and types."""

from __future__ import annotations

import decimal
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import galaxyclass
from galaxyclass.data.tables.tables import open_table, read_table
from galaxyclass.errors import CatalogError

TEXT = "id,class\n587722981748965649,a\n587722981748965650,b\n"
IDS = ["587722981748965649", "587722981748965650"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, name in enumerate(IDS):
        Image.new("RGB", (9, 9), (number, 0, 0)).save(folder / f"{name}.png")
    return folder


def test_zstandard_and_the_first_line_of_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.zst"
    content = pa.Codec("zstd").compress(TEXT.encode(), asbytes=True)
    path.write_bytes(content)
    assert read_table(path)["id"].to_pylist() == IDS
    path.write_bytes(content[:-5])
    with pytest.raises(CatalogError, match="cannot be read"):
        read_table(path)
    path.write_text("sep=;\n" + TEXT.replace(",", ";"))
    assert read_table(path).to_pydict() == {"id": IDS, "class": ["a", "b"]}
    assert open_table(path).lines.tolist() == [3, 4]
    assert open_table(path).notes == ()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b'[{"id": 1}]', "JSON"),
        (b'{"id": 1}\n{"id": 2}\n', "JSON"),
        (b"\\begin{table}\n", "a table of LaTeX"),
        (b"=== =====\n id class\n=== =====\n", "reStructuredText"),
        (b"|id|class|\n|--|--|\n|1|a|\n|2|b|\n|3|c|\n", "a table between bars"),
        (TEXT.encode("utf-32"), "text in UTF-32"),
        (TEXT.encode("utf-16-le"), "without a mark that says so"),
        (TEXT.replace("a", "a\0").encode(), "bytes that are zero"),
        (b"\x80\x05\x95\x10", "a Python pickle"),
        (b"\x1f\x9d\x90abc", r"`compress`"),
    ],
)
def test_other_files_are_called_what_they_are(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(CatalogError, match=what) as refused:
        read_table(tmp_path / "table")
    assert refused.value.hint


def test_ids_as_decimals_and_as_floats(tmp_path: Path, images: Path) -> None:
    table = tmp_path / "table.parquet"
    exact = pa.array([decimal.Decimal(name) for name in IDS], pa.decimal128(20, 0))
    pq.write_table(pa.table({"id": exact, "class": ["a", "b"]}), table)
    assert galaxyclass.validate(images, table).ok
    for name in IDS:
        (images / f"{name}.png").rename(images / f"{name[:6]}{name[-2:]}.png")
    short = pa.array([float(name[:6] + name[-2:]) for name in IDS])
    pq.write_table(pa.table({"id": short, "class": ["a", "b"]}), table)
    with pytest.raises(CatalogError, match="its type, double") as refused:
        galaxyclass.read_catalog(images, table)
    assert "astype('int64')" in (refused.value.hint or "")


def test_accents_that_are_written_in_two_ways(tmp_path: Path, images: Path) -> None:
    for number, name in enumerate(IDS):
        apart = unicodedata.normalize("NFD", f"Galaxie é{number}")
        (images / f"{name}.png").rename(images / f"{apart}.png")
    rows = {"id": ["Galaxie é0", "Galaxie é1"], "class": ["b\u00e9", "be\u0301"]}
    with pytest.raises(CatalogError, match="accents are written") as refused:
        galaxyclass.read_catalog(images, rows)
    assert "normalize('NFD')" in (refused.value.hint or "")
    rows["id"] = [unicodedata.normalize("NFD", name) for name in rows["id"]]
    report = galaxyclass.validate(images, rows)
    assert "classes_alike" in [each.code for each in report.findings]


def test_two_tables_in_a_file_are_not_mixed(tmp_path: Path, images: Path) -> None:
    h5py = pytest.importorskip("h5py")
    kind = [("id", "S20"), ("class", "S1")]
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["first"] = np.array([(IDS[0], "a"), (IDS[1], "b")], kind)
        file["second"] = np.array([("other", "c"), ("others", "d")], kind)
        file["third"] = np.array([(IDS[0], 17.0), (IDS[1], 18.0)], [("id", "S20"), ("mag", "f4")])
    table = open_table(tmp_path / "two.h5")
    assert table.table["class"].to_pylist() == ["a", "b"]
    assert table.table["mag"].to_pylist() == [17.0, 18.0]  # of the same ids in the same order
    assert [(each.kind, each.names) for each in table.unused] == [("tables", "second")]
    workbook = pytest.importorskip("openpyxl").Workbook()
    workbook.active.append(["read me", None])
    workbook.active.append(["the table follows", "a note"])
    workbook.create_sheet("galaxies").append(["id", "class"])
    workbook.save(tmp_path / "two.xlsx")
    assert [each.names for each in open_table(tmp_path / "two.xlsx").unused] == [
        "galaxies",
        "number 2",
    ]
    with pytest.raises(CatalogError, match="not read: galaxies"):
        galaxyclass.read_catalog(images, tmp_path / "two.xlsx")


@pytest.mark.parametrize(
    "stated",
    [
        {"id_column": "id"},
        {"target_column": "class"},
        {"numbers": "z"},
        {"counts": True},
        {"id_map": {"id": [1], "file": ["a"]}},
    ],
)
def test_what_is_said_of_a_table_wants_one(images: Path, stated: dict[str, object]) -> None:
    (name,) = stated
    with pytest.raises(CatalogError, match="and there is no table") as refused:
        galaxyclass.read_catalog(images, **stated)  # type: ignore[arg-type]
    assert refused.value.argument == name


def test_missing_numbers_want_numbers_and_columns_one_type(images: Path) -> None:
    with pytest.raises(CatalogError, match="no numbers are asked for"):
        galaxyclass.read_catalog(images, {"id": IDS, "class": ["a", "b"]}, missing=-1)
    with pytest.raises(CatalogError, match="a column cannot be read") as refused:
        galaxyclass.read_catalog(images, {"id": IDS, "class": ["a", 1]})
    assert "leave it out" in (refused.value.hint or "")
