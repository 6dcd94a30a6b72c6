"""CSV and parquet: what is written is what is read, part by part as at once."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyclass.model.columns import columns_of, tabulate
from galaxyclass.model.csv_writer import CsvWriter
from galaxyclass.model.writers import WRITERS
from tests.support import fake

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)


@given(st.lists(st.tuples(TEXT, st.floats(0, 1, width=32)), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_id_and_any_float_survive_csv(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float]]
) -> None:
    ids, values = [row[0] for row in rows], np.array([row[1] for row in rows], np.float32)
    path = tmp_path_factory.mktemp("csv") / "p.csv"
    table = pa.table({"id": ids, "x": values, "y": pa.array([None] * len(ids), pa.float32())})
    CsvWriter().write_chunk(path, table)
    read = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert [row[0] for row in read] == ids
    np.testing.assert_array_equal(np.array([row[1] for row in read], np.float32), values)
    assert {row[2] for row in read} == {""}


ANY = st.text(st.sampled_from(list("a,\"\n ;='é")), max_size=6)


@given(st.lists(st.tuples(ANY, st.none() | ANY), min_size=1, max_size=9))
@settings(max_examples=100, deadline=None)
def test_text_is_quoted_as_by_the_csv_module(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    """But for a carriage return, which that leaves bare: read again, it would end the row."""
    path = tmp_path_factory.mktemp("csv") / "p.csv"
    for numbers in ({}, {"x": pa.array([0.5] * len(rows), pa.float32())}):
        table = pa.table({"id": [r[0] for r in rows], **numbers, "class": [r[1] for r in rows]})
        CsvWriter().write_chunk(path, table)
        expected = io.StringIO(newline="")
        csv.writer(expected, lineterminator="\n").writerows(
            (name, *("0.5" for _ in numbers), label) for name, label in rows
        )
        assert path.read_bytes().decode() == expected.getvalue()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("rows", [0, 1, 70_000])
def test_parts_join_to_the_whole(
    tmp_path: Path, suffix: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxyclass.model.writers.ROW_GROUP_ROWS", 10_000)
    task = fake.class_outputs("a", "b")
    columns = columns_of(task, "id", id_integer=True)
    values = np.random.default_rng(0).dirichlet([1, 1], rows).astype(np.float32).reshape(rows, 2)
    ids = [str(587722981736579000 + i) for i in range(rows)]
    writer, paths = WRITERS[suffix], []
    for start in range(0, rows, 4096):
        part = slice(start, start + 4096)
        paths.append(tmp_path / f"{start}{suffix}")
        writer.write_chunk(paths[-1], tabulate(task, columns, ids[part], values[part]))
    whole = tmp_path / f"whole{suffix}"
    writer.join(whole, paths, tabulate(task, columns, [], values[:0]))
    if suffix == ".csv":
        table = pa.csv.read_csv(whole)
    else:
        table = pq.read_table(whole)
        assert pq.ParquetFile(whole).metadata.num_row_groups <= rows // 10_000 + 1
    assert table.column_names == ["id", "a", "b", "class"]
    assert [str(i) for i in table["id"].to_pylist()] == ids
    for place, name in enumerate("ab"):
        read = np.array(table[name].to_pylist(), np.float32)
        np.testing.assert_array_equal(read, values[:, place])


def test_names_that_clash() -> None:
    task = fake.class_outputs("id", "class", "class_probability", "x")
    columns = columns_of(task, "id", id_integer=False)
    assert columns.names == (
        "id",
        "id_probability",
        "class_probability_probability",
        "class_probability",
        "x",
        "class",
    )
    same = columns_of(fake.class_outputs("a", "b", column="id"), "id", id_integer=False)
    assert same.names == ("id", "a", "b", "id_predicted")


def test_no_class_where_the_probabilities_are_not_numbers() -> None:
    task = fake.class_outputs("a", "b")
    columns = columns_of(task, "id", id_integer=False)
    values = np.array([[np.nan, 0.5], [0.2, 0.8]], np.float32)
    table = tabulate(task, columns, ["1", "2"], values)
    assert table["class"].to_pylist() == [None, "b"]
    assert table["a"].null_count == 1
