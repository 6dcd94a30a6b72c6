"""Losses that leave out what is unknown: NaN among vote fractions, -1 among classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from galaxyclass.recipes import Loss

#: (raw outputs, predictions, targets) -> mean over what is known, a scalar.
LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]

Task = Literal["votes", "classes"]

#: How close to 0 and 1 a prediction counts as, where its logarithm is taken.
_EDGE = 1e-7


def mse(_raw: Tensor, predictions: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error over the known fractions.

    Parameters
    ----------
    predictions, targets : (galaxies, answers) float, 0..1
        NaN in `targets` is unknown.
    """
    known = ~targets.isnan()
    error = torch.where(known, predictions - targets.nan_to_num(), 0.0)
    return error.square().sum() / known.sum().clamp(min=1)


def bce(_raw: Tensor, predictions: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy of each known fraction by itself.

    Parameters
    ----------
    predictions, targets : (galaxies, answers) float, 0..1
        NaN in `targets` is unknown.
    """
    known = ~targets.isnan()
    values = functional.binary_cross_entropy(
        predictions.clamp(_EDGE, 1 - _EDGE), targets.nan_to_num(), reduction="none"
    )
    return torch.where(known, values, 0.0).sum() / known.sum().clamp(min=1)


def cross_entropy(raw: Tensor, _predictions: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of classes, from the raw outputs.

    Parameters
    ----------
    raw : (galaxies, classes) float
        Before the softmax.
    targets : (galaxies,) int64
        Index of the class; -1 is unknown.
    """
    known = (targets >= 0).sum()
    total = functional.cross_entropy(raw.float(), targets, ignore_index=-1, reduction="sum")
    return total / known.clamp(min=1)


LOSSES: dict[str, LossFunction] = {"mse": mse, "bce": bce, "cross_entropy": cross_entropy}

#: Which losses suit which targets; the first is what ``auto`` stands for.
_SUITED: dict[Task, tuple[Loss, ...]] = {"votes": ("mse", "bce"), "classes": ("cross_entropy",)}


def resolve_loss(loss: Loss, task: Task) -> Loss:
    """The loss that ``auto`` stands for, or the recipe's own where it suits the targets.

    Examples
    --------
    >>> resolve_loss("auto", "votes"), resolve_loss("mse", "classes")
    ('mse', 'cross_entropy')
    """
    suited = _SUITED[task]
    return loss if loss in suited else suited[0]
