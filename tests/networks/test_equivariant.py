"""The equivariant encoder: a galaxy turned or mirrored is the same galaxy."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.export.check import compare_outputs
from galaxyclass.model.export.graph import trace
from galaxyclass.networks.equivariant import (
    ORIENTATIONS,
    EquivariantEncoder,
    GroupBatchNorm2d,
    GroupConv2d,
    fuse,
    oriented,
)
from galaxyclass.networks.network import Network
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.training.muon import Muon


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def seen_turned(features: Tensor, orientation: int) -> set[tuple[float, ...]]:
    """The channels of each orientation, turned, as a set: what moves between them is allowed."""
    split = oriented(features, orientation).unflatten(1, (ORIENTATIONS, -1))
    return {tuple(one.flatten().mul(1e4).round().tolist()) for one in split.unbind(1)}


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_a_convolution_turns_with_its_picture(orientation: int) -> None:
    first, second = GroupConv2d(3, 2, lifting=True), GroupConv2d(2, 3, stride=2)
    picture = torch.rand(1, 3, 9, 9)
    with torch.no_grad():
        wanted = second(first(picture))
        got = second(first(oriented(picture, orientation)))
    assert wanted.shape == (1, 3 * ORIENTATIONS, 5, 5)
    assert seen_turned(wanted, orientation) == seen_turned(got, 0)
    if orientation:
        assert not torch.allclose(wanted, got, atol=1e-3)  # it is not blind


@pytest.mark.parametrize("side", [33, 49, 81])
def test_what_is_said_does_not_depend_on_the_orientation(side: int) -> None:
    encoder = EquivariantEncoder(3)
    encoder(torch.rand(16, 3, 33, 33))  # statistics that are not those of a new network
    encoder.eval()
    galaxies = torch.rand(3, 3, side, side) * torch.tensor([0.2, 0.6, 1]).view(3, 1, 1, 1)
    with torch.no_grad():
        wanted = encoder(galaxies)
        assert wanted.shape == (3, encoder.num_features)
        assert wanted.std(dim=0).max() > 1e-3
        for orientation in range(ORIENTATIONS):
            got = encoder(oriented(galaxies, orientation))
            torch.testing.assert_close(got, wanted, rtol=0, atol=1e-5)


def test_few_of_the_weights_of_the_plain_network_that_it_is_written_out_to() -> None:
    encoder = EquivariantEncoder(3)
    encoder(torch.rand(16, 3, 33, 33))
    encoder.eval()
    plain = copy.deepcopy(encoder)
    fuse(plain)
    kinds = {type(layer) for layer in plain.modules()}
    assert nn.Conv2d in kinds
    assert not kinds & {GroupConv2d, GroupBatchNorm2d}
    galaxies = torch.rand(3, 3, 33, 33)
    with torch.no_grad():
        torch.testing.assert_close(plain(galaxies), encoder(galaxies))
    count = [sum(weight.numel() for weight in one.parameters()) for one in (encoder, plain)]
    assert ORIENTATIONS * count[0] > count[1] > 6 * count[0]


def test_statistics_are_those_of_all_orientations() -> None:
    norm = GroupBatchNorm2d(2, momentum=1.0)
    pictures = torch.randn(64, 2 * ORIENTATIONS, 5, 5) * 3 + 1
    result = norm(pictures)
    assert result.mean().item() == pytest.approx(0, abs=1e-5)
    assert result.std().item() == pytest.approx(1, abs=1e-3)
    each = pictures.unflatten(1, (ORIENTATIONS, 2)).mean(dim=(0, 1, 3, 4))
    assert norm.running_mean is not None
    torch.testing.assert_close(norm.running_mean, each)
    assert int(norm.num_batches_tracked or 0) == 1


def test_its_kernels_take_orthogonal_steps() -> None:
    optimizer = Muon(EquivariantEncoder(3).parameters(), lr=1e-3, kernel_lr=0.02)
    others, kernels = (group["params"] for group in optimizer.param_groups)
    assert len(kernels) == 13  # all but the stem, which sees colours
    assert {weight.ndim for weight in others} == {1, 2, 4}


@pytest.mark.slow
def test_its_file_holds_the_few_weights_and_says_the_same(tmp_path: Path) -> None:
    preprocessing, model = (
        Preprocessing(size=33),
        NetworkSettings(encoder="equivariant", head="softmax"),
    )
    classes = ClassTask("class", ("a", "b"), (0.5, 0.5))
    network = Network(model, preprocessing, classes)
    network(torch.rand(16, 3, 33, 33))
    network.eval()
    manifest = Manifest("best", preprocessing, model, classes, "id", False, "", "0.1.0")
    file = tmp_path / "network.onnx"
    file.write_bytes(trace(network, manifest).SerializeToString())
    weights = sum(weight.numel() for weight in network.parameters())
    assert 4 * weights < file.stat().st_size < 6 * weights
    cutouts = np.random.default_rng(0).integers(0, 256, (5, 33, 33, 3), dtype=np.uint8)
    assert compare_outputs(network, file, cutouts).difference < 1e-6
