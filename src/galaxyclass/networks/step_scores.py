"""Scores of training steps, averaged over an epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


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


def right_classes(predictions: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The number of right predictions of known classes ``(galaxies,)``, and of known classes."""
    known = targets >= 0
    return ((predictions.argmax(dim=1) == targets) & known).sum().float(), known.sum()


#: Name of a score (`Task.step_score`) -> its functions.
STEP_SCORES: dict[str, StepScore] = {
    "rmse": StepScore(squared_errors, torch.sqrt),
    "accuracy": StepScore(right_classes, lambda mean: mean),
}
