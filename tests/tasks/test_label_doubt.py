"""Planted wrong labels are found."""

from __future__ import annotations

import numpy as np

from galaxyclass.tasks.label_doubt import doubt_classes, doubt_numbers


def test_wrong_classes_come_first() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    raw = 3 * np.eye(3)[truth] + rng.normal(size=(300, 3))
    probabilities = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    labels = truth.copy()
    labels[:15] = (truth[:15] + 1) % 3
    doubt = doubt_classes(probabilities, labels, ("a", "b", "c"))
    assert np.isin(np.argsort(-doubt.score)[:21], np.arange(15)).sum() >= 13
    assert doubt.probable[:15].sum() >= 9
    assert doubt.probable[15:].mean() < 0.05
    assert doubt.labels[0] == "abc"[labels[0]]


def test_numbers_are_in_units_of_their_noise() -> None:
    rng = np.random.default_rng(0)
    predictions = rng.uniform(size=(400, 2))
    values = predictions + rng.normal(0, [0.1, 0.2], (400, 2))
    values[3, 0] = predictions[3, 0] + 1.0
    values[4, 1] = np.nan
    doubt = doubt_numbers(predictions, values, np.full((400, 2), 0.005), ("x", "y"))
    assert doubt.score.argmax() == 3
    assert 8 < doubt.score[3] < 12
    assert doubt.suggestions[3].startswith("x = ")
    assert doubt.probable.sum() <= 2


def test_of_many_wide_outputs_only_planted_galaxies_are_named() -> None:
    rng = np.random.default_rng(0)
    predictions = rng.uniform(size=(500, 37))
    # Debiased votes scatter more widely than votes, and with more large differences.
    values = predictions + 0.1 * rng.standard_t(3, (500, 37))
    values[:10, 5] += 3.0
    doubt = doubt_numbers(
        predictions, values, np.full((500, 37), 0.002), tuple(map(str, range(37)))
    )
    assert doubt.probable[:10].all()
    assert doubt.probable[10:].mean() < 0.03
