"""The coverage of intervals as `calibrate` and `evaluate` print it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galaxyclass.calibration.coverage import Coverage
    from galaxyclass.tasks.task import Task


def coverage_lines(task: Task, coverage: Coverage) -> list[str]:
    """By question; the answers that are covered least and most; by value; of uncertain galaxies."""
    from galaxyclass.calibration.coverage import VALUE_EDGES

    # A calibration of an older version has no shares of answers, nor by value.
    groups = task.group_names or task.interval_names
    rows = [*zip(groups, coverage.questions, strict=True), ("all", coverage.overall)]
    if not task.group_names:  # each output is shown by itself, and has a unit of its own
        return [f"{name:<22} {share:.1%}" for name, share in rows if not math.isnan(share)]
    answers = sorted(
        (share, name)
        for name, share in zip(task.interval_names, coverage.answers, strict=False)
        if not math.isnan(share)
    )
    if answers:
        rows += [
            (f"{word}: {name}", share)
            for word, (share, name) in (("worst", answers[0]), ("best", answers[-1]))
        ]
    rows += [
        (f"predicted {low:g} to {high:g}", share)
        for (low, high), share in zip(pairwise(VALUE_EDGES), coverage.by_value, strict=False)
    ]
    rows.append(("most uncertain fifth", coverage.uncertain_fifth))
    return [f"{name:<22} {share:.1%}" for name, share in rows if not math.isnan(share)]


def width_unit(task: Task) -> str:
    """What a width of intervals is in, in words; empty for fractions."""
    return "" if task.group_names else " of the range of the training galaxies"
