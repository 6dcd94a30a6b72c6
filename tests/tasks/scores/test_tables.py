"""A predictions file against a table: plain numpy, ids digit by digit, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from galaxyclass.errors import CatalogError, GalaxyclassError, ScoreError
from galaxyclass.evaluation.score_predictions import score_predictions
from galaxyclass.trees.read import load_tree

TREE = load_tree("galaxy_zoo_2")
COLUMNS = TREE.layout("challenge").columns


def _write(
    path: Path,
    ids: NDArray[Any] | list[Any],
    values: NDArray[Any],
    column: str = "GalaxyID",
    columns: tuple[str, ...] = COLUMNS,
) -> Path:
    def cell(value: float) -> str:
        return "" if np.isnan(value) else repr(float(value))

    lines = [",".join([column, *columns])]
    lines += [",".join([str(name), *map(cell, row)]) for name, row in zip(ids, values, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_real_votes_against_plain_numpy(galaxies: Path, tmp_path: Path) -> None:
    """The mean vector over the real table, whatever of it is known."""
    votes = galaxies / "galaxy-zoo-challenge" / "votes.csv"
    table = np.genfromtxt(votes, delimiter=",", skip_header=1)
    ids, target = table[:, 0].astype(int), table[:, 1:]
    mean = np.nanmean(target, axis=0)
    order = np.random.default_rng(0).permutation(len(ids))
    file = _write(tmp_path / "mean.csv", ids[order], np.tile(mean, (len(ids), 1)))
    result = score_predictions(file, votes)
    assert result.matched == len(ids) == 4097
    assert result.scores.overall.value == pytest.approx(
        np.sqrt(np.nanmean((target - mean) ** 2)), abs=1e-7
    )
    np.testing.assert_allclose(
        np.array([e.value for e in result.scores.answers]),
        np.sqrt(np.nanmean((target - mean) ** 2, axis=0)),
        atol=1e-7,
    )


def test_rows_in_another_order_and_missing_ones(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    target, predicted = rng.random((4, 37)), rng.random((4, 37))
    table = _write(tmp_path / "t.csv", ["a", "b", "c", "d"], target)
    file = _write(tmp_path / "p.csv", ["x", "d", "b", "a"], predicted)
    result = score_predictions(file, table)
    assert (result.matched, result.only_predicted, result.only_in_table) == (3, 1, 1)
    difference = predicted[[1, 2, 3]] - target[[3, 1, 0]]
    assert result.scores.overall.value == pytest.approx(np.sqrt(np.mean(difference**2)), abs=1e-7)


def test_long_ids_are_not_rounded(tmp_path: Path) -> None:
    """Two 18-digit ids that are one float; CSV on one side, parquet integers on the other."""
    first, second = 587722981736579107, 587722981736579108
    assert float(first) == float(second)
    target = np.full((2, 37), 0.5)
    predicted = np.array([np.full(37, 0.5), np.full(37, 0.0)])
    file = _write(tmp_path / "p.csv", [first, second], predicted)
    columns = {"GalaxyID": pa.array([second, first], pa.int64())}
    columns |= {name: pa.array(target[:, i]) for i, name in enumerate(COLUMNS)}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    result = score_predictions(file, tmp_path / "t.parquet")
    assert result.matched == 2
    assert result.scores.overall.value == pytest.approx((0.25 / 2) ** 0.5)


def test_tables_in_memory_score_as_their_files_do(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = _write(tmp_path / "t.csv", [1, 2, 3], rng.random((3, 37)))
    file = _write(tmp_path / "p.csv", [3, 1, 2], rng.random((3, 37)))
    expected = score_predictions(file, table).scores.overall
    # pandas 2 reads numbers to the last digit but one; Arrow to the last.
    predictions, truth = pacsv.read_csv(file).to_pandas(), pacsv.read_csv(table)
    in_memory = score_predictions(predictions, pl.from_arrow(truth))
    assert in_memory.scores.overall == expected
    assert score_predictions(file, truth.to_pandas()).scores.overall == expected
    with pytest.raises(ScoreError, match=f"no galaxy of <predictions in memory> is in {table}"):
        score_predictions({"GalaxyID": ["x"], "Class1.1": [0.5]}, table)


def test_the_id_column_may_have_another_name(tmp_path: Path) -> None:
    values = np.full((3, 37), 0.25)
    table = _write(tmp_path / "t.csv", [1, 2, 3], values, column="asset_id")
    file = _write(tmp_path / "p.csv", [3, 2, 1], values)
    assert score_predictions(file, table).matched == 3
    assert score_predictions(file, table, id_column="asset_id").matched == 3


def test_no_id_in_common_shows_ids_of_both(tmp_path: Path) -> None:
    table = _write(tmp_path / "t.csv", [100008, 100023], np.zeros((2, 37)))
    file = _write(tmp_path / "p.csv", ["100008.jpg", "100023.jpg"], np.zeros((2, 37)))
    with pytest.raises(ScoreError, match=r"(?s)'100008', '100023'.*'100008\.jpg', '100023\.jpg'"):
        score_predictions(file, table)


def test_an_id_twice(tmp_path: Path) -> None:
    table = _write(tmp_path / "t.csv", [1, 2], np.zeros((2, 37)))
    file = _write(tmp_path / "p.csv", [1, 1], np.zeros((2, 37)))
    with pytest.raises(CatalogError, match=r"p.csv: ids are repeated(?s:.*)first '1'"):
        score_predictions(file, table)


def test_unpredicted_answers_do_not_count_and_are_named(tmp_path: Path) -> None:
    target, predicted = np.full((3, 37), 0.5), np.full((3, 37), 0.5)
    predicted[:, -6:] = np.nan
    target[:, :3] = 0.7
    result = score_predictions(
        _write(tmp_path / "p.csv", [1, 2, 3], predicted),
        _write(tmp_path / "t.csv", [1, 2, 3], target),
    )
    assert result.scores.entries == 3 * 31
    assert result.scores.overall.value == pytest.approx((0.04 * 3 / 31) ** 0.5, rel=1e-6)
    assert "6 answers are not predicted and do not count: Class11.1" in result.notes[0]


def test_a_prediction_missing_for_one_galaxy_is_not_passed_over(tmp_path: Path) -> None:
    predicted = np.full((3, 37), 0.5)
    predicted[1, 0] = np.nan
    result = score_predictions(
        _write(tmp_path / "p.csv", [1, 2, 3], predicted),
        _write(tmp_path / "t.csv", [1, 2, 3], np.full((3, 37), 0.5)),
    )
    assert np.isnan(result.scores.overall.value)
    assert "predicted of others: 1 galaxy. The scores" in result.notes[0]


def test_conditional_predictions_against_a_joint_table(tmp_path: Path) -> None:
    """hart16 columns hold shares of those asked: 0.5 of the half that was asked is 0.25."""
    conditional = np.full((2, 37), 0.5)
    joint = np.full((2, 37), np.nan)
    joint[:, TREE.codes.index("1.1")] = joint[:, TREE.codes.index("1.2")] = 0.5
    joint[:, TREE.codes.index("1.3")] = 0.5
    joint[:, TREE.codes.index("7.1")] = 0.25
    hart16 = TREE.layout("hart16").columns
    result = score_predictions(
        _write(tmp_path / "p.csv", [1, 2], conditional, columns=hart16),
        _write(tmp_path / "t.csv", [1, 2], joint),
    )
    assert result.scores.entries == 8
    assert result.scores.overall.value == pytest.approx(0)


def test_a_cell_that_is_no_number(tmp_path: Path) -> None:
    table = _write(tmp_path / "t.csv", [1, 2], np.zeros((2, 37)))
    file = _write(tmp_path / "p.csv", [1, 2], np.zeros((2, 37)))
    file.write_text(file.read_text().replace("\n2,0.0", "\n2,much"))
    with pytest.raises(CatalogError, match=r"p.csv, column 'Class1.1'(?s:.*)'much' in the 2. row"):
        score_predictions(file, table)


def test_classes_numbered_and_probabilities_beside_them(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image,label\n1,0\n2,10\n3,2\n4,\n")
    (tmp_path / "p.csv").write_text(
        "image,0,2,10,label\n1,0.9,0.1,0,0\n2,0.1,0.8,0.1,2\n3,0.1,0.8,0.1,2\n4,0.1,0.8,0.1,2\n"
    )
    result = score_predictions(tmp_path / "p.csv", tmp_path / "t.csv")
    assert result.names == ("0", "2", "10")
    assert result.scores.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert result.notes == ("1 galaxy without a class in one of the tables is not scored.",)


def test_nothing_in_common(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,class\n1,a\n2,b\n")
    (tmp_path / "p.csv").write_text("id,kind\n1,a\n2,b\n")
    with pytest.raises(ScoreError, match="nothing that could be scored"):
        score_predictions(tmp_path / "p.csv", tmp_path / "t.csv")


def test_row_numbers_that_pandas_wrote_first_are_no_ids(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("GalaxyID,class\n0,a\n1,b\n2,b\n")
    (tmp_path / "p.csv").write_text(",GalaxyID,class\n0,1,b\n1,2,b\n2,0,a\n")
    assert score_predictions(tmp_path / "p.csv", tmp_path / "t.csv").scores.accuracy.value == 1


def test_a_class_that_pandas_wrote_as_nan_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,class\n1,a\n2,nan\n3,b\n")
    (tmp_path / "p.csv").write_text("id,class\n1,a\n2,a\n3,b\n")
    result = score_predictions(tmp_path / "p.csv", tmp_path / "t.csv")
    assert result.names == ("a", "b")
    assert result.scores.galaxies == 2


@pytest.mark.parametrize("argument", ["predictions", "table"])
def test_the_file_that_is_wrong_is_named_by_its_argument(tmp_path: Path, argument: str) -> None:
    file = _write(tmp_path / "p.csv", [1, 2], np.zeros((2, 37)))
    (tmp_path / "t.xls").touch()
    repeated = pa.table([[1], [2]], names=["id", "id "])
    wrong: list[Any] = [tmp_path / "no.csv", tmp_path, tmp_path / "t.xls", {"id": 3}, repeated, [1]]
    for value in wrong:
        with pytest.raises(GalaxyclassError) as caught:
            score_predictions(**{"predictions": file, "table": file, argument: value})
        assert caught.value.argument == argument
        hint = caught.value.hint or ""
        assert f"`{argument}`" in hint or "`" not in hint


def test_whole_floats_and_truth_words_are_the_same_classes(tmp_path: Path) -> None:
    predicted = {"id": [1, 2, 3, 4], "ring": [0, 1, 0, 1]}
    beside_empty = pd.DataFrame({**predicted, "ring": [0.0, 1.0, None, 1.0]})
    beside_empty.to_csv(tmp_path / "floats.csv", index=False)
    for table in (beside_empty, tmp_path / "floats.csv"):
        scores = score_predictions(predicted, table)
        assert (scores.names, scores.scores.galaxies) == (("0", "1"), 3)
        assert scores.scores.accuracy.value == 1
    truth = pd.DataFrame({**predicted, "ring": [False, True, False, True]})
    truth.to_csv(tmp_path / "truth.csv", index=False)
    assert score_predictions(truth, tmp_path / "truth.csv").scores.accuracy.value == 1


def test_classes_that_are_named_differently_are_refused() -> None:
    predicted = {"id": [1, 2, 3], "ring": ["No", "Yes", "No"]}
    with pytest.raises(ScoreError, match=r"(?s)no class in common.*got: +No, Yes are predicted"):
        score_predictions(predicted, {"id": [1, 2, 3], "ring": ["no", "yes", "no"]})


def test_predictions_in_percent_are_refused() -> None:
    columns = ["Class1.1", "Class1.2", "Class1.3"]
    votes = {"GalaxyID": ["1"], **dict(zip(columns, ([0.7], [0.2], [0.1]), strict=True))}
    percent = {"GalaxyID": ["1"], **dict(zip(columns, ([70.0], [20.0], [10.0]), strict=True))}
    with pytest.raises(CatalogError, match=r"(?s)not vote fractions.*got:    70"):
        score_predictions(percent, votes)
    # A linear model that is wide of the mark for one galaxy predicts fractions all the same.
    three = pd.DataFrame({"GalaxyID": ["1", "2", "3"], **dict.fromkeys(columns, 0.3)})
    wide = three.assign(**{"Class1.1": [0.3, 5.3, 0.3]})
    assert score_predictions(wide, three).scores.overall.value == pytest.approx(5 / 3)
