"""The mean over an epoch, of steps of unequal weight, that shows when a step was no number."""

from __future__ import annotations

from typing import Any

from torchmetrics import MeanMetric


class StepMean(MeanMetric):
    """Weighted mean of what the steps of an epoch gave; NaN as soon as one of them was NaN.

    torchmetrics leaves NaN out unless told otherwise, which hides that a training has diverged;
    told otherwise (``nan_strategy="disable"``), it leaves out the weights (1.9).

    Examples
    --------
    >>> import torch
    >>> mean = StepMean()
    >>> mean.update(torch.tensor(1.0), torch.tensor(3))
    >>> mean.update(torch.tensor(2.0), torch.tensor(1))
    >>> mean.compute().item()
    1.25
    """

    def update(self, value: Any, weight: Any = 1) -> None:
        """Add a step: a number, and its weight."""
        self.mean_value += value * weight
        self.weight += weight
