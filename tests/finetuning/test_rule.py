"""The rule on one answer, in words; and the table of suspects."""

from __future__ import annotations

import numpy as np
import pytest

from galaxyclass.finetuning.fit_probe import FittedAnswer
from galaxyclass.finetuning.rule import rule_in_words
from galaxyclass.finetuning.suspects import suspects_table
from galaxyclass.model.probe import NetworkProbe
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.read import load_tree


@pytest.mark.parametrize(
    ("slope", "rule"),
    [
        (0.0, "spiral"),  # of pictures that are all alike
        (1e-9, "'b' where spiral is above 1"),
        (-1e-9, "'b' where spiral is below 0"),
        (0.6, "'b' where spiral is above 0.731"),
    ],
)
def test_rules_without_a_number_to_compute(slope: float, rule: str) -> None:
    targets = ClassTargets("kind", ("a", "b"), np.array([0, 1]))
    task = ClassTask.fit(targets, np.arange(2))
    weights = np.array([[0, 0], [0, slope]])
    probe = NetworkProbe(np.zeros((0, 2)), weights, np.zeros((0, 2)), np.array([0.3, -0.3]))
    answer = FittedAnswer(probe, np.zeros((2, 2)), {}, "spiral")
    assert rule_in_words(answer, task, beneath=task) == rule


def test_an_answer_of_a_tree_is_named_with_its_question() -> None:
    task = ClassTask("ring", ("0", "1"), (0.5, 0.5))
    tree = load_tree("galaxy_zoo_2")
    beneath = VoteTask(tree, tree.layouts[0], (True,) * 37, (0.5,) * 37)
    weights = np.zeros((74, 2))
    weights[18] = -2.0, 2.0
    probe = NetworkProbe(np.zeros((0, 2)), weights, np.zeros((0, 2)), np.array([0.5, -0.5]))
    answer = FittedAnswer(probe, np.zeros((2, 2)), {}, "Class8.1")
    assert rule_in_words(answer, task, beneath) == (
        "'1' where more than 0.25 of those asked 'Is the odd feature a ring, or is the galaxy "
        "disturbed or irregular?' say 'ring' (Class8.1)"
    )


def test_ids_of_a_column_with_the_name_of_another() -> None:
    columns = {"id": ["7"], "label": ["a"], "score": [1.0]}
    table = suspects_table("label", columns, np.array([0]))
    assert table.to_pylist() == [{"label_of_galaxy": "7", "label": "a", "score": 1.0}]
