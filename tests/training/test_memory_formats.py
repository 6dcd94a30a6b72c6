"""States and gradients lie in memory as their weights do, whatever the format has been before.

CUDA's fused optimisers refuse others; the CPU's pair the wrong numbers and say nothing.
"""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.progress import silent
from galaxyclass.recipes.read import load_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.training.choose_runtime import Trials
from galaxyclass.training.data import PackedGalaxies, TrainingBatch
from galaxyclass.training.fit import fit_network
from galaxyclass.training.job import TrainingJob
from galaxyclass.training.module import GalaxyModule
from galaxyclass.training.optimizers import build_optimizer
from galaxyclass.training.runtime_settings import RuntimeSettings
from galaxyclass.trees.read import load_tree
from tests.support.sky import no_catalog

FORMATS = (torch.channels_last, torch.contiguous_format)
TREE = load_tree("galaxy_zoo_2")
NARROW = "model.width=0.25"
#: The notebook's network, the equivariant one, and the plain residual one by each optimiser.
RECIPES = {
    "notebook": ("notebook", "images.size=150", "training.batch_size=2"),
    "best": ("best", "images.size=33", "images.frame=none", NARROW),
    "fast": ("fast", "images.size=24", NARROW),
    "fast, adamw": ("fast", "images.size=24", NARROW, "optimizer.name=adamw"),
    "fast, sgd": ("fast", "images.size=24", NARROW, "optimizer.name=sgd"),
    "fast, clipped": (
        "fast", "images.size=24", NARROW, "optimizer.name=adam", "training.gradient_clip=1"
    ),
}  # fmt: skip


def recipe(name: str, *more: str) -> Recipe:
    shipped, *settings = RECIPES[name]
    return load_recipe(
        shipped,
        [
            "training.progressive_resizing=[]",
            "training.loss=mse",
            "model.head=tree",
            *settings,
            *more,
        ],
    )


def learner(name: str, memory_format: torch.memory_format = torch.channels_last) -> GalaxyModule:
    count = len(TREE.answers)
    task = VoteTask(TREE, TREE.layouts[0], (True,) * count, (0.5,) * count)
    module = GalaxyModule(recipe(name), task, (), seed=0, steps_per_epoch=1)
    module.set_memory_format(memory_format)
    return module.train()


def galaxies(name: str) -> Galaxies:
    rng = np.random.default_rng(0)
    shape = recipe(name).images.shape
    return Galaxies(
        rng.integers(0, 256, (4, *shape), dtype=np.uint8),
        np.arange(4),
        rng.random((4, len(TREE.answers)), dtype=np.float32),
    )


def step(module: GalaxyModule, optimizer: torch.optim.Optimizer, batch: TrainingBatch) -> None:
    optimizer.zero_grad()
    module.training_step(batch, 0).backward()
    optimizer.step()


def strides(tensor: Tensor) -> tuple[int, ...]:
    """Those that matter: where there is one of something, its stride is never walked."""
    return tuple(
        stride for stride, size in zip(tensor.stride(), tensor.shape, strict=True) if size > 1
    )


def misplaced(network: nn.Module, optimizer: torch.optim.Optimizer) -> list[str]:
    """States and gradients that lie otherwise than their weights, by name."""
    found, states = [], 0
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        beside = {"gradient": weight.grad} | {
            key: value
            for key, value in optimizer.state[weight].items()
            if isinstance(value, Tensor) and value.shape == weight.shape
        }
        states += len(beside) - 1
        found += [
            f"{key} of {name}" for key, value in beside.items() if strides(value) != strides(weight)
        ]
    assert states, "an optimiser without states would prove nothing"
    return found


@pytest.mark.parametrize("name", list(RECIPES))
def test_after_each_way_that_a_probe_tries(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galaxyclass.training.choose_runtime.TRIAL_STEPS", 1)
    trials = Trials(learner(name), galaxies(name), "cpu")
    for runtime in (RuntimeSettings("fp32", True, 1), RuntimeSettings("fp32", False, 1)):
        assert trials(runtime) > 0
        assert misplaced(trials.module.network, trials.optimizer) == []


@pytest.mark.parametrize("name", list(RECIPES))
@pytest.mark.parametrize("before", FORMATS)
def test_after_a_step_and_after_going_on_in_another_format(
    name: str, before: torch.memory_format
) -> None:
    batch = PackedGalaxies(galaxies(name)).batch(np.arange(4))
    module = learner(name, before)
    optimizer = build_optimizer(module.recipe, module.network.parameters())
    for _ in range(2):
        step(module, optimizer, batch)
        assert misplaced(module.network, optimizer) == []

    # As a checkpoint is written and read: strides and all.
    stream = io.BytesIO()
    torch.save({"weights": module.state_dict(), "optimizer": optimizer.state_dict()}, stream)
    stream.seek(0)
    checkpoint = torch.load(stream, weights_only=True)
    after = next(other for other in FORMATS if other != before)
    resumed = learner(name, after)
    resumed.load_state_dict(checkpoint["weights"])
    other = build_optimizer(resumed.recipe, resumed.network.parameters())
    other.load_state_dict(checkpoint["optimizer"])
    gradients = copy.deepcopy([weight.grad for weight in module.network.parameters()])
    for weight, gradient in zip(resumed.network.parameters(), gradients, strict=True):
        assert gradient is not None
        weight.grad = torch.empty_like(weight).copy_(gradient)
    assert misplaced(resumed.network, other) == []

    # The next step is the same in both: no state was paired with another weight's number.
    optimizer.step()
    other.step()
    uninterrupted = module.network.parameters()
    for expected, weight in zip(uninterrupted, resumed.network.parameters(), strict=True):
        torch.testing.assert_close(weight, expected, rtol=0, atol=5e-5)
    step(resumed, other, batch)
    assert misplaced(resumed.network, other) == []


def test_a_resumed_training_lays_out_what_its_checkpoint_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[torch.optim.Optimizer] = []

    def remember(*arguments: Any) -> torch.optim.Optimizer:
        built.append(build_optimizer(*arguments))
        return built[-1]

    monkeypatch.setattr("galaxyclass.training.module.build_optimizer", remember)
    count = len(TREE.answers)
    task = VoteTask(TREE, TREE.layouts[0], (True,) * count, (0.5,) * count)
    parts = dict.fromkeys(("train", "validation"), galaxies("fast"))
    for epochs, channels_last in ((1, True), (2, False)):
        whole = recipe("fast", "schedule.name=constant")
        short = whole.model_copy(
            update={"training": whole.training.model_copy(update={"epochs": epochs})}
        )
        runtime = RuntimeSettings("fp32", channels_last, 1)
        job = TrainingJob(short, task, (), parts, no_catalog(), seed=0, device="cpu")
        fit_network(tmp_path, job, runtime, silent)
        kernels = [weight for weight in built[-1].state if weight.ndim == 4]
        assert kernels
        for weight in kernels:
            assert weight.is_contiguous(memory_format=runtime.memory_format)
            for value in built[-1].state[weight].values():
                assert not isinstance(value, Tensor) or value.ndim == 0 or (
                    strides(value) == strides(weight)
                )  # fmt: skip
    assert len(built) == 2
