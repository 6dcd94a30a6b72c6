"""`Dataset`: the same galaxies whether its tables are files or in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy.table import Table
from numpy.typing import NDArray
from PIL import Image

import galaxyclass
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import ArgumentError, ArgumentTypeError, CatalogError
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.tasks.votes.targets import VoteTargets

#: Beyond 2^53, so that a float would show.
IDS = [587722981748965649 + number for number in range(3)]
VOTES: dict[str, Any] = {
    "dr7objid": IDS,
    "Class1.1": [0.25, 1.0, 0.1],
    "Class1.2": [0.5, 0.0, 0.7],
    "Class1.3": [0.25, 0.0, 0.2],
    "redshift": [0.1, None, 0.3],
}

FORMATS: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "csv": lambda columns, folder: _written(pd.DataFrame(columns), folder / "votes.csv"),
    "parquet": lambda columns, folder: _written(pd.DataFrame(columns), folder / "votes.parquet"),
    "pandas": lambda columns, _: pd.DataFrame(columns),
    "polars": lambda columns, _: pl.DataFrame(columns),
    "astropy": lambda columns, _: Table.from_pandas(pd.DataFrame(columns)),
    "arrow": lambda columns, _: pa.table(columns),
    "mapping": lambda columns, _: columns,
}


def _written(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three small pictures, named by their ids."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, name in enumerate(IDS):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{name}.png")
    return folder


def _known(catalog: Catalog) -> NDArray[np.float32]:
    assert isinstance(catalog.targets, VoteTargets)
    return catalog.targets.fractions[:, :3]


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_of_a_table_reads_as_the_same_catalog(
    form: str, images: Path, tmp_path: Path
) -> None:
    dataset = Dataset(images, FORMATS[form](VOTES, tmp_path))
    catalog = dataset.catalog
    assert catalog.ids.column == "dr7objid"
    assert catalog.ids.integer
    assert catalog.ids.values.tolist() == [str(name) for name in IDS]
    assert catalog.paths.tolist() == [str(images / f"{name}.png") for name in IDS]
    expected = np.array([VOTES[f"Class1.{number}"] for number in (1, 2, 3)], np.float32).T
    np.testing.assert_array_equal(_known(catalog), expected)
    assert catalog.other is not None
    assert catalog.other.column_names == ["redshift"]
    assert catalog.problems == ()
    assert len(dataset) == 3


@pytest.mark.parametrize("form", FORMATS)
def test_classes_and_gaps(form: str, images: Path, tmp_path: Path) -> None:
    table = FORMATS[form]({"id": IDS, "kind": ["disc", None, "ball"]}, tmp_path)
    targets = Dataset(images, table).catalog.targets
    assert isinstance(targets, ClassTargets)
    assert targets.classes == ("ball", "disc")
    assert targets.labels.tolist() == [1, -1, 0]


def test_columns_are_chosen_and_classes_are_made_of_votes(images: Path) -> None:
    table = {**VOTES, "other": IDS[::-1], "kind": ["a", "b", "a"]}
    chosen = Dataset(images, table, id_column="other", target_column="kind").catalog
    assert chosen.ids.column == "other"
    assert isinstance(chosen.targets, ClassTargets)
    made = Dataset(images, VOTES, classes="argmax:1")
    assert isinstance(made.as_read.targets, VoteTargets)
    targets = made.catalog.targets
    assert isinstance(targets, ClassTargets)
    names = [targets.classes[label] for label in targets.labels]
    assert names == ["features_or_disc", "smooth", "features_or_disc"]


@pytest.mark.parametrize("rule", ["six", "argmax", "argmax:", "Five", "max:1"])
def test_a_rule_for_classes_that_is_none_is_refused_at_the_door(images: Path, rule: str) -> None:
    with pytest.raises(ArgumentError, match="five, or argmax:QUESTION") as caught:
        Dataset(images, VOTES, classes=rule)
    assert caught.value.argument == "classes"


@pytest.mark.parametrize(
    ("rule", "table", "message"),
    [
        ("argmax:99", VOTES, "no such question"),
        ("five", {"id": IDS, "class": ["a", "b", "b"]}, "has no vote fractions"),
    ],
)
def test_validation_looks_up_the_rule_for_classes(
    images: Path, rule: str, table: dict[str, Any], message: str
) -> None:
    with pytest.raises(CatalogError, match=message) as caught:
        Dataset(images, table, classes=rule).validate()
    assert caught.value.argument == "classes"


def test_a_table_is_read_once_and_only_when_it_is_asked_for(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path / "no images", tmp_path / "no table.csv")
    with pytest.raises(CatalogError, match="no images"):
        len(dataset)
    (tmp_path / "no images").mkdir()
    (tmp_path / "no images" / "1.png").touch()
    (tmp_path / "no table.csv").write_text("id,kind\n1,a\n")
    assert dataset.catalog is dataset.catalog


def test_messages_name_the_row_of_a_table_in_memory(images: Path) -> None:
    votes = {**VOTES, "Class1.1": [0.25, 1.0, 7.0]}
    report = Dataset(images, pd.DataFrame(votes)).validate(workers=1)
    (finding,) = [finding for finding in report.errors if finding.code == "fraction_out_of_range"]
    assert finding.row == 3
    assert finding.id == str(IDS[2])
    assert "<table in memory>, row 3" in finding.message
    with pytest.raises(CatalogError, match="<table in memory>: the table has no rows"):
        len(Dataset(images, {"id": []}))


def test_validate_takes_a_table_in_memory(images: Path) -> None:
    report = galaxyclass.validate(images, pl.DataFrame(VOTES), workers=1)
    assert report.ok
    assert json.loads(report.to_json())["table"] == "<table in memory>"


def test_read_catalog_takes_a_table_in_memory(images: Path) -> None:
    np.testing.assert_array_equal(
        _known(galaxyclass.read_catalog(images, pd.DataFrame(VOTES))),
        _known(Dataset(images, VOTES).catalog),
    )


@pytest.mark.parametrize("table", [5, [1, 2], np.zeros((3, 2))])
def test_what_is_neither_a_path_nor_a_table(table: object) -> None:
    with pytest.raises(ArgumentTypeError, match=r"not a table|`table` cannot be"):
        Dataset("images", table)


def test_its_repr_says_what_it_is() -> None:
    assert repr(Dataset("sky")) == "<Dataset of sky and a folder for each class>"
    assert repr(Dataset("sky", "a.csv")) == "<Dataset of sky and a.csv>"
    frame = pd.DataFrame({"id": range(1200)})
    many = Dataset("sky", frame, also=[("more", "b.csv"), Dataset("sky", "c.csv")])
    assert repr(many) == "<Dataset of sky and a table of 1,200 rows, also 2 more tables>"


def test_as_dataset_takes_one_as_it_is() -> None:
    dataset = Dataset("sky", "a.csv")
    assert as_dataset(dataset) is dataset
    assert as_dataset("sky", "a.csv").table == Path("a.csv")
    with pytest.raises(CatalogError, match="has a table already"):
        as_dataset(dataset, "b.csv")


def test_tables_beside_a_table_beside_it_are_not_lost() -> None:
    more = Dataset("more", "b.csv", also=[("others", "c.csv")])
    dataset = Dataset("sky", "a.csv", also=[more])
    assert [str(each.table) for each in dataset.tables] == ["a.csv", "b.csv", "c.csv"]
    assert not any(each.also for each in dataset.tables)
    assert len(Dataset("sky", "a.csv", also=more).tables) == 3


def test_it_comes_back_from_json() -> None:
    dataset = Dataset(
        "sky",
        "a.csv",
        id_column="name",
        classes="five",
        skip_invalid=True,
        also=[("more", "b.csv"), Dataset("folders", target_column="kind")],
    )
    data = json.loads(json.dumps(dataset.to_json()))
    assert data["images"] == str(Path("sky").resolve())
    again = Dataset.from_json(data)
    assert again.to_json() == dataset.to_json()
    assert [more.skip_invalid for more in again.also] == [True, False]
    assert [more.table for more in again.also] == [Path("b.csv").resolve(), None]
    assert again.also[1].target_column == "kind"


def test_its_identity_knows_tables_in_memory_by_their_values() -> None:
    first, second = (Dataset("sky", {"id": [1, 2], "kind": ["a", kind]}) for kind in "bb")
    assert first.identity == second.identity
    assert first.identity == Dataset("sky", pd.DataFrame(first.table.to_pydict())).identity
    others = [
        Dataset("sky", {"id": [1, 2], "kind": ["a", "c"]}),
        Dataset("sky", {"id": [1, 2], "kind": ["a", "b"]}, target_column="kind"),
        Dataset("sky", "a.csv"),
    ]
    assert first.identity not in [other.identity for other in others]


def test_tables_in_memory_get_files_that_read_the_same(images: Path, tmp_path: Path) -> None:
    kinds = {"id": IDS, "kind": ["a", None, "b"]}
    given = Dataset(
        images, pl.DataFrame(VOTES), also=[("more", "b.csv"), (images, pd.DataFrame(kinds))]
    )
    folder = tmp_path / "run"
    stored = given.with_files(folder)
    assert not folder.exists()
    assert stored.table == folder / "table.parquet"
    assert [more.table for more in stored.also] == [Path("b.csv"), folder / "table_3.parquet"]
    folder.mkdir()
    given.save_tables(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["table.parquet", "table_3.parquet"]
    assert read_table(folder / "table.parquet").to_pydict() == VOTES
    assert read_table(folder / "table_3.parquet").to_pydict() == kinds
    again = Dataset.from_json(json.loads(json.dumps(stored.to_json())))
    assert again.catalog.ids.integer
    assert again.catalog.ids.values.tolist() == given.catalog.ids.values.tolist()
    np.testing.assert_array_equal(_known(again.catalog), _known(given.catalog))
