"""Which galaxies to label next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.errors import ArgumentError, CatalogError, OutputError
from galaxyclass.selection.choose import distances_to, spread_out
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.undecided import relative_width

TREE = [f"Class{code}" for code in galaxyclass.load_tree("galaxy_zoo_2").codes]


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """Twenty galaxies on an arc; the first question is least decided in the middle."""
    angle = np.linspace(0, 3, 20)
    columns = {name: np.zeros(20, np.float32) for name in TREE}
    columns["Class1.1"] = np.linspace(0, 1, 20).astype(np.float32)
    columns["Class1.2"] = 1 - columns["Class1.1"]
    embedding = {"embedding_0": np.cos(angle), "embedding_1": np.sin(angle)}
    path = tmp_path / "sky.parquet"
    table = {"GalaxyID": np.arange(100, 120), **columns, "strangeness": angle, **embedding}
    pq.write_table(pa.table(table), path)
    return path


def test_the_least_decided(predictions: Path) -> None:
    chosen = galaxyclass.select(predictions, count=4, spread=1)
    assert sorted(chosen.ids) == [108, 109, 110, 111]
    assert chosen.candidates == 20
    assert chosen.table.column_names[:3] == ["GalaxyID", "reason", "Class1.1"]
    assert all("of 20" in reason for reason in chosen.reasons)


def test_the_predictions_are_never_replaced(predictions: Path) -> None:
    chosen, before = galaxyclass.select(predictions, count=4), predictions.read_bytes()
    with pytest.raises(OutputError, match="the predictions themselves"):
        chosen.write(predictions, overwrite=True)
    assert predictions.read_bytes() == before


def test_numbers_are_uncertain_by_the_widths_of_their_intervals() -> None:
    """Each in units of its column's mean width; a column without intervals does not count."""
    widths = np.array([[1.0, 1000, np.nan], [3, 1000, np.nan], [1, 1900, np.nan], [1, 100, np.nan]])
    assert np.argsort(-relative_width(widths))[:2].tolist() == [1, 2]
    assert np.allclose(relative_width(widths[:, :1]), widths[:, 0] / 1.5)


def test_no_embedding_is_needed_where_none_is_compared(predictions: Path) -> None:
    table = pq.read_table(predictions).drop_columns(["embedding_0", "embedding_1"])
    assert galaxyclass.select(table, by="likely", answer="1.1", count=1).ids == [119]
    assert galaxyclass.select(table, by="strange", count=1).ids == [119]
    assert len(galaxyclass.select(table, by="random")) == 20
    assert set(galaxyclass.select(table, count=2).ids) == {109, 110}
    with pytest.raises(CatalogError, match="no embedding"):
        galaxyclass.select(table, spread=2)


def test_predictions_in_memory_are_chosen_as_those_in_a_file(predictions: Path) -> None:
    table = pq.read_table(predictions)
    for arguments in ({"spread": 3}, {"by": "unlike", "labelled": {"id": ["100"]}}):
        chosen = galaxyclass.select(table, count=3, **arguments)
        assert chosen.predictions is None
        assert "in memory" in repr(chosen)
        in_file = galaxyclass.select(predictions, count=3, **arguments)
        assert chosen.ids == in_file.ids


def test_likely_strange_and_conditions(predictions: Path) -> None:
    likely = galaxyclass.select(predictions, by="likely", answer="1.1", count=2, spread=1)
    assert likely.ids == [119, 118]
    # The best first, however alike.
    assert galaxyclass.select(predictions, by="likely", answer="1.1").ids == [*range(119, 99, -1)]
    strange = galaxyclass.select(predictions, by="strange", count=1, spread=1, where=["1.1 < 0.5"])
    assert (strange.ids, strange.candidates) == ([109], 10)


def test_unlike_what_is_labelled(predictions: Path) -> None:
    labelled = pa.table({"name": ["100", "101", "119"], "ring": [1, 0, 1]})
    chosen = galaxyclass.select(predictions, by="unlike", labelled=labelled, count=1, spread=1)
    assert chosen.ids[0] in {109, 110, 111}
    assert chosen.candidates == 17


def test_random_is_the_same_for_a_seed(predictions: Path) -> None:
    first = galaxyclass.select(predictions, by="random", count=5, seed=1).ids
    assert galaxyclass.select(predictions, by="random", count=5, seed=1).ids == first
    assert galaxyclass.select(predictions, by="random", count=5, seed=2).ids != first


def test_what_cannot_be_chosen(predictions: Path) -> None:
    with pytest.raises(ArgumentError, match="likely to be what"):
        galaxyclass.select(predictions, by="likely")
    with pytest.raises(ArgumentError, match="unlike which"):
        galaxyclass.select(predictions, by="unlike")
    with pytest.raises(ArgumentError, match="no column"):
        galaxyclass.select(predictions, by="likely", answer="9.9")
    with pytest.raises(CatalogError, match="no labelled galaxy"):
        galaxyclass.select(predictions, labelled=pa.table({"name": ["x"]}))
    with pytest.raises(CatalogError, match="no galaxy is left"):
        galaxyclass.select(predictions, where=["1.1 > 2"])


def test_chosen_galaxies_are_spread_out() -> None:
    """Three groups, of which one is labelled: one of each other group is chosen first."""
    random = np.random.default_rng(0)
    groups = np.repeat(np.eye(3), 10, axis=0) + random.normal(size=(30, 3)) * 0.02
    vectors = (groups / np.linalg.norm(groups, axis=1, keepdims=True)).astype(np.float32)
    chosen = spread_out(vectors, np.arange(30), np.array([0]), 2)
    assert sorted(chosen // 10) == [1, 2]
    assert len(set(spread_out(vectors, np.arange(30), np.zeros(0, int), 40))) == 30
    distances = distances_to(vectors, np.array([0, 15]))
    assert np.abs(distances - (1 - (vectors @ vectors[[0, 15]].T).max(axis=1))).max() < 1e-6


def test_uncertainty_of_classes_is_their_entropy() -> None:
    task = ClassTask("class", ("a", "b", "c"), (0.3, 0.3, 0.4))
    measured = task.uncertainty(np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0]]))
    assert np.allclose(measured, [0, 1, np.log(2) / np.log(3)])


def test_the_command(predictions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = predictions.with_name("next.csv")
    command = ["select", str(predictions), "--count", "3", "--output", str(output)]
    assert main(command) == 0
    assert "3 of 20 galaxies" in capsys.readouterr().out
    assert output.read_text().count("\n") == 4
    assert main(command) == 1
    assert "exists" in capsys.readouterr().err


def test_a_repeated_id_of_a_labelled_galaxy_is_labelled_too(predictions: Path) -> None:
    table = pq.read_table(predictions)
    pq.write_table(pa.concat_tables([table, table.slice(0, 3)]), predictions)
    chosen = galaxyclass.select(predictions, labelled=pa.table({"id": ["100", "102"]}), count=50)
    assert not {100, 102} & set(chosen.ids)
    assert chosen.candidates == 19


@pytest.mark.parametrize(
    "unused",
    [
        {"answer": "1.1"},
        {"by": "strange", "answer": "1.1"},
        {"by": "random", "spread": 2},
        {"by": "random", "model": "pretrained"},
    ],
)
def test_what_does_nothing_to_the_measure_is_refused(
    predictions: Path, unused: dict[str, Any]
) -> None:
    with pytest.raises(ArgumentError, match="does nothing to galaxies that are chosen by"):
        galaxyclass.select(predictions, **unused)
