"""A whole network: from cutouts to fractions or probabilities."""

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
from galaxyclass.recipes.recipe import ModelRecipe
from galaxyclass.tasks.task import Task


class NetworkOutput(NamedTuple):
    """What a network says of a batch of galaxies, float32.

    Attributes
    ----------
    values : (galaxies, outputs)
        Joint fractions, or probabilities of classes.
    auxiliary : tuple of (galaxies, classes)
        Probabilities of the auxiliary classes that it learnt beside them.
    features : (galaxies, features)
        The encoder's: the embedding.
    """

    values: Tensor
    auxiliary: tuple[Tensor, ...]
    features: Tensor


class Network(nn.Module):
    """Encoder, normalisation and dropout where the recipe has them, one linear layer, head.

    The recipe's head must be resolved: `resolve_head` says what ``auto`` stands for. Auxiliary
    tables of classes that are learnt beside the outputs have a linear layer each on the same
    features.

    Calling it turns ``(galaxies, channels, side, side)`` float32 of 0..1 into the raw outputs
    ``(galaxies, outputs)``; `activation` turns those into fractions or probabilities.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        model: ModelRecipe,
        preprocessing: Preprocessing,
        task: Task,
        auxiliary: Sequence[Task] = (),
        *,
        fresh: bool = True,
    ) -> None:
        super().__init__()
        self.side = model.input_size or preprocessing.size
        channels = preprocessing.channels
        # Statistics of the training galaxies are part of the weights; an encoder's are known.
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
        self.auxiliary = nn.ModuleList(nn.Linear(features, one.count) for one in auxiliary)
        self.link = activation(model.head, task)

    @property
    def networks(self) -> tuple[Network, ...]:
        """Itself: what several networks are, one is too."""
        return (self,)

    def set_statistics(self, mean: Tensor, spread: Tensor) -> None:
        """Take the mean and spread ``(1, channels, side, side)`` of the training galaxies."""
        self.mean.copy_(mean)
        self.spread.copy_(spread)

    def read(self, cutouts: Tensor, side: int | None = None) -> Tensor:
        """From ``(galaxies, height, width, channels)`` uint8 to what the network takes.

        Takes the centre where the recipe says so (`model.input_size`), or another side's.
        """
        side = side or self.side
        edge = (cutouts.shape[1] - side) // 2
        inner = cutouts[:, edge : edge + side, edge : edge + side]
        return inner.permute(0, 3, 1, 2).float().div_(255)

    def features(self, images: Tensor) -> Tensor:
        """(galaxies, features) float32: what the encoder makes of images of 0..1."""
        features: Tensor = self.encoder((images - self.mean) / self.spread)
        return features

    def read_out(self, features: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The raw outputs, and those of each auxiliary table, from the encoder's features."""
        ready = self.dropout(self.norm(features))
        return self.last(ready), tuple(layer(ready) for layer in self.auxiliary)

    def forward(self, images: Tensor) -> Tensor:
        return self.read_out(self.features(images))[0]

    def estimate(self, cutouts: Tensor) -> NetworkOutput:
        """Everything it says of cutouts ``(galaxies, height, width, channels)`` uint8."""
        features = self.features(self.read(cutouts))
        raw, auxiliary = self.read_out(features)
        return NetworkOutput(
            self.link(raw),
            tuple(one.float().softmax(dim=-1) for one in auxiliary),
            features.float(),
        )

    def predict(self, cutouts: Tensor) -> Tensor:
        """From cutouts ``(galaxies, height, width, channels)`` uint8 to fractions, float32."""
        return self.estimate(cutouts).values


class EnsembleNetwork(nn.Module):
    """Networks that are alike in all but their weights; what they say is the mean of each.

    Parameters
    ----------
    members : sequence of Network
    """

    def __init__(self, members: Sequence[Network]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def networks(self) -> tuple[Network, ...]:
        """Its members."""
        return tuple(cast(Network, member) for member in self.members)

    @property
    def auxiliary(self) -> nn.ModuleList:
        """The last layers of the auxiliary tables of classes, of the first member."""
        return self.networks[0].auxiliary

    def estimate(self, cutouts: Tensor) -> NetworkOutput:
        """The mean of what they say of cutouts; the features are the first member's."""
        said = [network.estimate(cutouts) for network in self.networks]
        auxiliary = zip(*(one.auxiliary for one in said), strict=True)
        return NetworkOutput(
            torch.stack([one.values for one in said]).mean(dim=0),
            tuple(torch.stack(table).mean(dim=0) for table in auxiliary),
            said[0].features,
        )


def build_network(manifest: Manifest) -> Network | EnsembleNetwork:
    """The network that a bundle's manifest describes, or several, without weights."""
    with torch.random.fork_rng(devices=[]):  # weights are drawn, and replaced: nobody's affair
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
