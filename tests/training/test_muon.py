"""Muon against the singular value decomposition, and its other half against torch's AdamW."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from galaxyclass.training.muon import Muon, orthogonalised, orthogonalised_padded


@pytest.mark.parametrize("shape", [(16, 16), (8, 72), (72, 8)])
def test_singular_values_become_one_and_their_vectors_stay(shape: tuple[int, int]) -> None:
    matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = left.T @ orthogonalised(matrix) @ right.T
    made = turned.diagonal()
    # all but what is next to nothing beside the largest
    large = values > 0.05 * values[0]
    assert ((made > 0.6) & (made < 1.3))[large].all()
    assert (turned - torch.diag(made)).abs().max() < 0.06  # bfloat16 where there is some


def test_kernels_step_by_the_orthogonal_matrix() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(8, 8, 3, bias=False)
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.randn_like(layer.weight)
    optimizer = Muon(layer.parameters(), lr=1.0, kernel_lr=0.1, momentum=0.9, weight_decay=0.5)
    optimizer.step()
    expected = before * (1 - 0.1 * 0.5) - 0.1 * orthogonalised(
        layer.weight.grad.flatten(1)
    ).view_as(before)
    torch.testing.assert_close(layer.weight.detach(), expected, atol=2e-3, rtol=0)


def test_everything_else_follows_adamw() -> None:
    def net() -> nn.Sequential:
        torch.manual_seed(3)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(16, 2))

    mine, theirs = net(), net()
    settings: dict[str, Any] = {"lr": 0.01, "weight_decay": 0.1}
    optimizers = (
        Muon(mine.parameters(), kernel_lr=0.5, **settings),
        torch.optim.AdamW(theirs.parameters(), **settings),
    )
    images = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(2))
    for _ in range(5):
        for network, optimizer in zip((mine, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            network(images).square().mean().backward()
            optimizer.step()
    for own, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own, other, atol=1e-6, rtol=1e-5)


def test_what_counts_as_a_kernel() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3),  # reads pixels
        nn.Conv2d(16, 32, 3),
        nn.Conv2d(32, 32, 3, groups=32),  # a channel by itself
        nn.BatchNorm2d(32),
        nn.Flatten(),
        nn.Linear(32, 2),
    )
    others, kernels = Muon(network.parameters(), lr=1e-3, kernel_lr=0.02).param_groups
    assert [tuple(weight.shape) for weight in kernels["params"]] == [(32, 16, 3, 3)]
    assert len(others["params"]) == 9
    assert (others["lr"], kernels["lr"]) == (1e-3, 0.02)


def test_matrices_padded_to_one_shape_are_orthogonalised_as_one_by_one() -> None:
    generator = torch.Generator().manual_seed(4)
    shapes = [(8, 72), (16, 8), (4, 4), (16, 144)]
    matrices = [torch.randn(*shape, generator=generator) for shape in shapes]
    for matrix, together in zip(matrices, orthogonalised_padded(matrices), strict=True):
        assert together.shape == matrix.shape
        # bfloat16 rounds each product, and their sums come in another order.
        torch.testing.assert_close(together, orthogonalised(matrix), atol=0.03, rtol=0)
