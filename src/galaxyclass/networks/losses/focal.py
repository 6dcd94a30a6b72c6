"""The focal loss, as system 2 states it."""

from __future__ import annotations

import torch
from torch import Tensor

#: How close to 0 and 1 a prediction counts as: predictions are clipped to [eps, 1 - eps].
EPS = 1e-7


def focal(predictions: Tensor, targets: Tensor, alpha: float, gamma: float) -> Tensor:
    """Focal loss of each entry.

    Parameters
    ----------
    predictions : (galaxies, classes) float, 0..1
    targets : (galaxies, classes) float, 0 or 1
    alpha : float
        Weight of the positive entries; the negative ones have 1 - alpha.
    gamma : float
        How little an entry counts that is right already; 0 leaves the weighted binary
        cross-entropy.

    Returns
    -------
    (galaxies, classes) float
        ``alpha_t * (1 - p_t)**gamma * -log(p_t)``, where ``p_t`` is the prediction where the target
        is 1 and 1 minus it elsewhere, and ``alpha_t`` likewise.

    Notes
    -----
    Lin et al. 2017, *Focal Loss for Dense Object Detection*, equation 5.

    Examples
    --------
    >>> value = focal(torch.tensor([[0.8]]), torch.tensor([[1.0]]), alpha=0.25, gamma=2.0)
    >>> round(value.item(), 6)  # 0.25 * 0.2**2 * -log(0.8)
    0.002231
    """
    clipped = predictions.clamp(EPS, 1 - EPS)
    right = torch.where(targets == 1, clipped, 1 - clipped)
    weight = torch.where(targets == 1, alpha, 1 - alpha)
    return weight * (1 - right) ** gamma * -right.log()
