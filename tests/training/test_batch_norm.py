"""Batch normalisation whose statistics keep up with the weights."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import lightning.pytorch as pl
import pytest
import torch
from torch import nn

from galaxyclass.networks.equivariant import GroupBatchNorm2d
from galaxyclass.training.batch_norm import BatchNormMomentum


class Layers(pl.LightningModule):
    """Layers that normalise batches of numbers, two of which are trained."""

    def __init__(self) -> None:
        super().__init__()
        self.usual, self.slow = nn.BatchNorm1d(1), nn.BatchNorm1d(1, momentum=0.01)
        self.frozen = nn.BatchNorm1d(1).eval()
        self.cumulative = nn.BatchNorm1d(1, momentum=None)


def learn(module: Layers, steps: int, first: int = 0) -> BatchNormMomentum:
    """Steps of batches whose mean is 100 more than the number of the step."""
    callback = BatchNormMomentum()
    callback.on_train_start(cast(Any, None), module)
    for step in range(first, steps):
        trainer = cast(pl.Trainer, SimpleNamespace(global_step=step))
        callback.on_train_batch_start(trainer, module, None, step)
        for layer in module.children():
            layer(torch.tensor([[99.0], [101.0]]) + step)
    return callback


def test_the_initial_values_are_forgotten_in_the_first_step() -> None:
    module = Layers()
    learn(module, 1)
    for layer in (module.usual, module.slow):
        torch.testing.assert_close(layer.running_mean, torch.tensor([100.0]))
        torch.testing.assert_close(layer.running_var, torch.tensor([2.0]))


@pytest.mark.parametrize(("steps", "lag"), [(20, 1.0), (60, 3.0), (180, 9.0), (1000, 9.0)])
def test_statistics_lag_behind_by_a_twentieth_of_the_steps_and_never_more_than_usual(
    steps: int, lag: float
) -> None:
    """An average with momentum m is of values that are (1 - m) / m steps old."""
    module = Layers()
    learn(module, steps)
    mean = module.usual.running_mean
    assert mean is not None
    assert 99 + steps - float(mean) == pytest.approx(lag, rel=0.15)


def test_frozen_and_cumulative_layers_are_left_alone() -> None:
    module = Layers()
    callback = learn(module, 41)
    for value, initial in ((module.frozen.running_mean, 0.0), (module.frozen.running_var, 1.0)):
        torch.testing.assert_close(value, torch.tensor([initial]))
    torch.testing.assert_close(module.cumulative.running_mean, torch.tensor([120.0]))
    callback.on_train_end(cast(Any, None), module)
    momenta = [layer.momentum for layer in cast(Any, module.children())]
    assert momenta == [0.1, 0.01, 0.1, None]


def test_statistics_of_a_resumed_training_are_those_of_an_uninterrupted_one() -> None:
    whole, resumed = Layers(), Layers()
    learn(whole, 30)
    learn(resumed, 13)
    again = Layers()
    again.load_state_dict(resumed.state_dict())
    learn(again, 30, first=13)
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_layers_of_all_orientations_are_batch_normalisation_too() -> None:
    module = pl.LightningModule()
    module.layer = GroupBatchNorm2d(2)
    callback = BatchNormMomentum()
    callback.on_train_start(cast(Any, None), module)
    callback.on_train_batch_start(
        cast(pl.Trainer, SimpleNamespace(global_step=20)), module, None, 0
    )
    assert module.layer.momentum == 0.5
