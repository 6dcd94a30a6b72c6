"""`ProbedNetwork`: a network with a probe on its outputs, as a finetuned model has it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.probe import LEAST_FRACTION, LinearProbe
from galaxyclass.networks.heads import activation
from galaxyclass.networks.network import EnsembleNetwork, Network, NetworkOutput, build_network
from galaxyclass.tasks.task import Task


class ProbedNetwork(nn.Module):
    """A network, and a linear layer on its features, its predictions and their logits.

    Parameters
    ----------
    base : Network or EnsembleNetwork
    task : Task
        What the probe predicts.
    answers : int
        How many answers the network predicts.
    features : int
        How many features it has.
    """

    def __init__(
        self, base: Network | EnsembleNetwork, task: Task, answers: int, features: int
    ) -> None:
        super().__init__()
        self.base = base
        self.probe = nn.Linear(features + 2 * answers, task.count)
        self.auxiliary = nn.ModuleList()
        self.activation = activation(task.linear_head, task)
        self._features = features

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks beneath."""
        return self.base.networks

    def set_probe(self, probe: LinearProbe) -> None:
        """Set the weights of the linear layer."""
        weights = torch.cat([torch.from_numpy(probe.features), torch.from_numpy(probe.answers)])
        with torch.no_grad():
            self.probe.weight.copy_(weights.T)
            self.probe.bias.copy_(torch.from_numpy(probe.bias))

    def read_probe(self) -> LinearProbe:
        """The weights of the linear layer."""
        weights = self.probe.weight.detach().cpu().double().numpy().T
        bias = self.probe.bias.detach().cpu().double().numpy()
        return LinearProbe(weights[: self._features], weights[self._features :], bias)

    def drop_auxiliary(self) -> None:
        """Remove the last layers of the network's auxiliary tasks, which the probe does not use."""
        for network in self.networks:
            network.auxiliary, network.auxiliary_activations = nn.ModuleList(), []

    def raw_outputs(self, output: NetworkOutput) -> Tensor:
        """(galaxies, outputs) the linear layer's outputs, from the network's."""
        inner = output.values.clamp(LEAST_FRACTION, 1 - LEAST_FRACTION)
        logits = torch.log(inner / (1 - inner))
        columns = torch.cat([output.features, output.values, logits], dim=1)
        raw: Tensor = self.probe(columns)
        return raw

    def estimate(self, cutouts: Tensor) -> NetworkOutput:
        """The probe's predictions for cutouts ``(galaxies, height, width, channels)`` uint8."""
        return self._probed(self.base.estimate(cutouts))

    def outputs_of(self, images: Tensor) -> NetworkOutput:
        """As `estimate`, for images ``(galaxies, channels, side, side)`` float32 of 0..1."""
        return self._probed(self.base.outputs_of(images))

    def _probed(self, output: NetworkOutput) -> NetworkOutput:
        return NetworkOutput(self.activation(self.raw_outputs(output)), (), output.features)


def build_probed(manifest: Manifest) -> ProbedNetwork:
    """The network and probe that a finetuned model's manifest describes, with random weights."""
    base = build_network(manifest.network)
    features = base.networks[0].last.in_features
    return ProbedNetwork(base, manifest.task, manifest.network.task.count, features)


#: A network of any kind, ready to predict.
AnyNetwork = Network | EnsembleNetwork | ProbedNetwork


def build_any(manifest: Manifest) -> AnyNetwork:
    """The network that a manifest describes, with its probe if it has one; random weights."""
    if manifest.network_outputs is None:
        return build_network(manifest)
    with torch.random.fork_rng(devices=[]):  # as `build_network`
        return build_probed(manifest)
