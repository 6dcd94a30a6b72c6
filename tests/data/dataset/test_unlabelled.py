"""Galaxies without a label are left out, counted and named; of classes, votes and numbers alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.prepare import Sample, prepare
from galaxyclass.errors import CatalogError, InvalidCatalogError
from galaxyclass.progress import silent
from galaxyclass.recipes.preprocessing import Preprocessing
from tests.support import fake

SETTINGS = Preprocessing(cutout="centre", size=16)


@pytest.mark.parametrize(
    ("header", "cells", "numbers"),
    [
        ("class", ("red", "blue", ""), ()),
        ("class", ("red", "blue", "nan"), ()),
        ("flux", ("1.5", "2.5", ""), ("flux",)),
        ("flux", ("1.5", "2.5", "NaN"), ("flux",)),
        ("Class1.1,Class1.2,Class1.3", ("1,0,0", "0,1,0", ",,"), ()),
    ],
)
def test_left_out(
    tmp_path: Path, header: str, cells: tuple[str, ...], numbers: tuple[str, ...]
) -> None:
    paths = fake.save_images(tmp_path / "sky", 9)
    table = tmp_path / "table.csv"

    def sample(rows: list[str]) -> Sample:
        lines = [f"{path.stem},{row}\n" for path, row in zip(paths, rows, strict=True)]
        table.write_text(f"GalaxyID,{header}\n" + "".join(lines))
        dataset = Dataset(tmp_path / "sky", table, numbers=numbers)
        return prepare(dataset, SETTINGS, cache=tmp_path / "cache", workers=1, progress=silent)

    read = sample([*cells * 2, cells[0], cells[0], cells[1]])
    assert len(read.rows) == 7
    (unlabelled,) = [each for each in read.unused if each.why == "without a label"]
    assert (unlabelled.kind, unlabelled.count) == ("rows", 2)
    assert paths[2].stem in unlabelled.names
    with pytest.raises((CatalogError, InvalidCatalogError)):
        sample([cells[2]] * 9)
