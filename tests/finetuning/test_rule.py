"""The rule on one answer, in words; and the table of suspects."""

from __future__ import annotations

import numpy as np
import pytest

from galaxyclass.finetuning.finetune import _rule
from galaxyclass.finetuning.fit_probe import FittedAnswer
from galaxyclass.finetuning.suspects import _table
from galaxyclass.model.probe import NetworkProbe
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.tasks.classes.task import ClassTask


@pytest.mark.parametrize(
    ("slope", "rule"),
    [
        (0.0, "spiral"),  # of pictures that are all alike
        (1e-9, "spiral above 1 for 'b'"),
        (-1e-9, "spiral below 0 for 'b'"),
        (0.6, "spiral above 0.731 for 'b'"),
    ],
)
def test_rules_without_a_number_to_compute(slope: float, rule: str) -> None:
    targets = ClassTargets("kind", ("a", "b"), np.array([0, 1]))
    task = ClassTask.fit(targets, np.arange(2))
    weights = np.array([[0, 0], [0, slope]])
    probe = NetworkProbe(np.zeros((0, 2)), weights, np.zeros((0, 2)), np.array([0.3, -0.3]))
    assert _rule(FittedAnswer(probe, np.zeros((2, 2)), {}, "spiral"), task) == rule


def test_ids_of_a_column_with_the_name_of_another() -> None:
    columns = {"id": ["7"], "label": ["a"], "score": [1.0]}
    table = _table("label", columns, np.array([0]))
    assert table.to_pylist() == [{"label_of_galaxy": "7", "label": "a", "score": 1.0}]
