"""Models side by side, of tasks whose scores need all outputs at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from galaxyclass import load_tree
from galaxyclass.reports.comparison import paired_differences
from galaxyclass.reports.kinds import sections_of
from galaxyclass.tasks.counts.targets import CountTargets
from galaxyclass.tasks.counts.task import CountTask
from galaxyclass.tasks.numbers.targets import NumberTargets
from galaxyclass.tasks.numbers.task import NumberTask


def scored(task: Any, values: Any, **predictions: Any) -> list[Any]:
    return [
        SimpleNamespace(name=name, task=task, predictions=each, values=values, seed=0)
        for name, each in predictions.items()
    ]


def test_each_column_of_numbers_is_compared() -> None:
    rng = np.random.default_rng(0)
    numbers = (rng.normal(0, 1, (100, 2)) * [1, 1000]).astype(np.float32)
    task = NumberTask.fit(NumberTargets(("z", "mass"), numbers), np.arange(100))
    spread = numbers.std(axis=0)
    models = scored(task, numbers, a=numbers + spread * [0.5, 0], b=numbers + spread * [0, 0.25])
    found = {each.of: (each.score, each.reference_score) for each in paired_differences(models)}
    assert list(found) == ["all", "z", "mass"]
    np.testing.assert_allclose(found["z"], (0, 0.5), atol=1e-5)
    np.testing.assert_allclose(found["mass"], (0.25, 0), atol=1e-5)


def test_counts_are_compared() -> None:
    rng, tree = np.random.default_rng(0), load_tree("galaxy_zoo_decals")
    counts = rng.integers(1, 20, (50, len(tree.answers))).astype(np.float32)
    counts[0, tree.slices[0]] = 10, 20, 10
    layout = next(each for each in tree.published if each.kind == "counts")
    known = np.ones(len(tree.answers), bool)
    task = CountTask.fit(CountTargets(tree, layout, counts, known), np.arange(50))
    models = scored(task, counts, a=rng.gamma(2, size=counts.shape), b=counts + 0.5)
    caption = sections_of(task).caption(task, np.full(len(tree.answers), 2.0), counts[0])
    assert caption.splitlines()[0] == "smooth 0.33 (true 0.25 of 40 votes)"
    found = paired_differences(models)
    assert found[0].of == "all"
    assert all(each.difference < 0 and each.is_clear for each in found)
