"""Text tables as spreadsheets, databases, numpy and TOPCAT write them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from galaxyclass.data.tables.tables import open_table, read_table
from galaxyclass.errors import CatalogError

EXPECTED = {"id": ["007", "587722981748965649"], "a": ["x y", "0.10"]}


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("#Table1\nid,a\n007,x y\n587722981748965649,0.10\n", [3, 4]),
        ("# made by ann, 2024\n# b\nid,a\n007,x y\n587722981748965649,0.10\n", [4, 5]),
        ("#id,a\n007,x y\n587722981748965649,0.10\n", [2, 3]),
        ("# note\n\n# id,a\n007,x y\n587722981748965649,0.10\n", [4, 5]),
        ('# id a\n007 "x y"\n587722981748965649   0.10\n', [2, 3]),
        ('id  a\n007 "x y"\n\n  587722981748965649   0.10  \n', [2, 4]),
        ("id|a\n007|x y\n587722981748965649|0.10\n", [2, 3]),
        ('#Table1\n"id","a"\n"007","x y"\n#more\n587722981748965649,0.10\n', [3, 5]),
    ],
)
def test_comments_and_delimiters(
    content: str, lines: list[int], table: Callable[..., Path]
) -> None:
    path = table(content)
    assert read_table(path).to_pydict() == EXPECTED
    assert open_table(path).lines.tolist() == lines


@pytest.mark.parametrize(
    ("content", "columns", "line"),
    [
        # Source Extractor: numbered comments, a vector without numbers of its own
        ("#   1 NUMBER  Running number\n#   2 APER  Fluxes [count]\n#   4 FLAGS\n 7 1.5 2.5 0\n"
         " 8 3.5 4.5 1\n",
         {"NUMBER": ["7", "8"], "APER": ["1.5", "3.5"], "APER_1": ["2.5", "4.5"],
          "FLAGS": ["0", "1"]}, 4),
        # VizieR: comments, units, dashes
        ("#Name: J/x\n\n_RA\tName\tz\ndeg\t \t\n------\t---\t-\n1.5\tA 1\t3\n2.5\tB\t4\n\n",
         {"_RA": ["1.5", "2.5"], "Name": ["A 1", "B"], "z": ["3", "4"]}, 6),
        # comments that begin with numbers
        ("# 1 Ids of SDSS\n# 2 Classes\nid class\nq a\n", {"id": ["q"], "class": ["a"]}, 4),
        ("# 1 galaxy a line\nid,class\n7,a\n", {"id": ["7"], "class": ["a"]}, 3),
        ("id  class\n--- -----\n7   a\n", {"id": ["7"], "class": ["a"]}, 3),
    ],
)  # fmt: skip
def test_headers_of_astronomy(
    content: str, columns: dict[str, list[str]], line: int, table: Callable[..., Path]
) -> None:
    path = table(content)
    assert read_table(path).to_pydict() == columns
    assert open_table(path).lines[0] == line


def test_a_machine_readable_table_is_refused_by_name(table: Callable[..., Path]) -> None:
    path = table("Title: x\nTable: y\nByte-by-byte Description of file: t.txt\n 1- 3 A3 --- Name\n")
    with pytest.raises(CatalogError, match=r"(?s)of the journals \(MRT\).*ascii\.mrt"):
        read_table(path)


@pytest.mark.parametrize("name", ["t.csv", "t.txt", "t.dat", "table"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_content_decides_not_the_name(
    name: str, compress: Callable[[bytes], bytes], table: Callable[..., Path]
) -> None:
    content = b"id,a\n007,x y\n587722981748965649,0.10\n"
    assert read_table(table(compress(content), name)).to_pydict() == EXPECTED


def test_a_zip_of_one_table(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("votes/votes.csv", "id,a\n007,x y\n587722981748965649,0.10\n")
        archive.writestr("__MACOSX/votes/._votes.csv", "x")
    assert read_table(path).to_pydict() == EXPECTED
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", "x")
    with pytest.raises(CatalogError, match=r"(?s)more than a table.*other.csv"):
        open_table(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str, table: Callable[..., Path]) -> None:
    file = open_table(table("id,größe\n1,é\n".encode(encoding)))
    assert file.table.to_pydict() == {"id": ["1"], "größe": ["é"]}
    assert ["Windows-1252" in note for note in file.notes] == [True] * (encoding == "cp1252")


@pytest.mark.parametrize(
    "content",
    [
        "130549,0.475848,0.524152,0.0\n1129,0.10455,0.863504,0.0\n",
        "587722981748965649,spiral\n587722981748965650,smooth\n",
        "1,0.5,0.5\n2,0.25,0.75\n",
    ],
)
def test_no_header(content: str, table: Callable[..., Path]) -> None:
    with pytest.raises(CatalogError, match=r"(?s)first line looks like data.*write a line"):
        open_table(table(content))


@pytest.mark.parametrize("content", ["id,1.1,1.2\n1,0.5,0.5\n", "id,0,1\n1,0,1\n", "2,x\n1,2\n"])
def test_numbers_may_be_names(content: str, table: Callable[..., Path]) -> None:
    names = content.split("\n", maxsplit=1)[0].split(",")
    assert read_table(table(content)).column_names == names


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(CatalogError, match=r"(?s)not a file.*a named pipe"):
        open_table(tmp_path / "t.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    with pytest.raises(CatalogError, match=r"(?s)not a file.*a device"):
        open_table(tmp_path / "zero.csv")
