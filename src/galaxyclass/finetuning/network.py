"""Training the network beneath a probe, where cross-validation says that it pays.

The frozen network with its probe is the beginning. Its layers are then trained with rates that fall
from the top to the bottom, on augmented images, until galaxies that it does not learn are no longer
predicted better; the result is averaged with the beginning.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from galaxyclass.arrays import Doubles
from galaxyclass.finetuning.cross_validation import LabelledGalaxies, OutOfFold, stratified_folds
from galaxyclass.model.backends.torch_backend import find_device
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.probe import NetworkProbe
from galaxyclass.networks.augmentation.augment import augment
from galaxyclass.networks.losses.masked import build_loss, resolve_loss
from galaxyclass.networks.network import EnsembleNetwork, Network, NetworkOutput
from galaxyclass.networks.precision import has_bfloat16
from galaxyclass.networks.probed import ProbedNetwork, probed_network
from galaxyclass.progress import Progress
from galaxyclass.recipes.recipe import Augmentation, Training
from galaxyclass.tasks.task import Task

log = logging.getLogger(__name__)

#: Folds of the cross-validation.
_FOLDS = 3

#: Each stage of an encoder learns at this share of the rate of the stage above it.
_FALL = 0.6
_WEIGHT_DECAY, _BATCH = 0.01, 32

#: Shares of the trained weights in the mean with those of the beginning, tried after each epoch.
_SHARES = (0.5, 1.0)

State = dict[str, Tensor]


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
    """

    epochs: int
    patience: int
    rate: float


#: With few labels the network stays near its beginning. With many it may leave it: it gets worse
#: before it gets better, so that training goes on to the end.
FEW_LABELS = NetworkSchedule(epochs=12, patience=3, rate=3e-4)
MANY_LABELS = NetworkSchedule(epochs=8, patience=8, rate=1e-3)

#: Labels from which on there are many.
_MANY = 1000


