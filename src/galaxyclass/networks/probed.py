"""`ProbedNetwork`: a network with a probe on its outputs, as a finetuned model has it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from galaxyclass.arrays import Doubles
from galaxyclass.model.answer_shares import LEAST_ASKED, same_question
from galaxyclass.model.brightness_profile import (
    LEAST_BRIGHTNESS,
    profile_width,
    ring_weights,
)
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.probe import LEAST_FRACTION, GaussianBumps, NetworkProbe
from galaxyclass.networks.heads import activation
from galaxyclass.networks.network import EnsembleNetwork, Network, NetworkOutput, build_network
from galaxyclass.tasks.task import Task


class ProbedNetwork(nn.Module):
    """A network, and a layer on its features, its answers, their logits, and brightness.

    Parameters
    ----------
    base : Network or EnsembleNetwork
    task : Task
        What the probe predicts.
    beneath : Task
        What the network predicts.
    features : int
        How many features it has.
    shape : (int, int, int)
        Height, width and channels of the cutouts.
    """

    mean: Tensor
    scales: Tensor
    centres: Tensor
    rings: Tensor
    same: Tensor

    def __init__(
        self,
        base: Network | EnsembleNetwork,
        task: Task,
        beneath: Task,
        features: int,
        shape: tuple[int, int, int],
    ) -> None:
        super().__init__()
        height, width, channels = shape
        self.base = base
        self._features, self._answers = features, 2 * beneath.count
        self._inputs = features + self._answers + profile_width(channels)
        self.probe = nn.Linear(self._inputs, task.count)
        self.set_centres(1)
        self.auxiliary = nn.ModuleList()
        self.activation = activation(task.linear_head, task)
        self._size = height, width
        rings = torch.from_numpy(ring_weights(height, width))
        self.register_buffer("rings", rings, persistent=False)
        same = same_question(beneath)
        self.has_questions = same is not None
        same = np.zeros((0, 0)) if same is None else same
        self.register_buffer("same", torch.from_numpy(same).float(), persistent=False)

    def set_centres(self, count: int) -> None:
        """Make room for so many Gaussians, with heights of 0."""
        outputs = self.probe.out_features
        self.register_buffer("mean", torch.zeros(self._inputs))
        self.register_buffer("scales", torch.zeros(self._inputs))
        self.register_buffer("centres", torch.zeros(self._inputs, count))
        self.heights = nn.Linear(count, outputs, bias=False)
        nn.init.zeros_(self.heights.weight)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks beneath."""
        return self.base.networks

    def set_probe(self, probe: NetworkProbe) -> None:
        """Set the weights of the layer."""
        linear = np.concatenate([probe.features, probe.answers, probe.profile])
        bumps = probe.bumps
        if bumps is not None:
            self.set_centres(bumps.centres.shape[1])
        with torch.no_grad():
            self.probe.weight.copy_(torch.from_numpy(linear.T.copy()))
            self.probe.bias.copy_(torch.from_numpy(probe.bias))
            if bumps is not None:
                self.mean.copy_(torch.from_numpy(bumps.mean))
                self.scales.copy_(torch.from_numpy(bumps.scales))
                self.centres.copy_(torch.from_numpy(bumps.centres))
                self.heights.weight.copy_(torch.from_numpy(bumps.heights.T.copy()))

    def read_probe(self) -> NetworkProbe:
        """The weights of the layer."""

        def read(tensor: Tensor) -> Doubles:
            return np.asarray(tensor.detach().cpu().double().numpy())

        parts = np.split(read(self.probe.weight).T, np.cumsum([self._features, self._answers]))
        heights = read(self.heights.weight).T
        bumps = GaussianBumps(read(self.mean), read(self.scales), read(self.centres), heights)
        features, answers, profile = parts
        return NetworkProbe(features, answers, profile, read(self.probe.bias), bumps)

    def drop_auxiliary(self) -> None:
        """Remove the last layers of the network's auxiliary tasks, which the probe does not use."""
        for network in self.networks:
            network.auxiliary, network.auxiliary_activations = nn.ModuleList(), []

    def profile(self, images: Tensor) -> Tensor:
        """(galaxies, profile) `brightness_profile` of images ``(galaxies, channels, …)`` of 0..1.

        In single precision whatever the rest of the network computes in.
        """
        height, width = images.shape[2:]
        rings = self.rings
        if (height, width) != self._size:
            rings = torch.from_numpy(ring_weights(height, width)).to(images.device)
        with torch.autocast(images.device.type, enabled=False):
            pixels = images.float().flatten(2)
            means = pixels @ rings
            middle = pixels.mean(dim=2, keepdim=True)
            squares = (pixels - middle) ** 2 @ rings
            variances = (squares - (means - middle) ** 2).clamp(min=0)
            bright = torch.log(means + LEAST_BRIGHTNESS).flatten(1)
            uneven = torch.log(variances + LEAST_BRIGHTNESS**2).flatten(1) / 2
            return torch.cat([bright, uneven], dim=1)

    def raw_outputs(self, output: NetworkOutput, profile: Tensor) -> Tensor:
        """(galaxies, outputs) the layer's outputs, from the network's and the `profile`."""
        shares = output.values
        if self.has_questions:
            shares = shares / (shares @ self.same).clamp(min=LEAST_ASKED)
        inner = shares.clamp(LEAST_FRACTION, 1 - LEAST_FRACTION)
        logits = torch.log(inner / (1 - inner))
        columns = torch.cat([output.features, shares, logits, profile], dim=1)
        scaled = (columns - self.mean) * self.scales
        squares = (scaled**2).sum(dim=1, keepdim=True) + (self.centres**2).sum(dim=0)
        closeness = torch.exp(-(squares - 2 * scaled @ self.centres).clamp(min=0))
        raw: Tensor = self.probe(columns) + self.heights(closeness)
        return raw

    def raw_of_cutouts(self, cutouts: Tensor) -> Tensor:
        """(galaxies, outputs) the layer's outputs for cutouts, as of `estimate`."""
        images = cutouts.permute(0, 3, 1, 2).float() / 255
        return self.raw_outputs(self.base.estimate(cutouts), self.profile(images))

    def estimate(self, cutouts: Tensor) -> NetworkOutput:
        """The probe's predictions for cutouts ``(galaxies, height, width, channels)`` uint8."""
        images = cutouts.permute(0, 3, 1, 2).float() / 255
        return self._probed(self.base.estimate(cutouts), images)

    def outputs_of(self, images: Tensor) -> NetworkOutput:
        """As `estimate`, for images ``(galaxies, channels, side, side)`` float32 of 0..1."""
        return self._probed(self.base.outputs_of(images), images)

    def _probed(self, output: NetworkOutput, images: Tensor) -> NetworkOutput:
        raw = self.raw_outputs(output, self.profile(images))
        return NetworkOutput(self.activation(raw), (), output.features)


def build_probed(manifest: Manifest) -> ProbedNetwork:
    """The network and probe that a finetuned model's manifest describes, with random weights."""
    base = build_network(manifest.network)
    features = base.networks[0].last.in_features
    return ProbedNetwork(
        base, manifest.task, manifest.network.task, features, manifest.preprocessing.shape
    )


#: A network of any kind, ready to predict.
AnyNetwork = Network | EnsembleNetwork | ProbedNetwork


def build_any(manifest: Manifest) -> AnyNetwork:
    """The network that a manifest describes, with its probe if it has one; random weights."""
    if manifest.network_outputs is None:
        return build_network(manifest)
    with torch.random.fork_rng(devices=[]):  # as `build_network`
        return build_probed(manifest)
