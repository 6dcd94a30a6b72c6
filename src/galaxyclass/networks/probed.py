"""`ProbedNetwork`: a network with a probe on its outputs, as a finetuned model has it."""

from __future__ import annotations

from collections.abc import Sequence

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
from galaxyclass.model.frames import Frame, frame_weights
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
        Height, width and channels of the cutouts that the network takes.
    frames : sequence of Frame
        The parts of a cutout that the network sees, `Manifest.frames`; none: it takes the cutout.
    size : int
        Side of the cutouts that have these parts.
    """

    mean: Tensor
    scales: Tensor
    centres: Tensor
    rings: Tensor
    same: Tensor
    of_frames: Tensor

    def __init__(
        self,
        base: Network | EnsembleNetwork,
        task: Task,
        beneath: Task,
        features: int,
        shape: tuple[int, int, int],
        *,
        frames: Sequence[Frame] = (),
        size: int = 0,
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
        self._parts: list[slice] = []
        weights_of_frames = torch.tensor([frame.weight for frame in frames])
        self.register_buffer("of_frames", weights_of_frames, persistent=False)
        for number, frame in enumerate(frames):
            pixels, weights = frame_weights(size, frame.share, height)
            self._parts.append(pixels)
            self.register_buffer(f"frame_{number}", torch.from_numpy(weights), persistent=False)

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

    def read(self, cutouts: Tensor) -> Tensor:
        """From ``(galaxies, height, width, channels)`` uint8 to what `outputs_of` takes."""
        return cutouts.permute(0, 3, 1, 2).float() / 255

    def cut_frames(self, images: Tensor) -> Tensor:
        """(frames × galaxies, channels, side, side) what the network sees of images.

        All images in the first frame, then in the next; without frames, the images.
        """
        if not self._parts:
            return images
        return torch.cat([self.cut_frame(images, number) for number in range(len(self._parts))])

    def cut_frame(self, images: Tensor, number: int) -> Tensor:
        """(galaxies, channels, side, side) what the network sees of images in one of the frames."""
        weights: Tensor = getattr(self, f"frame_{number}")
        pixels = self._parts[number]
        part: Tensor = weights @ images[:, :, pixels, pixels] @ weights.T
        return part

    def middle(self, parts: Tensor) -> Tensor:
        """The pixels of `cut_frames` images that the network takes: all, without `input_size`."""
        side = self.networks[0].side
        edge = (parts.shape[-1] - side) // 2
        return parts[:, :, edge : edge + side, edge : edge + side]

    def frames_of_cutouts(self, cutouts: Tensor) -> Tensor:
        """`cut_frames` of cutouts ``(galaxies, height, width, channels)``, both in uint8."""
        if not self._parts:
            return cutouts
        parts = self.cut_frames(cutouts.permute(0, 3, 1, 2).float())
        return parts.round().to(torch.uint8).permute(0, 2, 3, 1)

    def mean_over_frames(
        self, output: NetworkOutput, profile: Tensor
    ) -> tuple[NetworkOutput, Tensor]:
        """The means over the frames, of what a network says of `cut_frames` galaxies."""
        if not self._parts:
            return output, profile

        def mean(tensor: Tensor) -> Tensor:
            parts = tensor.reshape(len(self._parts), -1, tensor.shape[1])
            return (parts * self.of_frames[:, None, None]).sum(dim=0)

        return NetworkOutput(mean(output.values), (), mean(output.features)), mean(profile)

    def raw_of_cutouts(self, cutouts: Tensor) -> tuple[Tensor, Tensor]:
        """The layer's outputs (galaxies, outputs), and the features, for cutouts of `estimate`."""
        parts = self.frames_of_cutouts(cutouts)
        images = parts.permute(0, 3, 1, 2).float() / 255
        output = self.base.estimate(parts)
        output, profile = self.mean_over_frames(output, self.profile(images))
        return self.raw_outputs(output, profile), output.features

    def estimate(self, cutouts: Tensor) -> NetworkOutput:
        """The probe's predictions for cutouts ``(galaxies, height, width, channels)`` uint8."""
        raw, features = self.raw_of_cutouts(cutouts)
        return NetworkOutput(self.activation(raw), (), features)

    def outputs_of(self, images: Tensor) -> NetworkOutput:
        """As `estimate`, for images ``(galaxies, channels, side, side)`` float32 of 0..1."""
        parts = self.cut_frames(images)
        output = self.base.outputs_of(self.middle(parts))
        output, profile = self.mean_over_frames(output, self.profile(parts))
        return NetworkOutput(
            self.activation(self.raw_outputs(output, profile)), (), output.features
        )


def build_probed(manifest: Manifest) -> ProbedNetwork:
    """The network and probe that a finetuned model's manifest describes, with random weights."""
    return probed_network(build_network(manifest.network), manifest)


def probed_network(base: Network | EnsembleNetwork, manifest: Manifest) -> ProbedNetwork:
    """A network with a probe of random weights, as a finetuned model's manifest describes it."""
    return ProbedNetwork(
        base,
        manifest.task,
        manifest.network.task,
        base.networks[0].last.in_features,
        manifest.network.preprocessing.shape,
        frames=manifest.frames,
        size=manifest.preprocessing.size,
    )


#: A network of any kind, ready to predict.
AnyNetwork = Network | EnsembleNetwork | ProbedNetwork


def build_any(manifest: Manifest) -> AnyNetwork:
    """The network that a manifest describes, with its probe if it has one; random weights."""
    if manifest.network_outputs is None:
        return build_network(manifest)
    with torch.random.fork_rng(devices=[]):  # as `build_network`
        return build_probed(manifest)
