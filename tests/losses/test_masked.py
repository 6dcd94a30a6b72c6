"""Losses against values worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from galaxyclass.losses import LOSSES, resolve_loss

NAN = float("nan")


def test_mse_leaves_out_what_is_unknown() -> None:
    predictions = torch.tensor([[0.5, 0.1], [0.2, 0.9]])
    targets = torch.tensor([[0.1, NAN], [0.0, 1.0]])
    value = LOSSES["mse"](predictions, predictions, targets)
    assert value.item() == pytest.approx((0.16 + 0.04 + 0.01) / 3)


def test_unknown_entries_have_no_gradient() -> None:
    for name in ("mse", "bce"):
        predictions = torch.tensor([[0.5, 0.1]], requires_grad=True)
        targets = torch.tensor([[0.1, NAN]])
        LOSSES[name](predictions, predictions, targets).backward()  # type: ignore[no-untyped-call]
        assert predictions.grad is not None
        assert predictions.grad[0, 1].item() == 0
        assert predictions.grad[0, 0].item() > 0


def test_bce_by_hand() -> None:
    predictions = torch.tensor([[0.8, 0.3]])
    targets = torch.tensor([[1.0, NAN]])
    value = LOSSES["bce"](predictions, predictions, targets)
    assert value.item() == pytest.approx(-math.log(0.8))


def test_bce_survives_certainty() -> None:
    predictions = torch.tensor([[0.0, 1.0]])
    assert torch.isfinite(LOSSES["bce"](predictions, predictions, torch.tensor([[1.0, 0.0]])))


def test_cross_entropy_by_hand() -> None:
    raw = torch.tensor([[math.log(3.0), 0.0], [5.0, 5.0]])
    value = LOSSES["cross_entropy"](raw, raw.softmax(dim=1), torch.tensor([0, -1]))
    assert value.item() == pytest.approx(-math.log(0.75))


@pytest.mark.parametrize("name", list(LOSSES))
def test_nothing_known_is_no_loss(name: str) -> None:
    outputs = torch.full((2, 3), 0.5)
    targets = torch.tensor([-1, -1]) if name == "cross_entropy" else torch.full((2, 3), NAN)
    assert LOSSES[name](outputs, outputs, targets).item() == 0


def test_loss_follows_the_table() -> None:
    assert resolve_loss("auto", "votes") == "mse"
    assert resolve_loss("bce", "votes") == "bce"
    assert resolve_loss("mse", "classes") == "cross_entropy"
