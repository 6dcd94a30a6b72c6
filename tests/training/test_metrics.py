"""Figures of an epoch: steps weigh what they know, and NaN is not left out."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
import torch

from galaxyclass.training.history import read_history
from galaxyclass.training.metrics import StepMean
from galaxyclass.training.train import train
from tests.support.sky import TINY, Sky, changed


def test_one_step_that_is_no_number_is_seen() -> None:
    mean = StepMean()
    for value in (1.0, math.nan, 2.0):
        mean.update(torch.tensor(value), torch.tensor(4))
    assert math.isnan(mean.compute().item())
    mean.reset()
    mean.update(torch.tensor(3.0), torch.tensor(2))
    assert mean.compute().item() == 3.0


def test_the_history_counts_known_answers_as_the_scores_do(sky: Sky, tmp_path: Path) -> None:
    """Half of the galaxies know only question 1, so that steps know unequally much."""
    with sky.table.open() as file:
        header, *rows = csv.reader(file)
    for number, row in enumerate(rows):
        if number % 2 == 0 or number < 30:
            row[4:] = [""] * len(row[4:])
    table = tmp_path / "votes.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    trained = train(
        "fast",
        sky.images,
        table,
        output=tmp_path / "run",
        settings=changed(TINY, "training.epochs=1", "training.batch_size=5", "training.ema=0"),
        cache=sky.cache,
        device="cpu",
        workers=1,
    )
    last = read_history(tmp_path / "run" / "history.csv")[-1]
    value = trained.metrics.parts["validation"]["value"]
    assert value == pytest.approx(last["validation_rmse"], rel=1e-5)
