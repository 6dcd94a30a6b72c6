"""The mean of a metric over the steps of an epoch, NaN if a step was NaN."""

from __future__ import annotations

from typing import Any

from torchmetrics import MeanMetric


class StepMean(MeanMetric):
    """Weighted mean over the steps of an epoch; NaN as soon as a step is NaN.

    By default torchmetrics skips NaN, which hides that a training has diverged; with
    ``nan_strategy="disable"`` it ignores the weights (1.9).

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
