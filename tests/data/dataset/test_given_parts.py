"""Parts that a column gives: nothing is drawn but a validation part that is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np

from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.dataset.parts import split_parts
from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.recipes.recipe import Split


def sample(folder: Path, parts: list[str]) -> Sample:
    for number in range(len(parts)):
        (folder / f"{number}.jpg").touch()
    rows = [f"{number},{'ab'[number % 2]},{part}" for number, part in enumerate(parts)]
    (folder / "t.csv").write_text("\n".join(["id,class,split", *rows]))
    catalog = read_catalog(folder, folder / "t.csv")
    digests = np.full(len(parts), b"", "S16")
    return Sample(catalog, (), cast(Any, None), np.arange(len(parts)), digests)


def test_all_three_are_heeded(tmp_path: Path) -> None:
    parts = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
    drawn = split_parts(sample(tmp_path, parts), Split(), 0)
    assert drawn.tolist() == ["train"] * 6 + ["validation"] * 2 + ["test"] * 2


def test_validation_is_drawn_from_the_training_part_alone(tmp_path: Path) -> None:
    made = sample(tmp_path, ["train"] * 40 + ["test"] * 10)
    drawn = split_parts(made, Split(validation=0.25, test=0.1), 0)
    assert drawn[40:].tolist() == ["test"] * 10
    assert (drawn[:40] == "validation").sum() == 10
    assert (drawn[:40] == "train").sum() == 30
