"""Losses against values worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from galaxyclass.networks.losses.focal import focal
from galaxyclass.networks.losses.masked import (
    LossFunction,
    balanced_weights,
    build_loss,
    resolve_loss,
)
from galaxyclass.recipes.recipe import Training
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.votes.task import VoteTask

NAN = float("nan")


def loss(name: str, shares: list[float] | None = None, **settings: object) -> LossFunction:
    shares = shares or [0.5, 0.5]
    task = ClassTask("kind", tuple(map(str, range(len(shares)))), tuple(shares))
    return build_loss(Training.model_validate({"loss": name, **settings}), task)


def test_mse_leaves_out_what_is_unknown() -> None:
    predictions = torch.tensor([[0.5, 0.1], [0.2, 0.9]])
    targets = torch.tensor([[0.1, NAN], [0.0, 1.0]])
    value = loss("mse")(predictions, predictions, targets)
    assert value.item() == pytest.approx((0.16 + 0.04 + 0.01) / 3)


def test_unknown_entries_have_no_gradient() -> None:
    for name in ("mse", "bce"):
        predictions = torch.tensor([[0.5, 0.1]], requires_grad=True)
        targets = torch.tensor([[0.1, NAN]])
        loss(name)(predictions, predictions, targets).backward()
        assert predictions.grad is not None
        assert predictions.grad[0, 1].item() == 0
        assert predictions.grad[0, 0].item() > 0


def test_bce_by_hand() -> None:
    predictions = torch.tensor([[0.8, 0.3]])
    targets = torch.tensor([[1.0, NAN]])
    value = loss("bce")(predictions, predictions, targets)
    assert value.item() == pytest.approx(-math.log(0.8))


def test_bce_survives_certainty() -> None:
    predictions = torch.tensor([[0.0, 1.0]])
    assert torch.isfinite(loss("bce")(predictions, predictions, torch.tensor([[1.0, 0.0]])))


def test_cross_entropy_by_hand() -> None:
    raw = torch.tensor([[math.log(3.0), 0.0], [5.0, 5.0]])
    value = loss("cross_entropy")(raw, raw.softmax(dim=1), torch.tensor([0, -1]))
    assert value.item() == pytest.approx(-math.log(0.75))


@pytest.mark.parametrize("name", ["mse", "bce", "cross_entropy", "focal"])
def test_nothing_known_is_no_loss(name: str) -> None:
    task = torch.full((2, 3), 0.5)
    targets = torch.tensor([-1, -1]) if name in ClassTask.losses else torch.full((2, 3), NAN)
    assert loss(name)(task, task, targets).item() == 0


def test_loss_follows_the_table() -> None:
    assert resolve_loss("auto", VoteTask) == "mse"
    assert resolve_loss("bce", VoteTask) == "bce"
    assert resolve_loss("mse", ClassTask) == "cross_entropy"


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        (0.8, 1.0, 0.25 * 0.2**2 * -math.log(0.8)),
        (0.8, 0.0, 0.75 * 0.8**2 * -math.log(0.2)),
        (0.1, 1.0, 0.25 * 0.9**2 * -math.log(0.1)),
        (0.0, 0.0, 0.0),
    ],
)
def test_focal_loss_by_hand(prediction: float, target: float, expected: float) -> None:
    value = focal(torch.tensor([[prediction]]), torch.tensor([[target]]), alpha=0.25, gamma=2.0)
    assert value.item() == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_focal_without_gamma_is_weighted_cross_entropy() -> None:
    predictions = torch.rand(50, 4, dtype=torch.float64) * 0.98 + 0.01
    targets = (torch.rand(50, 4) < 0.3).double()
    value = focal(predictions, targets, alpha=0.3, gamma=0.0)
    weights = torch.where(targets == 1, 0.3, 0.7)
    expected = torch.nn.functional.binary_cross_entropy(
        predictions, targets, weight=weights, reduction="none"
    )
    torch.testing.assert_close(value, expected)


def test_focal_survives_certainty() -> None:
    certain = torch.tensor([[0.0, 1.0]])
    assert torch.isfinite(focal(certain, 1 - certain, alpha=0.25, gamma=2.0)).all()


def test_focal_of_a_recipe_averages_over_everything() -> None:
    predictions = torch.tensor([[0.8, 0.2], [0.4, 0.6]])
    value = loss("focal")(predictions, predictions, torch.tensor([0, -1]))
    positive = 0.25 * 0.2**2 * -math.log(0.8)
    negative = 0.75 * 0.2**2 * -math.log(0.8)
    assert value.item() == pytest.approx((positive + negative) / 2)


def test_balanced_weights_count_each_class_the_same() -> None:
    weights = balanced_weights([0.5, 0.3, 0.2, 0.0])
    assert (weights[:3] * torch.tensor([0.5, 0.3, 0.2])).tolist() == pytest.approx([1 / 3] * 3)
    assert weights[3] == 0


def test_class_weights_by_hand() -> None:
    raw = torch.zeros(2, 2)
    weighted = loss("cross_entropy", [0.75, 0.25], class_weights="balanced")
    assert weighted(raw, raw, torch.tensor([1])[:1].repeat(2)).item() == pytest.approx(
        2 * math.log(2)
    )
    plain = loss("cross_entropy", [0.75, 0.25])
    assert plain(raw, raw, torch.tensor([1, 1])).item() == pytest.approx(math.log(2))
