"""Batch normalisation whose statistics keep up with the weights in a short training."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
from torch.nn.modules.batchnorm import _BatchNorm

#: The running statistics are of the last twentieth of the steps. Measured on 240 to 2,000 galaxies
#: with and without averaged weights: with a ninth they lag behind, with the last step alone they
#: are noisy where weights are not averaged.
_PART = 20


class BatchNormMomentum(pl.Callback):
    """Sets the momentum of batch normalisation before each step.

    Running means and variances are moving averages over the steps. With the usual momentum of 0.1
    they still hold a third of their initial values (0 and 1) after ten steps, and are of the
    weights of ten steps before, while weights change fastest in the first steps. Here the momentum
    of a layer falls to its usual value: it is ``max(usual, 20 / (20 + step))``, steps counted from
    0. It changes no gradient, and costs nothing.

    A layer in evaluation mode is frozen and keeps its statistics. The momentum follows from the
    step alone, so that a resumed training repeats an uninterrupted one.
    """

    def __init__(self) -> None:
        self.usual: list[tuple[_BatchNorm, float]] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.usual = [
            (layer, layer.momentum)
            for layer in pl_module.modules()
            # Without a momentum, a layer averages all steps alike.
            if isinstance(layer, _BatchNorm) and layer.momentum is not None
        ]

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        for layer, usual in self.usual:
            layer.momentum = max(usual, _PART / (_PART + trainer.global_step))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for layer, usual in self.usual:
            layer.momentum = usual
