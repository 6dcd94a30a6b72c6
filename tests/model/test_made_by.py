"""The model that made predictions is found by what they say of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import galaxyclass
from galaxyclass.errors import BundleError
from galaxyclass.model.made_by import model_that_made
from galaxyclass.model.pretrained import pretrained_folder
from galaxyclass.model.provenance import provenance_of_file


def test_the_model_is_found_and_another_one_refused(tmp_path: Path) -> None:
    model = galaxyclass.load_model()
    made_by = {"sources": ["pretrained"], "digest": model.digest, "views": 2}
    found = model_that_made(made_by, "sky.parquet")
    assert (found.digest, found.views) == (model.digest, 2)
    assert model_that_made({}, "sky.parquet").digest == model.digest
    with pytest.raises(BundleError, match="another model"):
        model_that_made({**made_by, "digest": "0"}, "sky.parquet")
    with pytest.raises(BundleError, match=r"not there any more(?s:.*)which was runs/gone"):
        model_that_made({"sources": ["runs/gone"]}, "sky.parquet", beside=tmp_path)


def test_a_model_is_found_beside_the_file_of_predictions(tmp_path: Path) -> None:
    (tmp_path / "mine").symlink_to(pretrained_folder(), target_is_directory=True)
    digest = galaxyclass.load_model(pretrained_folder()).digest
    made_by = {"sources": ["mine"], "digest": digest}
    assert model_that_made(made_by, "sky.csv", beside=tmp_path).sources == (tmp_path / "mine",)


def test_where_the_provenance_of_a_file_stands(tmp_path: Path) -> None:
    predictions = galaxyclass.load_model().predict(np.zeros((1, 100, 100, 3), np.uint8))
    for name in ("p.parquet", "p.csv"):
        predictions.write(tmp_path / name)
        assert provenance_of_file(tmp_path / name)["sources"] == ["pretrained"]
    pq.write_table(pq.read_table(tmp_path / "p.parquet").replace_schema_metadata(), tmp_path / "q")
    assert provenance_of_file(tmp_path / "q") == {}
    assert provenance_of_file(tmp_path / "nothing.csv") == {}
