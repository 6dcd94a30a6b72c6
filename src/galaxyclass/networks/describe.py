"""A network's layers with their shapes and parameter counts, as a table."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from galaxyclass.networks.network import Network


@dataclass(frozen=True)
class Layer:
    """A layer: its name, kind, output shape without the first axis, and parameters."""

    name: str
    kind: str
    shape: tuple[int, ...]
    trainable: int
    statistics: int


@dataclass(frozen=True)
class NetworkDescription:
    """All layers of a network, in the order in which they run."""

    layers: tuple[Layer, ...]

    @property
    def trainable(self) -> int:
        """Parameters that training changes by gradient."""
        return sum(layer.trainable for layer in self.layers)

    @property
    def statistics(self) -> int:
        """Running means and variances of batch normalisation, which Keras counts as parameters."""
        return sum(layer.statistics for layer in self.layers)

    @property
    def total(self) -> int:
        """Trainable parameters and statistics together."""
        return self.trainable + self.statistics


def describe_network(network: Network, channels: int) -> NetworkDescription:
    """Describe a network's layers, by running an empty cutout through it.

    Parameters
    ----------
    network : Network
    channels : int
        Of its cutouts.
    """
    layers: list[Layer] = []
    hooks = []
    for name, module in network.named_modules():
        if any(module.children()) or isinstance(module, nn.Identity):
            continue

        def note(layer: nn.Module, _inputs: object, output: Tensor, name: str = name) -> None:
            layers.append(
                Layer(
                    name=name,
                    kind=type(layer).__name__,
                    shape=tuple(output.shape[1:]),
                    trainable=sum(p.numel() for p in layer.parameters() if p.requires_grad),
                    statistics=sum(b.numel() for b in layer.buffers() if b.ndim > 0),
                )
            )

        hooks.append(module.register_forward_hook(note))
    training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, channels, network.side, network.side))
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return NetworkDescription(tuple(layers))
