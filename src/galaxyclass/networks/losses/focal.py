"""The focal loss (docs/reference-designs.md#focal-resnet34)."""

from __future__ import annotations

import torch
from torch import Tensor

#: Predictions are clipped to [EPS, 1 - EPS].
EPS = 1e-7


def focal(predictions: Tensor, targets: Tensor, alpha: float, gamma: float) -> Tensor:
    """The focal loss of each entry.

    Parameters
    ----------
    predictions : (galaxies, classes) float, 0..1
    targets : (galaxies, classes) float, 0 or 1
    alpha : float
        Weight of the positive entries; the negative ones have 1 - alpha.
    gamma : float
        How strongly entries are down-weighted that are right already; 0 gives the weighted binary
        cross-entropy.

    Returns
    -------
    (galaxies, classes) float
        ``alpha_t * (1 - p_t)**gamma * -log(p_t)``: ``p_t`` is the prediction where the target is 1,
        and 1 minus the prediction elsewhere; ``alpha_t`` likewise.

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
    p_t = torch.where(targets == 1, clipped, 1 - clipped)
    alpha_t = torch.where(targets == 1, alpha, 1 - alpha)
    return alpha_t * (1 - p_t) ** gamma * -p_t.log()
