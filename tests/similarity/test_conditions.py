"""Conditions on columns: long ids, numbers of single precision, what nothing can meet."""

from __future__ import annotations

import pyarrow as pa
import pytest

from galaxyclass.errors import ArgumentError
from galaxyclass.similarity.conditions import rows_that_meet

#: Of SDSS: 19 digits.
IDS = [1237648720693755918, 1237648720693755919, None]


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.string()])
def test_long_ids_are_compared_digit_by_digit(kind: pa.DataType) -> None:
    table = pa.table({"id": pa.array(IDS, pa.int64()).cast(kind)})
    assert rows_that_meet(table, [f"id = {IDS[0]}"]).tolist() == [True, False, False]
    assert rows_that_meet(table, [f"id != {IDS[0]}"]).tolist() == [False, True, False]
    assert rows_that_meet(table, [f"id > {IDS[0]}"]).tolist() == [False, True, False]
    for condition in ("id > -1", "id > 1.2e18", "id < 9999999999999999999"):
        assert rows_that_meet(table, [condition]).tolist() == [True, True, False]


def test_a_number_is_the_nearest_of_the_column() -> None:
    table = pa.table({"smooth": pa.array([0.2, 0.3], pa.float32())})
    assert rows_that_meet(table, ["smooth = 0.2"]).tolist() == [True, False]
    assert rows_that_meet(table, ["smooth <= 0.2"]).tolist() == [True, False]
    assert rows_that_meet(table, ["smooth > 0.2"]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("smooth > nan", "nothing is more, less or the same as NaN"),
        ("smooth = spiral", "the column holds numbers"),
        ("smooth > 0.1 and id < 5", r"(?s)holds numbers.*each condition by itself"),
        ("name < spiral", "words have no order"),
    ],
)
def test_what_no_row_can_meet(condition: str, message: str) -> None:
    table = pa.table({"smooth": [0.2], "name": ["spiral"], "id": [1]})
    with pytest.raises(ArgumentError, match=message):
        rows_that_meet(table, [condition])