@dataclass(frozen=True)
class NetworkData:
    """Galaxies with their cutouts, and how a network learns them.

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


@dataclass(frozen=True)
class NetworkTrial:
    """What training the network brings, on galaxies that it did not learn.

    Attributes
    ----------
    pays : bool
        Whether it is better than the frozen network by more than the standard error.
    gain, error : float
        By how much less the loss of a galaxy is, and the standard error.
    epochs : int
        The best number of epochs, of all folds together.
    share : float
        The best share of the trained weights in the mean with those of the beginning.
    out_of_fold : OutOfFold or None
        Of all galaxies; None where it was given up after the first fold.
    raw : (galaxies, outputs) float64
        The linear outputs beneath those predictions.
    seconds : float
    """

    pays: bool
    gain: float
    error: float
    epochs: int
    share: float
    out_of_fold: OutOfFold | None
    raw: Doubles
    seconds: float


def try_network(data: NetworkData, progress: Progress, *, give_up: bool) -> NetworkTrial:
    """Cross-validate the training of the network, beside the frozen network with a probe.

    Epochs, and the share of the trained weights, are chosen by the other folds: no galaxy has a say
    in how its own prediction is made.

    Parameters
    ----------
    data : NetworkData
    progress : Progress
    give_up : bool
        Stop after the first fold where it brings nothing there.
    """
    labels, began = data.labels, time.perf_counter()
    task, values = labels.task, labels.values
    folds = stratified_folds(labels.strata, _FOLDS, np.random.default_rng([data.seed, 3]))
    most = data.schedule.epochs
    shape = (1 + most * len(_SHARES), len(labels), task.count)
    raw, predictions = np.full(shape, np.nan), np.full(shape, np.nan)
    for number in range(_FOLDS):
        rows, held_out = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        with _repeatable(data.seed + number):
            network = data.begin(labels.take(rows).fit())

            def report(epoch: int, stage: str = f"fold {number + 1}/{_FOLDS}") -> None:
                progress(stage, epoch, most, unit="epochs")

            each = _predict_each_epoch(data, network, rows, held_out, report)
            raw[:, held_out], predictions[:, held_out] = each
        seconds = time.perf_counter() - began
        if number == 0:
            log.info(
                "the network is trained on %d folds, then, if that pays, on all galaxies: about "
                "%.0f s in all, of which %.0f s have passed; `network='never'` leaves this out",
                _FOLDS,
                seconds * (_FOLDS + 1.5),
                seconds,
            )
        if number == 0 and give_up:
            losses = [_loss(task, each[held_out], values[held_out]) for each in predictions]
            if min(losses[1:]) >= losses[0]:
                return NetworkTrial(
                    False, losses[0] - min(losses[1:]), 0.0, 1, 0.0, None, raw[0], seconds
                )
    errors = np.array([_by_galaxy(task, each, values) for each in predictions])
    of_galaxies = 1 + shares_by_other_folds(errors[1:], folds)
    rows = np.arange(len(labels))
    held_out_predictions, held_out_raw = predictions[of_galaxies, rows], raw[of_galaxies, rows]
    gains = errors[0] - errors[of_galaxies, rows]
    epochs, share = _choice(1 + int(errors[1:].sum(axis=1).argmin()))
    error = float(gains.std() / np.sqrt(len(gains)))
    return NetworkTrial(
        pays=bool(gains.mean() > error),
        gain=float(gains.mean()),
        error=error,
        epochs=epochs,
        share=share,
        out_of_fold=OutOfFold(held_out_predictions[None], task, values),
        raw=held_out_raw,
        seconds=time.perf_counter() - began,
    )


def shares_by_other_folds(errors: Doubles, folds: NDArray[np.int64]) -> NDArray[np.int64]:
    """(galaxies,) which choice errs least in the other folds: none has a say in its own galaxies.

    Parameters
    ----------
    errors : (choices, galaxies) float64
    folds : (galaxies,) int64
        From 0.

    Examples
    --------
    >>> errors = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 0.5, 1.5, 3.0]])
    >>> shares_by_other_folds(errors, np.array([0, 0, 1, 1])).tolist()
    [0, 0, 1, 1]
    """
    by_fold = np.stack(
        [errors[:, folds == number].sum(axis=1) for number in range(folds.max() + 1)]
    )
    return np.asarray((by_fold.sum(axis=0) - by_fold).argmin(axis=1)[folds])


def train_on_all(
    data: NetworkData, probe: NetworkProbe, epochs: int, share: float, progress: Progress
) -> ProbedNetwork:
    """The network trained on all galaxies, averaged with its beginning.

    Parameters
    ----------
    data : NetworkData
    probe : NetworkProbe
        Of all galaxies: the beginning.
    epochs, share
        As `try_network` chose them.
    progress : Progress
    """
    with _repeatable(data.seed):
        network = data.begin(probe)
        start = _copied(network)

        def report(epoch: int) -> bool:
            progress("network", epoch, epochs, unit="epochs")
            return False

        data.train(network, np.arange(len(data.labels)), epochs, report)
        network.load_state_dict(_mean(start, _copied(network), share))
    return network.cpu()


def _choice(number: int) -> tuple[int, float]:
    """Epochs and share of a choice: 0 is the beginning; then the shares of each epoch.

    Examples
    --------
    >>> _choice(0), _choice(1), _choice(4)
    ((1, 0.0), (1, 0.5), (2, 1.0))
    """
    if number == 0:
        return 1, 0.0
    epoch, share = divmod(number - 1, len(_SHARES))
    return epoch + 1, _SHARES[share]


def _predict_each_epoch(
    data: NetworkData,
    network: ProbedNetwork,
    rows: NDArray[np.int64],
    held_out: NDArray[np.int64],
    progress: Callable[[int], None],
) -> tuple[Doubles, Doubles]:
    """(choices, galaxies, outputs) linear outputs and predictions of held-out galaxies.

    One for each choice (`_choice`). Where training stops early, after some epochs without gain, the
    choices of later epochs are as those of the last.
    """
    task, values = data.labels.task, data.labels.values[held_out]
    start = _copied(network)
    outputs = [data.predict(network, held_out)]
    best: list[tuple[float, int]] = []

    def after(epoch: int) -> bool:
        end, losses = _copied(network), []
        for share in _SHARES:
            network.load_state_dict(_mean(start, end, share))
            outputs.append(data.predict(network, held_out))
            losses.append(_loss(task, outputs[-1][1], values))
        network.load_state_dict(end)
        progress(epoch)
        if not best or min(losses) < best[-1][0]:
            best[:] = [(min(losses), epoch)]
        return epoch - best[-1][1] >= schedule.patience

    schedule = data.schedule
    data.train(network, rows, schedule.epochs, after)
    while len(outputs) < 1 + schedule.epochs * len(_SHARES):
        outputs.append(outputs[-len(_SHARES)])
    raw, predictions = (np.stack(each) for each in zip(*outputs, strict=True))
    return raw, predictions


def _by_galaxy(task: Task, predictions: Doubles, values: NDArray[np.generic]) -> Doubles:
    """(galaxies,) squared error of each galaxy, of what a linear model would learn."""
    squares = (task.to_linear(predictions) - task.linear_targets(values)) ** 2
    return np.asarray(np.nansum(squares, axis=1))


def _loss(task: Task, predictions: Doubles, values: NDArray[np.generic]) -> float:
    return float(_by_galaxy(task, predictions, values).mean())


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


def _copied(network: nn.Module) -> State:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _mean(start: Mapping[str, Tensor], end: Mapping[str, Tensor], share: float) -> State:
    """Weights between two states; what is no number with a fraction is that of the start."""
    return {
        name: torch.lerp(value, end[name], share) if value.is_floating_point() else value
        for name, value in start.items()
    }


@contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """Random numbers of torch by a seed; the caller's state comes back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
