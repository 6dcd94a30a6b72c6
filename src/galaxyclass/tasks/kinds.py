"""All kinds of tasks; a new kind is a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import BundleError
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.counts.task import CountTask
from galaxyclass.tasks.metric import Metric
from galaxyclass.tasks.numbers.task import NumberTask
from galaxyclass.tasks.targets import Targets
from galaxyclass.tasks.task import Task
from galaxyclass.tasks.votes.task import VoteTask

#: Kind -> task; the targets of the same kind are those that it predicts.
TASKS: dict[str, type[Task]] = {
    VoteTask.kind: VoteTask,
    ClassTask.kind: ClassTask,
    NumberTask.kind: NumberTask,
    CountTask.kind: CountTask,
}


def metric_named(key: str) -> Metric:
    """The metric of this key.

    Raises
    ------
    KeyError
        There is none.

    Examples
    --------
    >>> metric_named("rmse").label
    'RMSE'
    """
    return {task.metric.key: task.metric for task in TASKS.values()}[key]


def metric_of_history(row: Mapping[str, float]) -> Metric:
    """The metric whose scores stand in a row of a training's history.

    Examples
    --------
    >>> metric_of_history({"epoch": 1, "train_accuracy": 0.5}).key
    'accuracy'
    """
    metrics = (task.metric for task in TASKS.values())
    return next(metric for metric in metrics if f"train_{metric.key}" in row)


def fit_task(targets: Targets, training: NDArray[np.int64]) -> Task:
    """The task of predicting some targets; ``training`` are (n,) indices, as for `Task.fit`."""
    return TASKS[targets.kind].fit(targets, training)


def task_from_json(data: Mapping[str, Any], source: str) -> Task:
    """A task from what `Task.to_json` gave.

    Raises
    ------
    BundleError
        There is no such kind, or it is damaged.
    pydantic.ValidationError, TreeError
        It is damaged.
    """
    kind = data.get("kind")
    if kind not in TASKS:
        raise BundleError(
            f"{source}: the manifest is damaged",
            wanted=f"outputs of one of the kinds {', '.join(TASKS)}",
            got=f"kind {kind!r}",
        )
    return TASKS[kind].from_json(data, source)
