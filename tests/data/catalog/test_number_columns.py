"""Columns of numbers in tables: what is unknown, what the limits say, what is never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galaxyclass.argument_checks import Missing
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.checks.checks import check
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.tasks.numbers.targets import NumberTargets

IDS = [f"g{index}" for index in range(40)]
COLUMNS: dict[str, Any] = {
    "id": IDS,
    "T": [-6 + index % 18 for index in range(40)],
    "T_inf": [-7 + index % 18 for index in range(40)],
    "T_sup": [-3 + index % 18 for index in range(40)],
    "bar": [-1.0 if index % 5 == 0 else 0.25 * (index % 4) for index in range(40)],
}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in IDS:
        (tmp_path / f"{name}.jpg").touch()
    return tmp_path


def read(images: Path, numbers: Any, missing: Missing = (), **columns: Any) -> Catalog:
    return read_catalog(images, {**COLUMNS, **columns}, numbers=numbers, missing=missing)


def codes(catalog: Catalog) -> set[str]:
    return {finding.code for finding in check(catalog)} - {"few_galaxies", "table_note"}


def targets_of(catalog: Catalog) -> NumberTargets:
    assert isinstance(catalog.targets, NumberTargets)
    return catalog.targets


def test_numbers_and_their_limits_are_read(images: Path) -> None:
    catalog = read(images, ["T", "bar"], {"bar": -1})
    targets = targets_of(catalog)
    np.testing.assert_array_equal(targets.numbers[:, 0], COLUMNS["T"])
    assert np.isnan(targets.numbers[::5, 1]).all()
    assert targets.numbers[1, 1] == 0.25
    assert targets.errors is not None
    assert (targets.errors[:, 0] == 2).all()  # half of the distance
    assert np.isnan(targets.errors[:, 1]).all()
    assert targets.missing == ("bar=-1",)
    assert catalog.other is None  # the limits are used
    assert codes(catalog) == {"numbers_missing"}


def test_standard_errors_beside_a_column_are_read(images: Path) -> None:
    z = np.linspace(0.01, 0.2, 40)
    targets = targets_of(read(images, "z", z=z, z_err=np.full(40, 0.02)))
    assert targets.errors is not None
    assert (targets.errors == np.float32(0.02)).all()


def test_errors_that_cannot_be_are_unknown(images: Path) -> None:
    """-99 of a catalogue had become an error of 99."""
    z = np.linspace(0.01, 0.2, 40)
    catalog = read(images, "z", z=z, z_err=np.where(np.arange(40) == 3, -99, 0.02))
    errors = targets_of(catalog).errors
    assert errors is not None
    assert np.flatnonzero(np.isnan(errors[:, 0])).tolist() == [3]
    assert any("1 number without (empty, negative" in each.message for each in check(catalog))
    lengths = targets_of(read(images, "z", z=z, z_low=np.full(40, 0.3), z_high=np.full(40, 0.4)))
    assert lengths.errors is not None
    assert np.isnan(lengths.errors).all()


def test_numbers_too_large_for_floats_of_32_bits(images: Path) -> None:
    with pytest.raises(CatalogError, match=r"(?s)'L' holds numbers that are too large.*logarithms"):
        read(images, "L", L=np.logspace(38, 44, 40))


def test_a_value_that_looks_unknown_is_asked_about(images: Path) -> None:
    assert codes(read(images, "bar")) == {"number_sentinel"}
    assert codes(read(images, "T")) == set()  # -1 is a value like any other


def test_a_missing_value_that_looks_like_any_other_is_told(images: Path) -> None:
    findings = [each for each in check(read(images, "T", -1)) if each.code == "numbers_missing"]
    assert "-1 may be a value like any other here (`missing` can name a column: T=-1)" in (
        findings[0].message
    )


def test_a_missing_value_that_never_occurs_is_told(images: Path) -> None:
    (note,) = (each for each in check(read(images, "T", -99)) if each.code == "numbers_missing")
    assert "0 of 40 cells are -99" in note.message


def test_cells_that_are_no_numbers_are_errors(images: Path) -> None:
    z = ["0.1", "", "nan", "?", "inf", *map(str, np.linspace(0.2, 0.9, 35))]
    errors = [each for each in check(read(images, "z", z=z)) if each.severity == "error"]
    assert [(each.code, each.id) for each in errors] == [
        ("not_a_number", "g3"),
        ("not_a_number", "g4"),
    ]


def test_constant_and_two_valued_columns_are_told(images: Path) -> None:
    assert codes(read(images, "flat", flat=[1.5] * 40)) == {"constant_number"}
    assert codes(read(images, "ring", ring=[0, 1] * 20)) == {"number_classes"}
    assert codes(read(images, "size", size=[*np.linspace(1, 2, 39), 900])) == {"number_outliers"}


@pytest.mark.parametrize(
    ("numbers", "missing", "message"),
    [
        ("Tt", (), "no column 'Tt'"),
        (["T", "T"], (), "named twice"),
        ("name", (), "holds no numbers"),
        ("T", "bar=-1", "not predicted"),
        ("T", "none", "not a value"),
    ],
)
def test_what_cannot_be_read(images: Path, numbers: Any, missing: Missing, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        read(images, numbers, missing, name=[f"spiral {index}" for index in range(40)])


def test_the_id_is_nothing_to_predict(images: Path) -> None:
    for id_column in ("id", None):
        with pytest.raises(CatalogError, match="names the galaxies"):
            read_catalog(images, COLUMNS, id_column=id_column, numbers="id")


def test_missing_values_are_numbers(images: Path) -> None:
    with pytest.raises(ArgumentError, match="missing"):
        read(images, "T", float("nan"))


def test_numbers_and_classes_are_not_asked_for_at_once(images: Path) -> None:
    with pytest.raises(CatalogError, match="at once"):
        read_catalog(images, COLUMNS, numbers="T", target_column="T")


def test_many_integers_are_not_guessed_to_be_classes(images: Path) -> None:
    table = {"id": IDS, "T": COLUMNS["T"]}
    with pytest.raises(CatalogError, match="could hold classes or numbers") as caught:
        read_catalog(images, table)
    assert caught.value.hint == "as classes: `target_column='T'`; as numbers: `numbers='T'`"
    assert isinstance(read_catalog(images, table, target_column="T").targets, ClassTargets)


def test_numbers_are_never_guessed(images: Path) -> None:
    catalog = read_catalog(images, {"id": IDS, "z": np.linspace(0, 1, 40)})
    assert catalog.targets is None
    (finding,) = (each for each in check(catalog) if each.code == "no_target")
    assert "`numbers='z'`" in finding.message


def test_a_missing_value_of_a_mapping_keeps_all_digits(images: Path) -> None:
    flux = [-9999999.0 if index % 4 == 0 else index / 8 for index in range(40)]
    targets = targets_of(read(images, "flux", {"flux": np.float64(-9999999)}, flux=flux))
    assert targets.missing == ("flux=-9999999",)
    assert np.isnan(targets.numbers[::4, 0]).all()
