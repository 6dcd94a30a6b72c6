"""Scores of training steps, averaged over an epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from galaxyclass.networks.heads import joint_fractions
from galaxyclass.tasks.task import Task


@dataclass(frozen=True)
class StepScore:
    """A score that is a function of a mean over an epoch's known entries.

    Attributes
    ----------
    entries : callable
        From predictions ``(galaxies, outputs)`` and targets ``(galaxies, …)`` to the sum over the
        known entries and their number: two scalars.
    score : callable
        From the mean over the entries of an epoch to the score.
    """

    entries: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    score: Callable[[Tensor], Tensor]


def squared_errors(predictions: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of the squared errors of known values ``(galaxies, outputs)``; NaN is unknown."""
    known = ~targets.isnan()
    return torch.where(known, predictions - targets, 0.0).square().sum(), known.sum()


def scaled_squared_errors(task: Task) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """`squared_errors` in the units of the task's outputs (`Task.output_scales`)."""
    unit = torch.tensor(task.output_scales[1], dtype=torch.float32)

    def entries(predictions: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        on_device = unit.to(predictions.device, non_blocking=predictions.is_cuda)
        return squared_errors(predictions / on_device, targets / on_device)

    return entries


def errors_of_counts(task: Task) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """`squared_errors` of the joint fractions of concentrations and of counts."""
    tree = task.decision_tree
    assert tree is not None, "counts are of a tree"
    return lambda predictions, targets: squared_errors(
        joint_fractions(tree, predictions), joint_fractions(tree, targets)
    )


def right_classes(predictions: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The number of right predictions of known classes ``(galaxies,)``, and of known classes."""
    known = targets >= 0
    return ((predictions.argmax(dim=1) == targets) & known).sum().float(), known.sum()


def build_step_score(task: Task) -> StepScore:
    """The score of a task's training steps.

    Examples
    --------
    >>> from galaxyclass.tasks.classes.task import ClassTask
    >>> score = build_step_score(ClassTask("kind", ("disc", "star"), (0.5, 0.5)))
    >>> right, known = score.entries(torch.tensor([[0.2, 0.8]]), torch.tensor([1]))
    >>> int(right), int(known)
    (1, 1)
    """
    return STEP_SCORES[task.step_score](task)


#: Name of a score (`Task.step_score`) -> from the task to its functions.
STEP_SCORES: dict[str, Callable[[Task], StepScore]] = {
    "rmse": lambda _: StepScore(squared_errors, torch.sqrt),
    "nrmse": lambda task: StepScore(scaled_squared_errors(task), torch.sqrt),
    "count_rmse": lambda task: StepScore(errors_of_counts(task), torch.sqrt),
    "accuracy": lambda _: StepScore(right_classes, lambda mean: mean),
}
