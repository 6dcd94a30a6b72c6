"""Training the network beneath a probe on a few labelled galaxies.

The frozen network with its probe is the beginning. Its layers are trained with rates that fall from
the top to the bottom, on augmented images.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from galaxyclass.arrays import Doubles
from galaxyclass.finetuning.cross_validation import LabelledGalaxies
from galaxyclass.model.backends.torch_backend import find_device
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.probe import NetworkProbe
from galaxyclass.networks.augmentation.augment import augment
from galaxyclass.networks.losses.masked import build_loss, resolve_loss
from galaxyclass.networks.network import EnsembleNetwork, Network, NetworkOutput
from galaxyclass.networks.precision import has_bfloat16
from galaxyclass.networks.probed import ProbedNetwork, probed_network
from galaxyclass.recipes.recipe import Augmentation, Training

#: Each stage of an encoder learns at this share of the rate of the stage above it.
_FALL = 0.6
_WEIGHT_DECAY, _BATCH = 0.01, 32
#: Galaxies of a step that is timed.
_TIMED = 12


@dataclass(frozen=True)
class NetworkSchedule:
    """How long a network is trained, and how fast.

    Attributes
    ----------
    epochs : int
        At most; the rate falls to 0 until then.
    patience : int
        Epochs without gain after which training stops.
    rate : float
        Learning rate of the probe and of the top stage.
    score_every : int
        Held-out galaxies are predicted after so many epochs each: with few labels that takes
        longer than the epochs do.
    """

    epochs: int
    patience: int
    rate: float
    score_every: int = 1

    @property
    def scored(self) -> tuple[int, ...]:
        """The epochs after which held-out galaxies are predicted.

        Examples
        --------
        >>> NetworkSchedule(epochs=6, patience=2, rate=1e-3, score_every=2).scored
        (2, 4, 6)
        """
        return tuple(range(self.score_every, self.epochs + 1, self.score_every))


#: With few labels the network stays near its beginning. With many it may leave it: it gets worse
#: before it gets better, so that training goes on to the end.
FEW_LABELS = NetworkSchedule(epochs=12, patience=3, rate=3e-4, score_every=2)
MANY_LABELS = NetworkSchedule(epochs=8, patience=8, rate=1e-3)

#: Labels from which on there are many.
_MANY = 1000


@dataclass(frozen=True)
class NetworkTraining:
    """The training of a network beneath a probe: the galaxies, the beginning, and how it learns.

    Attributes
    ----------
    labels : LabelledGalaxies
    images : (images, height, width, channels) uint8
        Cutouts, which may lie on the disk.
    rows : (galaxies,) int64
        The cutout of each galaxy.
    manifest : Manifest
        Of the model, whose network is that beneath the probe.
    base : Network or EnsembleNetwork
        With the weights of the beginning; not changed.
    device : str
    seed : int
    """

    labels: LabelledGalaxies
    images: NDArray[np.uint8]
    rows: NDArray[np.int64]
    manifest: Manifest
    base: Network | EnsembleNetwork
    device: str
    seed: int

    @property
    def schedule(self) -> NetworkSchedule:
        """That for so many galaxies."""
        return MANY_LABELS if len(self.labels) >= _MANY else FEW_LABELS

    def begin(self, probe: NetworkProbe) -> ProbedNetwork:
        """The frozen network with a probe."""
        manifest = replace(self.manifest, task=self.labels.task)
        beneath = manifest.network.task
        network = probed_network(copy.deepcopy(self.base), manifest)
        network.set_probe(probe.with_answers(beneath.count))
        return network.to(find_device(self.device)).eval()

    def measure(self, network: ProbedNetwork) -> tuple[float, float]:
        """Seconds that training on a galaxy takes, and predicting it: one step of each is timed.

        Parameters
        ----------
        network : ProbedNetwork
            Trained by that; of no use afterwards.
        """
        rows = np.arange(min(_TIMED, len(self.labels)))
        seconds = []
        steps: tuple[Callable[[NDArray[np.int64]], object], ...] = (
            lambda rows: self.train(network, rows, 1, lambda _: True),
            lambda rows: self.predict(network, rows),
        )
        for step in steps:
            step(rows[:2])  # builds what all later steps use
            began = time.perf_counter()
            step(rows)
            seconds.append((time.perf_counter() - began) / len(rows))
        return seconds[0], seconds[1]

    def predict(self, network: ProbedNetwork, rows: NDArray[np.int64]) -> tuple[Doubles, Doubles]:
        """(galaxies, outputs) the linear outputs of some galaxies, and the predictions."""
        raw, predictions = [], []
        with torch.inference_mode():
            for first in range(0, len(rows), 2 * _BATCH):
                cutouts = self._cutouts(rows[first : first + 2 * _BATCH])
                outputs, _ = network.raw_of_cutouts(cutouts)
                raw.append(outputs.double().cpu().numpy())
                predictions.append(network.activation(outputs).double().cpu().numpy())
        return np.concatenate(raw), np.concatenate(predictions)

    def features(self, network: ProbedNetwork) -> NDArray[np.float32]:
        """(galaxies, features) the embedding of all galaxies by a network that is on the CPU."""
        batches = []
        with torch.inference_mode():
            for first in range(0, len(self.rows), 2 * _BATCH):
                batch = self.images[self.rows[first : first + 2 * _BATCH]]
                cutouts = torch.from_numpy(np.ascontiguousarray(batch))
                batches.append(network.raw_of_cutouts(cutouts)[1].numpy())
        return np.concatenate(batches)

    def _bfloat16(self) -> torch.autocast:
        """The context in which encoders are trained: rounded where that is two times as fast."""
        device = find_device(self.device)
        return torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device.type))

    def _cutouts(self, galaxies: NDArray[np.int64]) -> Tensor:
        return self._tensor(self.images[self.rows[galaxies]])

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(find_device(self.device))

    def train(
        self,
        network: ProbedNetwork,
        rows: NDArray[np.int64],
        epochs: int,
        after_epoch: Callable[[int], bool],
    ) -> None:
        """Train on some galaxies; `after_epoch` gets the number of each and says whether to stop.

        Batch normalisation keeps the statistics that it has: fifty galaxies have no better ones.
        """
        task, schedule = self.labels.task, self.schedule
        training = Training(
            loss=resolve_loss("auto", task),
            class_weights="balanced" if self.labels.balanced else "none",
        )
        loss = build_loss(training, task)
        augmentation = Augmentation(
            flip="both" if self.manifest.mirrors else "none", zoom=(0.9, 1.1), shift=0.02
        )
        optimizer = torch.optim.AdamW(_groups(network, schedule.rate), weight_decay=_WEIGHT_DECAY)
        rates = [group["lr"] for group in optimizer.param_groups]
        generator = torch.Generator().manual_seed(self.seed)
        steps = -(-len(rows) // _BATCH)
        frames = torch.tensor([frame.weight for frame in self.manifest.frames])
        for epoch in range(epochs):
            order = rows[torch.randperm(len(rows), generator=generator).numpy()]
            for step in range(steps):
                done = (epoch * steps + step) / (schedule.epochs * steps)
                for group, rate in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * min(1.0, 10 * done + 0.1) * (1 - done)
                batch = order[step * _BATCH : (step + 1) * _BATCH]
                cutouts = self._cutouts(batch)
                # Each step sees its galaxies in one of the frames.
                chosen = torch.multinomial(frames, 1, generator=generator) if len(frames) else None
                images, _ = augment(cutouts, augmentation, cutouts.shape[1], generator)
                if chosen is not None:
                    images = network.cut_frame(images, int(chosen))
                with self._bfloat16():
                    output = _estimate(network.base, network.middle(images))
                raw = network.raw_outputs(output, network.profile(images))
                value = loss(raw, network.activation(raw), self._tensor(self.labels.values[batch]))
                optimizer.zero_grad()
                value.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            if after_epoch(epoch + 1):
                return


def _estimate(base: Network | EnsembleNetwork, images: Tensor) -> NetworkOutput:
    """The outputs of the network beneath for images of 0..1, with gradients."""
    outputs = []
    for network in base.networks:
        features = network.features(images)
        with torch.autocast(images.device.type, enabled=False):
            features = features.float()
            raw, _ = network.raw_outputs(features)
            outputs.append((network.activation(raw), features))
    values = torch.stack([value for value, _ in outputs]).mean(dim=0)
    return NetworkOutput(values, (), outputs[0][1])


def _groups(network: ProbedNetwork, rate: float) -> list[dict[str, object]]:
    """The parameters of the probe and of each stage of the encoders, with their learning rates."""
    groups: list[dict[str, object]] = [
        {"params": [*network.probe.parameters(), *network.heights.parameters()], "lr": rate}
    ]
    for member in network.networks:
        stages = [list(stage.parameters()) for stage in _stages(member.encoder)]
        stages = [stage for stage in stages if stage]
        for depth, stage in enumerate(reversed(stages)):
            groups.append({"params": stage, "lr": rate * _FALL**depth})
    return groups


def _stages(encoder: nn.Module) -> Iterator[nn.Module]:
    """The stages of an encoder from the bottom up: its parts, and the parts of its sequences."""
    for child in encoder.children():
        if isinstance(child, nn.Sequential | nn.ModuleList) and len(child) > 3:
            yield from child
        else:
            yield child
