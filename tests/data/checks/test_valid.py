"""What is left of a catalog, and how a training refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.checks.checks import check
from galaxyclass.data.checks.valid import require_sound, sound
from galaxyclass.errors import InvalidCatalogError


def make(folder: Path, rows: list[str], images: int = 8) -> Catalog:
    for number in range(1, images + 1):
        (folder / f"{number}.jpg").touch()
    (folder / "t.csv").write_text("\n".join(rows))
    return read_catalog(folder, folder / "t.csv", id_column="id")


GOOD = ["id,Class6.1,Class6.2", "1,.5,.5", "2,1,0"]


def test_a_sound_catalog_passes_as_it_is(tmp_path: Path) -> None:
    catalog = make(tmp_path, GOOD)
    kept, left_out = require_sound(catalog, check(catalog), skip_invalid=False)
    assert kept is catalog
    assert left_out == []


def test_the_first_of_duplicates_stays(tmp_path: Path) -> None:
    catalog = make(tmp_path, [*GOOD, "1,.5,.5", "3,.5,.6", "40,1,0", "", ",1,0", "5,1", "6,0,1"])
    findings = check(catalog)
    np.testing.assert_array_equal(sound(catalog, findings), [0, 1, 5])
    kept, left_out = require_sound(catalog, findings, skip_invalid=True)
    assert kept.ids.values.tolist() == ["1", "2", "6"]
    assert kept.targets.fractions.shape == (3, 37)
    assert {one.code for one in left_out} == {
        "ragged_row", "row_without_id", "duplicate_id", "image_missing", "broken_sum",
    }  # fmt: skip
    assert not [one for one in check(kept) if one.severity == "error"]


def test_a_refusal_names_every_kind_and_its_first_rows(tmp_path: Path) -> None:
    rows = [*GOOD, "3,.5,.6", "4,.6,.6", "5,.7,.6", "6,.8,.6", "70,1,0"]
    catalog = make(tmp_path, rows)
    with pytest.raises(InvalidCatalogError) as caught:
        require_sound(catalog, check(catalog), skip_invalid=False)
    text = str(caught.value)
    assert text.startswith(f"{tmp_path}/t.csv: errors that would make a training wrong")
    assert "1 ids without an image" in text
    assert "line 8, id 70: no image of this name" in text
    assert "4 questions whose answers do not sum" in text
    assert "line 6, id 5: question 6" in text
    assert "line 7, id 6: question 6" not in text
    assert "and 1 more" in text
    assert f"`galaxyclass.validate('{tmp_path}', '{tmp_path}/t.csv')`" in text
    assert "`skip_invalid=True`" in text
    assert "columns_absent" not in text
    assert "without a column" not in text  # notes are no reason


def test_errors_of_the_whole_table_cannot_be_skipped(tmp_path: Path) -> None:
    catalog = make(tmp_path, ["id,class", "1,a", "2,a", "30,a"])
    with pytest.raises(
        InvalidCatalogError, match=r"(?s)only one class.*skip_invalid=True` cannot help"
    ):
        require_sound(catalog, check(catalog), skip_invalid=True)


def test_nothing_left(tmp_path: Path) -> None:
    catalog = make(tmp_path, ["id,Class6.1,Class6.2", "1,.5,.6", "2,1,1"])
    with pytest.raises(InvalidCatalogError, match=r"(?s)every galaxy.*cannot help"):
        require_sound(catalog, check(catalog), skip_invalid=True)
