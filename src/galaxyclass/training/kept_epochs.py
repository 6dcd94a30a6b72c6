"""Which epochs are kept: the best and the last, early stopping, a moving average of the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, WeightAveraging
from torch import Tensor

from galaxyclass.training.module import GalaxyModule


class Checkpoints(ModelCheckpoint):
    """Lightning's callback, for a run whose folder may be moved between stopping and resuming.

    Lightning forgets which epoch was best if the folder's path has changed. With progressive
    resizing, epochs before the full size are not compared: their scores are of smaller cutouts.
    """

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.monitor is None or _comparable(pl_module):
            super().on_train_epoch_end(trainer, pl_module)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        def moved(path: str) -> str:
            assert self.dirpath is not None, "fit names the folder"
            return str(Path(self.dirpath) / Path(path).name) if path else path

        super().load_state_dict(
            {
                **state_dict,
                "dirpath": self.dirpath,
                "best_model_path": moved(state_dict["best_model_path"]),
                "kth_best_model_path": moved(state_dict["kth_best_model_path"]),
                "last_model_path": moved(state_dict["last_model_path"]),
                "best_k_models": {
                    moved(path): value for path, value in state_dict["best_k_models"].items()
                },
            }
        )


class FullSizeEarlyStopping(EarlyStopping):
    """Lightning's callback, which waits until cutouts have their full size."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if _comparable(pl_module):
            super().on_train_epoch_end(trainer, pl_module)


def _comparable(module: pl.LightningModule) -> bool:
    assert isinstance(module, GalaxyModule), "fit trains this module"
    return module.at_full_size


def moving_average(decay: float) -> WeightAveraging:
    """Exponential moving average of weights and batch-norm statistics, step by step.

    The decay grows with the steps, ``min(decay, (1 + n) / (10 + n))``, so that a short training is
    not averaged with the noise that it began with (Polyak averaging as TensorFlow's
    ``ExponentialMovingAverage`` does it with ``num_updates``).
    """

    def average(averaged: list[Tensor], current: list[Tensor], steps: Tensor | int) -> None:
        # All tensors of one type at once: on a GPU, asking for the number of steps waits for it.
        count = float(steps)
        weight = min(decay, (1 + count) / (10 + count))
        for mean, value in zip(averaged, current, strict=True):
            mean.copy_(torch.lerp(value, mean, weight) if torch.is_floating_point(mean) else value)

    return WeightAveraging(multi_avg_fn=average)


def stopped_early(checkpoint: dict[str, Any]) -> bool:
    """Whether the training of a checkpoint was ended by early stopping."""
    for name, state in checkpoint.get("callbacks", {}).items():
        if name.startswith(FullSizeEarlyStopping.__name__):
            return bool(state["wait_count"] >= state["patience"])
    return False
