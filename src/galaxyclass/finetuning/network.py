"""Whether training the network beneath a probe pays, by cross-validation, and for how long.

It is trained until galaxies that it does not learn are no longer predicted better, and averaged
with the frozen network that it begins as.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from galaxyclass.arrays import Doubles
from galaxyclass.finetuning.cross_validation import OutOfFold, stratified_folds
from galaxyclass.finetuning.network_training import NetworkTraining
from galaxyclass.model.backends.torch_backend import find_device
from galaxyclass.model.probe import NetworkProbe
from galaxyclass.networks.probed import ProbedNetwork
from galaxyclass.progress import Progress
from galaxyclass.tasks.task import Task

log = logging.getLogger(__name__)

#: Folds of the cross-validation.
NETWORK_FOLDS = 3

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
        Of all galaxies; None where it was given up before the last fold.
    raw : (galaxies, outputs) float64
        The linear outputs beneath those predictions.
    seconds : float
    folds : int
        Of the cross-validation, that were done.
    """

    pays: bool
    gain: float
    error: float
    epochs: int
    share: float
    out_of_fold: OutOfFold | None
    raw: Doubles
    seconds: float
    folds: int = NETWORK_FOLDS


def try_network(training: NetworkTraining, progress: Progress, *, give_up: bool) -> NetworkTrial:
    """Cross-validate the training of the network, beside the frozen network with a probe.

    Epochs, and the share of the trained weights, are chosen by the other folds: no galaxy has a say
    in how its own prediction is made.

    Parameters
    ----------
    training : NetworkTraining
    progress : Progress
    give_up : bool
        Stop after a fold where it brings too little: see `best_gain`.
    """
    labels, began = training.labels, time.perf_counter()
    task, values = labels.task, labels.values
    folds = stratified_folds(
        labels.strata, NETWORK_FOLDS, np.random.default_rng([training.seed, 3])
    )
    schedule = training.schedule
    shape = (1 + len(schedule.scored) * len(_SHARES), len(labels), task.count)
    raw, predictions = np.full(shape, np.nan), np.full(shape, np.nan)
    for number in range(NETWORK_FOLDS):
        rows, held_out = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        with _repeatable(training.seed + number):
            network = training.begin(labels.take(rows).fit())

            def report(epoch: int, stage: str = f"fold {number + 1}/{NETWORK_FOLDS}") -> None:
                progress(stage, epoch, schedule.epochs, unit="epochs")

            each = _predict_each_epoch(training, network, rows, held_out, report)
            raw[:, held_out], predictions[:, held_out] = each
        if give_up and number < NETWORK_FOLDS - 1:
            known = np.flatnonzero(folds <= number)
            of_known = np.array(
                [_by_galaxy(task, each[known], values[known]) for each in predictions]
            )
            gain, error = best_gain(of_known, len(labels))
            if gain <= error:
                seconds = time.perf_counter() - began
                return NetworkTrial(
                    False, gain, error, 1, 0.0, None, raw[0], seconds, folds=number + 1
                )
    errors = np.array([_by_galaxy(task, each, values) for each in predictions])
    of_galaxies = 1 + shares_by_other_folds(errors[1:], folds)
    rows = np.arange(len(labels))
    held_out_predictions, held_out_raw = predictions[of_galaxies, rows], raw[of_galaxies, rows]
    gains = errors[0] - errors[of_galaxies, rows]
    epochs, share = _choice(1 + int(errors[1:].sum(axis=1).argmin()), schedule.scored)
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


def best_gain(errors: Doubles, galaxies: int) -> tuple[float, float]:
    """By how much a training errs less at its best, and what that must exceed in the end.

    The number of epochs is chosen here by the very galaxies that are scored, which is kinder to the
    training than the end of the cross-validation: what is too little here will hardly be enough.

    Parameters
    ----------
    errors : (choices, galaxies) float64
        Of the galaxies predicted so far; the first choice is not to train.
    galaxies : int
        Of all folds.

    Returns
    -------
    gain : float
        The mean over galaxies.
    error : float
        Its standard error once all galaxies are predicted.

    Examples
    --------
    >>> best_gain(np.array([[3.0, 1.0], [4.0, 4.0], [2.0, 0.0]]), 100)
    (1.0, 0.0)
    """
    best = 1 + int(errors[1:].sum(axis=1).argmin())
    gains = errors[0] - errors[best]
    return float(gains.mean()), float(gains.std() / np.sqrt(galaxies))


@contextmanager
def fastest_threads(training: NetworkTraining) -> Iterator[None]:
    """Use all threads of torch, or a single one where other work has the cores; log the cost.

    Both are tried on a few galaxies. Where the cores are busy, threads wait for each other: a
    training may take ten times as long with two as with one.
    """
    before = torch.get_num_threads()
    choices = [before, 1] if before > 1 and find_device(training.device).type == "cpu" else [before]
    costs = {}
    with _repeatable(training.seed):
        network = training.begin(training.labels.fit())
        try:
            for threads in choices:
                torch.set_num_threads(threads)
                costs[threads] = _Cost.measured(training, network)
            threads = 1 if costs[choices[-1]].trial < 0.9 * costs[before].trial else before
        except BaseException:
            torch.set_num_threads(before)
            raise
    torch.set_num_threads(threads)
    log.info(
        "now the network itself: whether training it pays is found out on %d folds, which takes "
        "%s at most%s; where it pays, training on all galaxies takes %s more; `network='never'` "
        "leaves this out",
        NETWORK_FOLDS,
        _minutes(costs[threads].trial),
        " (in one thread, as the cores have other work)" if threads < before else "",
        _minutes(costs[threads].on_all),
    )
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class _Cost:
    """Seconds that the cross-validation takes at most, and the training on all galaxies."""

    trial: float
    on_all: float

    @classmethod
    def measured(cls, training: NetworkTraining, network: ProbedNetwork) -> _Cost:
        """From the time of one step each; the network is of no use afterwards."""
        train, predict = training.measure(network)
        schedule, count = training.schedule, len(training.labels)
        predictions = 1 + len(schedule.scored) * len(_SHARES)
        on_all = train * count * schedule.epochs
        return cls((NETWORK_FOLDS - 1) * on_all + predict * predictions * count, on_all)


def _minutes(seconds: float) -> str:
    """A rough time in words.

    Examples
    --------
    >>> _minutes(12.3), _minutes(80), _minutes(4000)
    ('less than a minute', 'about 2 minutes', 'about 67 minutes')
    """
    minutes = math.ceil(seconds / 60)
    return "less than a minute" if minutes == 1 else f"about {minutes} minutes"


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


def _choice(number: int, scored: Sequence[int]) -> tuple[int, float]:
    """Epochs and share of a choice: 0 is the beginning; then the shares of each scored epoch.

    Examples
    --------
    >>> _choice(0, (2, 4)), _choice(1, (2, 4)), _choice(4, (2, 4))
    ((2, 0.0), (2, 0.5), (4, 1.0))
    """
    if number == 0:
        return scored[0], 0.0
    index, share = divmod(number - 1, len(_SHARES))
    return scored[index], _SHARES[share]


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
        if epoch not in schedule.scored:
            progress(epoch)
            return False
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
    while len(outputs) < 1 + len(schedule.scored) * len(_SHARES):
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
