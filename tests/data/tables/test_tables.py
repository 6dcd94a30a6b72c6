"""Tables as text exactly as written, the line of every row, and files that are none."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyclass.data.tables.tables import open_table, read_table
from galaxyclass.errors import CatalogError

CELLS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n,"; '), max_size=8
)


@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), blank_lines=st.booleans())
def test_cells_and_lines_are_those_of_the_csv_module(
    rows: list[tuple[str, str]], blank_lines: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["id", "note"])
    starts = []
    for row in rows:
        if blank_lines:
            text.write("\n")
        starts.append(text.getvalue().count("\n") + 1)
        writer.writerow(row)
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    file = open_table(path)
    read = [tuple(row.values()) for row in file.table.to_pylist()]
    assert read == [(a or None, b or None) for a, b in rows]
    assert file.lines.tolist() == starts
    assert file.ragged == ()


@pytest.mark.parametrize(
    "content",
    [
        "id,a\n007,1e5\n587722981748965649,0.10\n",
        "id,a\r\n007,1e5\r\n587722981748965649,0.10\r\n",
        "id,a\r007,1e5\r587722981748965649,0.10\r",
        "\ufeffid,a\n007,1e5\n587722981748965649,0.10",
        "id;a\n007;1e5\n587722981748965649;0.10\n",
        "id\ta\n007\t1e5\n587722981748965649\t0.10\n",
        ' id , a\n"007","1e5"\n587722981748965649,0.10\n',
    ],
)
def test_text_is_kept_as_written(content: str, table: Callable[..., Path]) -> None:
    path = table(content)
    assert read_table(path).to_pydict() == {
        "id": ["007", "587722981748965649"],
        "a": ["1e5", "0.10"],
    }
    assert open_table(path).lines.tolist() == [2, 3]


def test_compressed(table: Callable[..., Path]) -> None:
    path = table(gzip.compress(b"id,a\n1,2\n\n3,4\n", mtime=0), "table.csv.gz")
    assert read_table(path).to_pydict() == {"id": ["1", "3"], "a": ["2", "4"]}
    assert open_table(path).lines.tolist() == [2, 4]


def test_tabs_by_ending(table: Callable[..., Path]) -> None:
    path = table("id\ta,b\n1\t2,5\n", "table.tsv")
    assert read_table(path).to_pydict() == {"id": ["1"], "a,b": ["2,5"]}


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    written = pa.table({"id": pa.array([2**62 + 1, 7]), "x": [0.5, None]})
    pq.write_table(written, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet") == written
    assert open_table(tmp_path / "t.parquet").lines.tolist() == [1, 2]


def test_ragged_lines_are_left_out_and_named(table: Callable[..., Path]) -> None:
    file = open_table(table(["id,a", "1,2", "3", '4,"x', 'y"', "5,6,7", "8,9"]))
    assert file.table.to_pydict() == {"id": ["1", "4", "8"], "a": ["2", "x\ny", "9"]}
    assert file.lines.tolist() == [2, 4, 7]
    assert [(row.line, row.cells) for row in file.ragged] == [(3, 1), (6, 3)]


def test_read_table_refuses_ragged_lines(table: Callable[..., Path]) -> None:
    with pytest.raises(
        CatalogError, match=r"(?s)2 lines .*wanted: 2 cells.*line 3: 1 cell.*line 4: 3 cells"
    ):
        read_table(table(["id,a", "1,2", "3", "4,5,6"]))


def test_every_line_ragged(table: Callable[..., Path]) -> None:
    with pytest.raises(CatalogError, match="2 lines have more or fewer cells"):
        open_table(table(["id,a", "1", "2"]))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"", "the table is empty"),
        ("t.csv", b"\n\n", "no header"),
        ("t.csv", b"id,a\n", "a header but no rows"),
        ("t.csv", b"id,a, a\n1,2,3\n", r"(?s)a column stands twice.*'a'"),
        ("t.csv", b"id,a\n1,\x81\n", r"(?s)line 2: not text in UTF-8, nor in Windows.*0x81"),
        ("t.csv", b"PK\x03\x04rest", r"(?s)not a table.*damaged zip archive"),
        ("t.csv", b"\xd0\xcf\x11\xe0", r"(?s)not a table.*old format.*\.xlsx"),
        ("t.csv", b"\xff\xd8\xff\xe0", r"(?s)not a table.*a JPEG image.*`table`"),
        ("t.csv", b"\x80\x04\x95....", r"(?s)not a table.*a Python pickle"),
        ("t.csv", b"<!DOCTYPE html>", r"(?s)not a table.*a page of the web"),
        ("t.csv", b"a\0b", r"(?s)not a table.*bytes that are zero"),
        ("t.csv", b'id,a\n1,"2\n3,4\n', r"(?s)line 2: cannot be read as CSV.*quotation mark"),
        ("t.csv.gz", gzip.compress(b"id,a\n1,2\n" * 999, mtime=0)[:-9], "cannot be read"),
        ("t.parquet", b"PAR1....", "not a parquet file"),
        ("t.parquet", b"", "the table is empty"),
    ],
)
def test_files_that_are_no_tables(
    name: str, content: bytes, words: str, table: Callable[..., Path]
) -> None:
    with pytest.raises(CatalogError, match=words):
        open_table(table(content, name))


def test_a_folder_as_table(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"(?s)a folder was given as the table.*`images`"):
        open_table(tmp_path)


def test_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"votes\.csv: no such table"):
        open_table(tmp_path / "votes.csv")
