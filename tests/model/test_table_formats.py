"""FITS, VOTable, ECSV, VOParquet and CSV of one table, read again by astropy and pandas."""

from __future__ import annotations

import dataclasses
import json
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table

from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import OutputError
from galaxyclass.model.load import load_model
from galaxyclass.model.provenance import PROVENANCE, Provenance, provenance_of
from galaxyclass.model.table_formats import KEYWORDS
from galaxyclass.model.writers import WRITERS

ID = 587722981748965649
FIELDS = [
    pa.field("objid", pa.int64()),
    pa.field("smooth", pa.float32()),
    pa.field("strange", pa.bool_()),
    pa.field("name", pa.string()),
    pa.field(
        "ra", pa.float64(), metadata={"unit": "deg", "ucd": "pos.eq.ra", "description": "R<A"}
    ),
    pa.field("n", pa.int32()),
]
MADE = {"software": "galaxyclass 0", "model": "m", "digest": "d" * 80, "views": 2,
        "precision": "fp32", "images": [{"size": 81}], "date": "2026-11-28"}  # fmt: skip


def table(rows: int = 3) -> pa.Table:
    columns: list[list[Any]] = [
        [ID, 7, -1], [0.1, None, 1e-7], [True, False, None], ["a,\"b' <&>", "", None],
        [10.123456789012345, None, -0.5], [1, None, 3],
    ]  # fmt: skip
    arrays = [
        pa.array(cells[:rows], field.type) for cells, field in zip(columns, FIELDS, strict=True)
    ]
    return pa.table(arrays, schema=pa.schema(FIELDS, {PROVENANCE: json.dumps(MADE)}))


def write(path: Path, *, chunks: tuple[int, ...] = (0, 2, 3)) -> Path:
    writer, whole = WRITERS[path.suffix], table()
    names = []
    for start, end in pairwise(chunks):
        names.append(path.with_name(f"{start}{path.suffix}"))
        writer.write_chunk(names[-1], whole.slice(start, end - start))
    writer.join(path, names, whole.slice(0, 0))
    return path


