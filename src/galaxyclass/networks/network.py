"""Networks: encoder, last layer and head, from cutouts to predictions; and ensembles of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.networks.encoders import build_encoder, encoder_statistics
from galaxyclass.networks.heads import activation
from galaxyclass.networks.notebook import NotebookEncoder, initialise_as_keras
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.task import Task


class NetworkOutput(NamedTuple):
    """The outputs of a network for a batch of galaxies, float32.

    Attributes
    ----------
    values : (galaxies, outputs)
        Joint fractions, probabilities of classes, or numbers.
    auxiliary : tuple of (galaxies, outputs)
        The same for each auxiliary task.
    features : (galaxies, features)
        The encoder's features: the embedding.
    """

    values: Tensor
    auxiliary: tuple[Tensor, ...]
    features: Tensor


class Network(nn.Module):
    """Encoder, normalisation and dropout where the recipe has them, a linear layer, head.

    The recipe's head must be resolved: `resolve_head` says what ``auto`` stands for. Each auxiliary
    task has a linear layer of its own on the same features. That of another labelling of the task
    begins as the task's own.

    Calling it turns ``(galaxies, channels, side, side)`` float32 of 0..1 into the raw outputs
    ``(galaxies, outputs)``; `activation` turns those into fractions or probabilities.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        model: NetworkSettings,
        preprocessing: Preprocessing,
        task: Task,
        auxiliary: Sequence[Task] = (),
        *,
        fresh: bool = True,
    ) -> None:
        super().__init__()
        self.side = model.input_size or preprocessing.size
        channels = preprocessing.channels
        # Pixel statistics of the training galaxies are part of the weights; an encoder's are not.
        fitted = model.normalisation == "per_feature"
        mean, spread = encoder_statistics(model, channels)
        shape = (1, channels, self.side, self.side) if fitted else (1, channels, 1, 1)
        for name, values in (("mean", mean), ("spread", spread)):
            tensor = torch.tensor(values).view(1, -1, 1, 1).expand(shape).clone()
            self.register_buffer(name, tensor, persistent=fitted)
        self.encoder = build_encoder(model, channels, self.side, fresh=fresh)
        features = int(self.encoder.num_features)  # type: ignore[arg-type]
        self.norm = nn.BatchNorm1d(features) if model.feature_norm else nn.Identity()
        self.dropout = nn.Dropout(model.dropout)
        self.last = nn.Linear(features, task.count)
        if isinstance(self.encoder, NotebookEncoder):
            initialise_as_keras(self.last)
        self.auxiliary = nn.ModuleList(nn.Linear(features, table.count) for table in auxiliary)
        self.activation = activation(model.head, task)
        probabilities = activation("softmax", task)
        self.auxiliary_activations = [
            self.activation if table.has_outputs_of(task) else probabilities for table in auxiliary
        ]
        for layer, table in zip(self.auxiliary, auxiliary, strict=True):
            if table.has_outputs_of(task):
                layer.load_state_dict(self.last.state_dict())

    @property
    def networks(self) -> tuple[Network, ...]:
        """The network itself, as the only member."""
        return (self,)

    def set_statistics(self, mean: Tensor, spread: Tensor) -> None:
        """Set the mean and spread ``(1, channels, side, side)`` of the training galaxies."""
        self.mean.copy_(mean)
        self.spread.copy_(spread)

    def read(self, cutouts: Tensor, side: int | None = None) -> Tensor:
        """From ``(galaxies, height, width, channels)`` uint8 to the network's input, 0..1.

        The centre of the cutout, of ``side`` pixels; by default of `model.input_size`.
        """
        side = side or self.side
        edge = (cutouts.shape[1] - side) // 2
        inner = cutouts[:, edge : edge + side, edge : edge + side]
        return inner.permute(0, 3, 1, 2).float().div_(255)

    def features(self, images: Tensor) -> Tensor:
        """(galaxies, features) float32: the encoder's features of images of 0..1."""
        features: Tensor = self.encoder((images - self.mean) / self.spread)
        return features

    def raw_outputs(self, features: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The raw outputs, and those of each auxiliary task, from the encoder's features."""
        features = self.dropout(self.norm(features))
        return self.last(features), tuple(layer(features) for layer in self.auxiliary)

    def forward(self, images: Tensor) -> Tensor:
        return self.raw_outputs(self.features(images))[0]

    def estimate(self, cutouts: Tensor) -> NetworkOutput:
        """All outputs for cutouts ``(galaxies, height, width, channels)`` uint8."""
        return self.outputs_of(self.read(cutouts))

    def outputs_of(self, images: Tensor) -> NetworkOutput:
        """All outputs for images ``(galaxies, channels, side, side)`` float32 of 0..1."""
        features = self.features(images)
        raw, auxiliary = self.raw_outputs(features)
        return NetworkOutput(
            self.activation(raw),
            tuple(
                share(of_table)
                for share, of_table in zip(self.auxiliary_activations, auxiliary, strict=True)
            ),
            features.float(),
        )

    def predict(self, cutouts: Tensor) -> Tensor:
        """From cutouts ``(galaxies, height, width, channels)`` uint8 to predictions, float32."""
        return self.estimate(cutouts).values


class EnsembleNetwork(nn.Module):
    """Networks that differ only in their weights; the prediction is their mean.

    Parameters
    ----------
    members : sequence of Network
    """

    def __init__(self, members: Sequence[Network]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The members of the ensemble."""
        return tuple(cast(Network, member) for member in self.members)

    @property
    def auxiliary(self) -> nn.ModuleList:
        """The last layers of the auxiliary tasks, of the first member."""
        return self.networks[0].auxiliary

    def estimate(self, cutouts: Tensor) -> NetworkOutput:
        """The mean of the members' outputs for cutouts; the features are the first member's."""
        return self._mean([network.estimate(cutouts) for network in self.networks])

    def outputs_of(self, images: Tensor) -> NetworkOutput:
        """As `estimate`, for images ``(galaxies, channels, side, side)`` float32 of 0..1."""
        return self._mean([network.outputs_of(images) for network in self.networks])

    @staticmethod
    def _mean(outputs: list[NetworkOutput]) -> NetworkOutput:
        auxiliary = zip(*(output.auxiliary for output in outputs), strict=True)
        return NetworkOutput(
            torch.stack([output.values for output in outputs]).mean(dim=0),
            tuple(torch.stack(table).mean(dim=0) for table in auxiliary),
            outputs[0].features,
        )


def build_network(manifest: Manifest) -> Network | EnsembleNetwork:
    """The network or ensemble that a bundle's manifest describes, with random weights."""
    with torch.random.fork_rng(devices=[]):  # the drawn weights do not change the global generator
        networks = [
            Network(
                manifest.model,
                manifest.preprocessing,
                manifest.task,
                manifest.auxiliary,
                fresh=False,
            )
            for _ in range(manifest.members)
        ]
    return networks[0] if len(networks) == 1 else EnsembleNetwork(networks)
