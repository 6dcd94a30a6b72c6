"""Losses with masks for unknown targets; tensors only."""

from galaxyclass.losses.masked import LOSSES, LossFunction, Task, resolve_loss

__all__ = ["LOSSES", "LossFunction", "Task", "resolve_loss"]
