"""Predictions against votes, and against each other."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np


def read(path: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Columns, ids and values (galaxies, columns) of a table, NaN where a cell is empty."""
    with path.open(newline="") as file:
        head, *rows = csv.reader(file)
    values = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows])
    return head[1:], [row[0] for row in rows], values


def score(votes: Path, predictions: Path, seed: int = 0) -> tuple[float, float, float]:
    """RMSE over the answers that are known for every galaxy, with its 95 % interval.

    The interval is that of 1,000 bootstrap samples of galaxies.

    Raises
    ------
    ValueError
        A galaxy or an answer has no prediction.
    """
    answers, ids, truth = read(votes)
    columns, predicted_ids, values = read(predictions)
    known = np.flatnonzero(np.isfinite(truth).all(axis=0))
    where = {name: place for place, name in enumerate(predicted_ids)}
    if missing := [name for name in ids if name not in where]:
        raise ValueError(f"{predictions}: {len(missing)} galaxies without predictions")
    places = [columns.index(answers[place]) for place in known]
    predicted = values[[where[name] for name in ids]][:, places]
    if not np.isfinite(predicted).all():
        raise ValueError(f"{predictions}: empty cells")
    errors = ((predicted - truth[:, known]) ** 2).mean(axis=1)
    picks = np.random.default_rng(seed).integers(len(errors), size=(1000, len(errors)))
    low, high = np.quantile(np.sqrt(errors[picks].mean(axis=1)), [0.025, 0.975])
    return float(np.sqrt(errors.mean())), float(low), float(high)


def difference(first: Path, second: Path) -> float:
    """Root of the mean squared difference of two tables of predictions, where both have values."""
    (names, ids, values), (other_names, other_ids, other) = read(first), read(second)
    if set(ids) != set(other_ids):
        raise ValueError(f"{first} and {second} are not about the same galaxies")
    where = {name: place for place, name in enumerate(other_ids)}
    columns = [other_names.index(name) for name in names]
    gaps = values - other[[where[name] for name in ids]][:, columns]
    return float(np.sqrt(np.nanmean(gaps**2)))
