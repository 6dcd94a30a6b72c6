"""Coverage as it is printed."""

from __future__ import annotations

import math

from galaxyclass.calibration.coverage import Coverage
from galaxyclass.cli.coverage import coverage_lines
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.read import load_tree

TREE = load_tree("galaxy_zoo_2")
TASK = VoteTask(TREE, TREE.layout("challenge"), (True,) * 37, (0.1,) * 37)


def test_worst_and_best_answers_and_what_is_known() -> None:
    answers = [math.nan] * 37
    answers[2:5] = 0.9, 0.865, 0.95
    coverage = Coverage(
        overall=0.905,
        questions=(0.91, 0.9, *9 * [math.nan]),
        answers=tuple(answers),
        by_value=(math.nan, math.nan, 0.89, math.nan, math.nan, 1.0),
        uncertain_fifth=0.88,
        width=0.2,
        constant_width=math.nan,
    )
    lines = [" ".join(line.split()) for line in coverage_lines(TASK, coverage)]
    assert lines == [
        "1 smooth or features 91.0%",
        "2 edge on 90.0%",
        "all 90.5%",
        "worst: Class2.1 86.5%",
        "best: Class2.2 95.0%",
        "predicted 0.1 to 0.3 89.0%",
        "predicted 0.9 to 1 100.0%",
        "most uncertain fifth 88.0%",
    ]


def test_a_calibration_of_an_older_version_knows_less() -> None:
    coverage = Coverage(0.9, (0.9,) * 11, (), (), math.nan, 0.2, 0.3)
    assert len(coverage_lines(TASK, coverage)) == 12
