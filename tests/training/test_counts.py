"""Counts go the whole way: read, checked, trained, predicted with what a model believes, scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

import galaxyclass
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.checks.checks import check
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.errors import BundleError, CatalogError
from galaxyclass.tasks.counts.targets import CountTargets
from galaxyclass.tasks.kinds import fit_task
from galaxyclass.training.train import train
from galaxyclass.trees.read import load_tree
from tests.support.sky import TINY, Sky, changed

TREE = load_tree("galaxy_zoo_2")
COLUMNS = next(each for each in TREE.published if each.name == "hart16_count").columns


@pytest.fixture(scope="module")
def table(small_sky: Sky) -> dict[str, Any]:
    """Votes of twenty people, as the fractions of a small sky say; question 10 is not there."""
    votes = csv.read_csv(small_sky.table)
    rng = np.random.default_rng(0)
    columns = {
        column: rng.binomial(20, votes[f"Class{code}"].to_numpy())
        for column, code in zip(COLUMNS, TREE.codes, strict=True)
        if not code.startswith("10.")
    }
    return {votes.column_names[0]: votes[0], **columns}


@pytest.fixture(scope="module")
def counted(small_sky: Sky, table: dict[str, Any]) -> Dataset:
    return Dataset(small_sky.images, table, counts=True)


@pytest.fixture(scope="module")
def run(counted: Dataset, small_sky: Sky, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("counts") / "run"
    train(
        "fast",
        counted,
        output=folder,
        settings=changed(TINY, "training.epochs=2"),
        cache=small_sky.cache,
        device="cpu",
        workers=1,
    )
    return folder


def test_counts_are_read_as_they_are(counted: Dataset, table: dict[str, Any]) -> None:
    targets = counted.catalog.targets
    assert isinstance(targets, CountTargets)
    np.testing.assert_array_equal(targets.counts[:, 0], table[COLUMNS[0]])
    assert np.isnan(targets.counts[:, TREE.slices[9]]).all()
    codes = {finding.code for finding in check(counted.catalog)}
    assert "columns_absent" in codes
    assert "votes_converted" not in codes
    parted = {**table, COLUMNS[0]: table[COLUMNS[0]] + 0.5}
    parted_codes = {each.code for each in check(read_catalog(counted.images, parted, counts=True))}
    assert "counts_not_whole" in parted_codes


def test_a_table_without_counts_is_refused(small_sky: Sky) -> None:
    with pytest.raises(CatalogError, match="no counts of votes") as caught:
        read_catalog(small_sky.images, small_sky.table, counts=True)
    assert caught.value.hint == "leave `counts` out: the table has fractions of votes"
    with pytest.raises(CatalogError, match="at once"):
        read_catalog(small_sky.images, small_sky.table, counts=True, numbers="Class1.1")


def test_beliefs_are_predicted_and_scored(run: Path, counted: Dataset, tmp_path: Path) -> None:
    evaluation = galaxyclass.evaluate(
        run, counted.images, counted.table, part="all", output=tmp_path / "scores"
    )
    figures = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert figures["score"] == "rmse"
    assert figures["log_likelihood"]["value"] < 0
    assert 0 < figures["count_coverage"]["value"] <= 1
    assert [sum(each["galaxies"] for each in figures["by_votes"])] == [60]
    predicted = galaxyclass.load_model(run).predict_to_file(
        counted.images, output=tmp_path / "p.parquet", include=["posterior", "draws"]
    )
    table = pq.read_table(predicted.output)
    name = COLUMNS[0].replace("_count", "_fraction")
    share = table[name].to_numpy()
    assert (table[f"{name}_lower"].to_numpy() < share).all()
    assert (table[f"{name}_upper"].to_numpy() > share).all()
    draws = np.stack([table[f"{name}_draw{n}"].to_numpy() for n in range(1, 11)])
    assert (draws.std(axis=0) > 0).all()
    winding = COLUMNS[TREE.slices[9]][0].replace("_count", "_fraction")
    assert table[winding].null_count == 60
    # What was read again from the table of predictions is what the network gave.
    assert evaluation.scores.main.value < 0.5


def test_a_model_of_the_fractions_of_counts_reads_their_table(
    small_sky: Sky, table: dict[str, Any]
) -> None:
    targets = read_catalog(small_sky.images, table).targets
    assert targets is not None
    task = fit_task(targets, np.arange(60))
    again = read_catalog(small_sky.images, table, **task.table_arguments(list(table)))
    np.testing.assert_array_equal(again.targets.values(), targets.values())


def test_a_model_of_fractions_has_no_beliefs(tmp_path: Path, small_sky: Sky) -> None:
    with pytest.raises(BundleError, match="does not say how sure it is"):
        galaxyclass.load_model().predict_to_file(
            small_sky.images, output=tmp_path / "p.parquet", include=["posterior"]
        )


def test_baselines_of_counts(counted: Dataset, small_sky: Sky, tmp_path: Path) -> None:
    baselines = galaxyclass.baseline(counted, output=tmp_path, cache=small_sky.cache)
    assert baselines.scores[0].key == "mean_vector"
    assert all(np.isfinite(each.overall.value) for each in baselines.scores)
