"""Tables in memory, of whatever kind: the values that were put in, to the last digit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from galaxyclass.data.tables.in_memory import as_arrow, is_table, open_in_memory
from galaxyclass.errors import ArgumentTypeError, CatalogError

#: Beyond 2^53: a float would have lost its last digits.
IDS = [587722981748965649, 2**53 + 1, 7]

KINDS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "astropy": Table,
    "arrow": pa.table,
    "batch": pa.RecordBatch.from_pydict,
    "mapping": dict,
    "mapping of arrays": lambda columns: {key: np.array(v) for key, v in columns.items()},
    "mapping of series": lambda columns: {key: pd.Series(v) for key, v in columns.items()},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_holds_the_same(kind: str) -> None:
    columns = {"id": IDS, "name": ["a", "bc", ""], "smooth": [0.25, 1.0, 0.1]}
    table = KINDS[kind](columns)
    assert is_table(table)
    arrow = as_arrow(table)
    assert arrow.to_pydict() == columns
    assert [str(field.type) for field in arrow.schema] == ["int64", "string", "double"]


@pytest.mark.parametrize(
    "ids",
    [
        [IDS[0], None],
        pl.Series([IDS[0], None]),
        pd.array([IDS[0], None], dtype="Int64"),
        pa.chunked_array([[IDS[0]], [None]]),
        np.ma.array([IDS[0], 0], mask=[False, True]),
        MaskedColumn([IDS[0], 0], mask=[False, True]),
    ],
    ids=lambda ids: type(ids).__name__,
)
def test_integers_beside_a_gap_stay_exact(ids: Any) -> None:
    assert as_arrow({"id": ids}).to_pydict() == {"id": [IDS[0], None]}


def test_a_table_of_astropy_as_fits_has_it() -> None:
    table = Table(
        {
            "id": np.array([b"a", b"bc"]),
            "big": np.array([2**60 + 1, 5], dtype=">i8"),
            "flux": np.array([1.5, 2.0], dtype=">f4") * units.Jy,
            "masked": MaskedColumn([b"u", b"v"], mask=[True, False]),
        }
    )
    assert as_arrow(table).to_pydict() == {
        "id": ["a", "bc"],
        "big": [2**60 + 1, 5],
        "flux": [1.5, 2.0],
        "masked": [None, "v"],
    }


def test_columns_that_are_no_targets_stop_nothing() -> None:
    table = QTable({"id": [1, 2], "flux": [1.0, 2.0] * units.Jy, "profile": np.ones((2, 3))})
    table["place"] = SkyCoord([1, 2], [3, 4], unit="deg")
    table["seen"] = Time(["2020-01-01", "2021-01-01"])
    arrow = as_arrow(table)
    assert arrow["profile"].to_pylist() == [[1.0] * 3] * 2
    assert arrow["place"].null_count == 2
    assert str(arrow["seen"][1].as_py())[:10] == "2021-01-01"
    assert open_in_memory(table).table.num_rows == 2


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["u", None], dtype="category"),
        pl.Series(["u", None], dtype=pl.Categorical),
        pl.Series(["u", None], dtype=pl.Enum(["u"])),
        pa.array(["u", None]).dictionary_encode(),
        pa.array(["u", None], pa.large_string()),
        pa.array(["u", None], pa.string_view()),
        pa.array([b"u", None]),
        np.array(["u", np.nan], dtype=object),
    ],
    ids=lambda column: f"{type(column).__name__} {getattr(column, 'type', '')}",
)
def test_categories_views_and_bytes_are_text(column: Any) -> None:
    arrow = as_arrow({"kind": column})
    assert arrow.to_pydict() == {"kind": ["u", None]}
    assert arrow.schema.field("kind").type == pa.string()


@pytest.mark.parametrize("kind", ["pandas", "polars", "astropy", *list(KINDS)[5:]])
def test_paths_are_text(kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    paths = [Path("sky/b.jpg"), *os.scandir(tmp_path), None]
    columns: dict[str, Any] = {"file": paths, "id": IDS}
    if kind == "astropy":
        columns["file"] = np.array(paths, object)
    text = ["sky/b.jpg", str(tmp_path / "a.jpg"), None]
    assert as_arrow(KINDS[kind](columns)).to_pydict() == {"file": text, "id": IDS}


def test_a_pandas_index_is_a_column_where_it_has_a_name_and_names_are_stripped() -> None:
    frame = pd.DataFrame({" id ": [3]}, index=pd.Index([9], name="number"))
    assert as_arrow(frame).to_pydict() == {"number": [9], "id": [3]}
    assert as_arrow(frame.reset_index(drop=True)).column_names == ["id"]


def test_rows_are_numbered_from_one() -> None:
    file = open_in_memory({"id": [3, 4]})
    assert file.lines.tolist() == [1, 2]
    assert str(file.path) == "<table in memory>"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame([[1, 2]], columns=["id", "id"]), "several columns have the same name"),
        (pa.table([[1], [2]], names=["id", "id "]), "several columns have the same name"),
        ({"id": [1], "kind": ["a", "b"]}, "expected length 1 but got length 2"),
        ({"id": 1}, "'id': a single value"),
        ({"kind": [1, "a"]}, "'kind': Could not convert 'a'"),
        (pd.DataFrame({"kind": [1, "a"]}), "column kind with type object"),
    ],
)
def test_tables_that_cannot_be_read(table: Any, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        as_arrow(table)


@pytest.mark.parametrize("value", [5, np.zeros((3, 2))])
def test_what_is_no_table(value: object) -> None:
    with pytest.raises(ArgumentTypeError, match="not a table"):
        as_arrow(value)


@pytest.mark.parametrize("table", [{}, {"id": []}, pd.DataFrame({"id": []})])
def test_no_rows(table: Any) -> None:
    with pytest.raises(CatalogError, match="<table in memory>: the table has no rows"):
        open_in_memory(table)


@pytest.mark.parametrize("value", ["votes.csv", None, 5, [1, 2], np.zeros(3)])
def test_what_is_not_taken_for_a_table(value: object) -> None:
    assert not is_table(value)