@pytest.mark.parametrize("ending", [".fits", ".vot", ".ecsv"])
def test_astropy_opens_it_with_types_units_and_empty_cells(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"p{ending}")
    options = {".ecsv": "ascii.ecsv", ".vot": "votable"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an empty string in VOTable
        read = Table.read(path, format=options.get(ending))
    assert read["objid"].dtype.kind == "i"
    assert read["objid"].tolist() == [ID, 7, -1]
    assert read["smooth"].dtype.newbyteorder("=") == np.float32
    assert np.float32(read["smooth"][0]) == np.float32(0.1)
    assert np.float32(read["smooth"][2]) == np.float32(1e-7)
    assert read["strange"].dtype.kind in "bO"
    assert [bool(value) for value in read["strange"][:2]] == [True, False]
    assert read["name"][0] == "a,\"b' <&>"
    assert read["ra"][0] == 10.123456789012345
    assert str(read["ra"].unit) == "deg"
    assert read["n"].tolist() == [1, None, 3] or read["n"].mask.tolist() == [False, True, False]


@pytest.mark.parametrize("ending", [".fits", ".vot", ".ecsv", ".parquet"])
def test_it_is_read_again_as_it_was(ending: str, tmp_path: Path) -> None:
    read = read_table(write(tmp_path / f"p{ending}"))
    whole = table()
    assert read["objid"].to_pylist() == whole["objid"].to_pylist()
    assert read["strange"].to_pylist()[:2] == [True, False]
    assert read["n"].to_pylist() == [1, None, 3]
    assert read.schema.field("ra").metadata[b"unit"] == b"deg"
    if ending != ".fits":  # astropy leaves what TOPCAT writes there
        assert read.schema.field("ra").metadata[b"ucd"] == b"pos.eq.ra"
        assert read.schema.field("ra").metadata[b"description"] == b"R<A"


@pytest.mark.parametrize("ending", [".fits", ".vot", ".ecsv", ".parquet"])
def test_chunks_do_not_show(ending: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    one = write(tmp_path / f"p{ending}", chunks=(0, 3)).read_bytes()
    assert write(tmp_path / "a" / f"p{ending}", chunks=(0, 1, 2, 3)).read_bytes() == one


@pytest.mark.parametrize("ending", [".fits", ".vot", ".ecsv"])
def test_no_rows(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"p{ending}", chunks=(0,))
    format_ = {".vot": "votable", ".ecsv": "ascii.ecsv"}.get(ending)
    assert Table.read(path, format=format_).colnames == [field.name for field in FIELDS]


def test_each_says_by_what_it_was_made(tmp_path: Path) -> None:
    header = fits.getheader(write(tmp_path / "p.fits"), 1)
    assert (header["MODEL"], header["VIEWS"], header["DATE"]) == ("m", 2, "2026-11-28")
    assert header["DIGEST"] == "d" * 80
    assert header["TUCD5"] == "pos.eq.ra"
    infos = {info.name: info.value for info in parse(write(tmp_path / "p.vot")).resources[0].infos}
    assert infos["digest"] == "d" * 80
    assert Table.read(write(tmp_path / "p.ecsv"), format="ascii.ecsv").meta["model"] == "m"
    metadata = pq.read_schema(write(tmp_path / "p.parquet")).metadata
    assert json.loads(metadata[b"galaxyclass"]) == MADE
    assert b'ucd="pos.eq.ra"' in metadata[b"IVOA.VOTable-Parquet.content"]


def test_fits_has_a_keyword_for_all_provenance() -> None:
    names = [field.name for field in dataclasses.fields(Provenance)]
    assert sorted(KEYWORDS) == sorted(names)
    assert all(len(keyword) <= 8 for keyword in KEYWORDS.values())


def test_predictions_are_written_and_opened(tmp_path: Path) -> None:
    model = load_model(precision="fp32", workers=1)
    ids = [str(ID), "7"]
    predictions = model.predict(
        np.zeros((2, 64, 64, 3), np.uint8), ids=ids, include=["strangeness"]
    )
    for ending in (".fits", ".vot", ".ecsv", ".parquet", ".csv"):
        path = predictions.write(tmp_path / f"p{ending}")
        table = read_table(path)
        assert [int(name) for name in table["GalaxyID"].to_pylist()] == [ID, 7]
        if ending != ".csv":
            assert table.schema.field("strange").type == pa.bool_()
    beside = json.loads((tmp_path / "p_provenance.json").read_text())
    assert beside["model"] == "galaxy-zoo-2"
    assert beside["digest"] == model.digest
    columns = {column["name"]: column for column in beside["columns"]}
    assert columns["strange"]["type"] == "bool"
    assert "answer 'ring' to" in columns["Class8.1"]["description"]
    assert "description" not in columns["GalaxyID"]
    assert provenance_of(predictions.table.schema)["views"] == model.views


def test_the_provenance_says_how_images_were_read_in_this_call() -> None:
    model = load_model(precision="fp32", workers=1)
    predictions = model.predict(np.zeros((1, 64, 64, 3), np.uint8), reading={"scale": 2.0})
    images: Any = provenance_of(predictions.table.schema)["images"]
    assert [each["scale"] for each in images] == [2.0]


def test_a_foreign_file_of_that_name_stays(tmp_path: Path) -> None:
    model = load_model(precision="fp32", workers=1)
    predictions = model.predict(np.zeros((1, 64, 64, 3), np.uint8))
    (tmp_path / "p_provenance.json").write_text("{}")
    with pytest.raises(OutputError, match="something else is there"):
        predictions.write(tmp_path / "p.csv")


def test_text_that_fits_cannot_hold(tmp_path: Path) -> None:
    model = load_model(precision="fp32", workers=1)
    predictions = model.predict(np.zeros((1, 64, 64, 3), np.uint8), ids=["é"])
    with pytest.raises(OutputError, match=r"(?s)ASCII.*'é' in column 'GalaxyID'.*p\.vot"):
        predictions.write(tmp_path / "p.fits")
