"""Losses with masks for unknown targets; tensors only."""

from galaxyclass.losses.focal import focal
from galaxyclass.losses.masked import (
    SUITED,
    LossFunction,
    Task,
    balanced_weights,
    build_loss,
    cross_entropy,
    resolve_loss,
)

__all__ = [
    "SUITED",
    "LossFunction",
    "Task",
    "balanced_weights",
    "build_loss",
    "cross_entropy",
    "focal",
    "resolve_loss",
]
