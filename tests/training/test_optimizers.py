"""Schedules against rates worked by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from galaxyclass.recipes.read import load_recipe
from galaxyclass.training.optimizers import build_optimizer, build_plateau, build_schedule


def rates(*settings: str, steps: int, per_epoch: int = 1) -> list[float]:
    recipe = load_recipe("notebook", ["optimizer.lr=1.0", *settings])
    optimizer = build_optimizer(recipe, [nn.Parameter(torch.zeros(1))])
    schedule, _ = build_schedule(recipe, optimizer, per_epoch)
    assert schedule is not None
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def test_step_decay_of_the_notebook() -> None:
    seen = rates("schedule.name=step", steps=31)
    assert [seen[0], seen[9], seen[10], seen[20], seen[30]] == pytest.approx(
        [1, 1, 0.8, 0.64, 0.512]
    )


def test_cosine_ends_at_nothing() -> None:
    seen = rates("schedule.name=cosine", "training.epochs=2", steps=11, per_epoch=5)
    assert seen[0] == pytest.approx(1)
    assert seen[5] == pytest.approx(0.5)
    assert seen[10] == pytest.approx(0, abs=1e-9)


def test_one_cycle_peaks_after_its_warmup() -> None:
    seen = rates(
        "schedule.name=one_cycle",
        "schedule.warmup=0.2",
        "training.epochs=10",
        steps=100,
        per_epoch=10,
    )
    assert max(seen) == pytest.approx(1, abs=1e-3)
    assert 18 <= seen.index(max(seen)) <= 20
    assert seen[0] == pytest.approx(1 / 25)
    assert seen[-1] < 1e-3


def test_plateau_of_the_notebook() -> None:
    recipe = load_recipe("notebook", ["schedule.name=plateau"])
    optimizer = build_optimizer(recipe, [nn.Parameter(torch.zeros(1))])
    plateau = build_plateau(recipe, optimizer, lower_is_better=True)
    assert plateau is not None
    seen = []
    for _ in range(40):
        plateau.step(0.1)
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen[7] == pytest.approx(1e-3)
    assert seen[8] == pytest.approx(2e-4)
    assert seen[-1] == pytest.approx(1e-5)


def test_a_constant_rate_has_no_schedule() -> None:
    recipe = load_recipe("notebook")
    optimizer = build_optimizer(recipe, [nn.Parameter(torch.zeros(1))])
    assert build_schedule(recipe, optimizer, 1)[0] is None
    assert build_plateau(recipe, optimizer, lower_is_better=True) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)],
)
def test_optimisers(name: str, kind: type) -> None:
    recipe = load_recipe("notebook", [f"optimizer.name={name}", "optimizer.weight_decay=0.01"])
    optimizer = build_optimizer(recipe, [nn.Parameter(torch.zeros(1))])
    assert type(optimizer) is kind
    assert optimizer.defaults["weight_decay"] == 0.01


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_one_kernel_for_all_weights_takes_the_same_steps(name: str) -> None:
    """Clipping gradients needs the slower kind: the two must not differ."""
    ends = []
    for clip, fused in ((0, True), (1, False)):
        settings = [f"optimizer.name={name}", f"training.gradient_clip={clip}"]
        weight = nn.Parameter(torch.linspace(-1, 1, 20))
        optimizer = build_optimizer(load_recipe("notebook", settings), [weight])
        assert optimizer.defaults["fused"] is fused
        for step in range(5):
            weight.grad = torch.cos(weight.detach() * step)
            optimizer.step()
        ends.append(weight.detach())
    torch.testing.assert_close(ends[0], ends[1])
