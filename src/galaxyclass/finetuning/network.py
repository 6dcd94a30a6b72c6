"""Whether training the network beneath a probe pays, by cross-validation, and for how long.

It is trained until galaxies that it does not learn are no longer predicted better, and averaged
with the frozen network that it begins as.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from galaxyclass.arrays import Doubles
from galaxyclass.finetuning.cross_validation import OutOfFold, stratified_folds
from galaxyclass.finetuning.network_training import NetworkTraining
from galaxyclass.model.probe import NetworkProbe
from galaxyclass.networks.probed import ProbedNetwork
from galaxyclass.progress import Progress
from galaxyclass.tasks.task import Task

log = logging.getLogger(__name__)

#: Folds of the cross-validation.
_FOLDS = 3

#: Shares of the trained weights in the mean with those of the beginning, tried after each epoch.
_SHARES = (0.5, 1.0)

State = dict[str, Tensor]


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


def try_network(training: NetworkTraining, progress: Progress, *, give_up: bool) -> NetworkTrial:
    """Cross-validate the training of the network, beside the frozen network with a probe.

    Epochs, and the share of the trained weights, are chosen by the other folds: no galaxy has a say
    in how its own prediction is made.

    Parameters
    ----------
    training : NetworkTraining
    progress : Progress
    give_up : bool
        Stop after the first fold where it brings nothing there.
    """
    labels, began = training.labels, time.perf_counter()
    task, values = labels.task, labels.values
    folds = stratified_folds(labels.strata, _FOLDS, np.random.default_rng([training.seed, 3]))
    most = training.schedule.epochs
    shape = (1 + most * len(_SHARES), len(labels), task.count)
    raw, predictions = np.full(shape, np.nan), np.full(shape, np.nan)
    for number in range(_FOLDS):
        rows, held_out = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        with _repeatable(training.seed + number):
            network = training.begin(labels.take(rows).fit())

            def report(epoch: int, stage: str = f"fold {number + 1}/{_FOLDS}") -> None:
                progress(stage, epoch, most, unit="epochs")

            each = _predict_each_epoch(training, network, rows, held_out, report)
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
    training: NetworkTraining, probe: NetworkProbe, epochs: int, share: float, progress: Progress
) -> ProbedNetwork:
    """The network trained on all galaxies, averaged with its beginning.

    Parameters
    ----------
    training : NetworkTraining
    probe : NetworkProbe
        Of all galaxies: the beginning.
    epochs, share
        As `try_network` chose them.
    progress : Progress
    """
    with _repeatable(training.seed):
        network = training.begin(probe)
        start = _copied(network)

        def report(epoch: int) -> bool:
            progress("network", epoch, epochs, unit="epochs")
            return False

        training.train(network, np.arange(len(training.labels)), epochs, report)
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
    training: NetworkTraining,
    network: ProbedNetwork,
    rows: NDArray[np.int64],
    held_out: NDArray[np.int64],
    progress: Callable[[int], None],
) -> tuple[Doubles, Doubles]:
    """(choices, galaxies, outputs) linear outputs and predictions of held-out galaxies.

    One for each choice (`_choice`). Where training stops early, after some epochs without gain, the
    choices of later epochs are as those of the last.
    """
    task, values = training.labels.task, training.labels.values[held_out]
    start = _copied(network)
    outputs = [training.predict(network, held_out)]
    best: list[tuple[float, int]] = []

    def after(epoch: int) -> bool:
        end, losses = _copied(network), []
        for share in _SHARES:
            network.load_state_dict(_mean(start, end, share))
            outputs.append(training.predict(network, held_out))
            losses.append(_loss(task, outputs[-1][1], values))
        network.load_state_dict(end)
        progress(epoch)
        if not best or min(losses) < best[-1][0]:
            best[:] = [(min(losses), epoch)]
        return epoch - best[-1][1] >= schedule.patience

    schedule = training.schedule
    training.train(network, rows, schedule.epochs, after)
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
