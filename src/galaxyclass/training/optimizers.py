"""Optimisers and schedules of the learning rate."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn, optim
from torch.optim import lr_scheduler

from galaxyclass.recipes.recipe import Recipe
from galaxyclass.training.muon import Muon


def build_optimizer(recipe: Recipe, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
    """The recipe's optimiser, on the device of the parameters.

    The memory format of the parameters must not change while it is in use (see `lay_out_states`).
    """
    optimizer = _build_optimizer(recipe, list(parameters))
    optimizer.register_load_state_dict_post_hook(lay_out_states)
    return optimizer


def lay_out_states(optimizer: optim.Optimizer) -> None:
    """Give each state the memory layout of its weight; no value changes.

    The states in a checkpoint have the layout of the weights when it was written, and a training
    can go on in another one. A fused kernel reads weights, gradients and states in parallel: on
    CUDA it refuses different layouts, on the CPU it silently pairs the wrong numbers.
    """
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                state[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def _build_optimizer(recipe: Recipe, weights: list[nn.Parameter]) -> optim.Optimizer:
    settings = recipe.optimizer
    if settings.name == "muon":
        return Muon(
            weights,
            lr=settings.lr,
            kernel_lr=settings.kernel_lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
    # One fused kernel for all weights takes a seventh of the time of single operations.
    # Lightning refuses to clip gradients with it.
    devices = {weight.device.type for weight in weights}
    fused = devices <= {"cpu", "cuda"} and not recipe.training.gradient_clip
    if settings.name == "sgd":
        return optim.SGD(
            weights,
            lr=settings.lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            fused=fused,
        )
    kind = optim.Adam if settings.name == "adam" else optim.AdamW
    return kind(weights, lr=settings.lr, weight_decay=settings.weight_decay, fused=fused)


def build_schedule(
    recipe: Recipe, optimizer: optim.Optimizer, steps_per_epoch: int
) -> tuple[lr_scheduler.LRScheduler | None, str]:
    """The recipe's schedule, and whether it changes by ``step`` or by ``epoch``.

    None for a constant rate, and for the plateau rule, which needs a score (`build_plateau`).
    """
    settings, epochs = recipe.schedule, recipe.training.epochs
    if settings.name == "step":
        schedule: lr_scheduler.LRScheduler = lr_scheduler.StepLR(
            optimizer, step_size=settings.step_every, gamma=settings.step_factor
        )
        return schedule, "epoch"
    if settings.name == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * steps_per_epoch), "step"
    if settings.name == "one_cycle":
        schedule = lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=epochs * steps_per_epoch,
            pct_start=settings.warmup,
            cycle_momentum=recipe.optimizer.name != "muon",
        )
        return schedule, "step"
    return None, "epoch"


def build_plateau(
    recipe: Recipe, optimizer: optim.Optimizer, *, lower_is_better: bool
) -> lr_scheduler.ReduceLROnPlateau | None:
    """The rule that lowers the rate when the validation score stops improving, or None."""
    settings = recipe.schedule
    if settings.name != "plateau":
        return None
    return lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode="min" if lower_is_better else "max",
        factor=settings.plateau_factor,
        patience=settings.plateau_patience,
        min_lr=settings.plateau_floor,
    )
