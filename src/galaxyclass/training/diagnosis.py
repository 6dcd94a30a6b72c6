"""Diagnosis of a finished training: divergence, collapse, over-fitting and other problems.

Pure functions on histories and predictions. A good training gives no notices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galaxyclass.model.checks import find_collapse, measure
from galaxyclass.short import counted
from galaxyclass.tasks.kinds import metric_of_history
from galaxyclass.tasks.metric import Metric
from galaxyclass.tasks.task import Task
from galaxyclass.training.history import Row

NoticeKind = Literal["diverged", "collapsed", "no_better", "unsettled", "over_fitting"]

#: Each kind of notice, and what to try; in the order in which they are reported.
NOTICE_KINDS: dict[NoticeKind, str] = {
    "diverged": "lower the rate (`optimizer.lr=…`, ten times smaller), or clip the gradient "
    "(`training.gradient_clip=1`); `training.keep=best` keeps the epoch before it",
    "collapsed": "another rate (`optimizer.lr=…`) or another `optimizer.name=…`; "
    "`galaxyclass.compare` tries several at once",
    "no_better": "more epochs, another rate (`optimizer.lr=…`) or more galaxies, and make "
    "sure that the ids of the table belong to the images",
    "unsettled": "a rate that falls towards the end (`schedule.name=one_cycle`), or a moving "
    "average of the weights (`training.ema=0.98`)",
    "over_fitting": "more augmentation, `model.dropout=…`, `optimizer.weight_decay=…`, a "
    "smaller network or more galaxies; `training.early_stopping=7` with `training.keep=best` "
    "stops in time",
}

#: What to try where a training collapsed because it had hardly begun.
_LONGER = (
    "more steps first: more epochs (`training.epochs=…`, some ten times as many), or smaller "
    "batches (`training.batch_size=…`, a quarter as large); another rate (`optimizer.lr=…`) where "
    "that changes nothing"
)
#: A training of fewer epochs has hardly begun, whatever its error does.
_FEW_EPOCHS = 5

#: Epochs of the running median, which hides a single bad epoch.
_WINDOW = 5
#: Epochs after the best one before a rise counts.
_PATIENCE = 3
#: A rise by less than this share of the error is ignored.
_RISE = 0.05
#: The training error of a network that still learns falls by at least this share.
_FALL = 0.02
#: Over-fitting: an RMSE on validation this many times that on training. In good trainings, whose
#: errors are mostly noise of the votes, the ratio is smaller.
_RATIO = 1.5
#: Unsettled: an RMSE of the kept network on training galaxies this many times that of the same
#: epoch during training, with augmentation and dropout.
_UNSETTLED = 1.1
#: Over-fitting: a loss of accuracy from training to validation.
_LOSS_OF_ACCURACY = 0.1
#: A model has to beat the simplest predictor by so many standard errors.
_SURE = 2.0
#: Learning rates beyond these are the likely cause of a collapse.
_SLOW, _FAST = 1e-4, 1e-2


@dataclass(frozen=True)
class Notice:
    """A problem of a training.

    Attributes
    ----------
    kind : str
        Of `NOTICE_KINDS`.
    message : str
        The problem, with figures, and what to try.
    """

    kind: NoticeKind
    message: str


def diagnose(
    task: Task,
    predictions: NDArray[np.float32],
    targets: NDArray[Any],
    history: Sequence[Row],
    parts: Mapping[str, Mapping[str, Any]],
    *,
    kept_epoch: int,
    rate: float = 0.0,
) -> tuple[Notice, ...]:
    """Find the problems of a training.

    Parameters
    ----------
    task : Task
    predictions : (galaxies, outputs) float32
        Of the kept network, on validation.
    targets : (galaxies, answers) float joint fractions, NaN unknown, or (galaxies,) int classes
        The truth; -1 is an unknown class.
    history : sequence of rows
        Of the whole training.
    parts : mapping
        Scores of the kept network: ``validation`` and, if it was scored, ``train``.
    kept_epoch : int
        Counted from 1.
    rate : float
        The learning rate of the recipe: the highest, of which a schedule may leave nothing at the
        end of an epoch. 0: as the history says.

    Returns
    -------
    tuple of Notice
        At most one of a kind, in the order of `NOTICE_KINDS`; empty for a good training.
    """
    collapse = _collapse(task, predictions)
    highest = max([rate, *(row["lr"] for row in history)])
    problems: dict[NoticeKind, str | None] = {
        "diverged": find_divergence(history),
        "collapsed": None if collapse is None else f"Collapsed: {collapse}.{_cause(highest)}",
        "no_better": _no_better(task, predictions, targets, parts["validation"]),
        "unsettled": find_unsettled(history, parts, kept_epoch),
        "over_fitting": find_over_fitting(history, parts),
    }
    if problems["collapsed"]:
        problems["no_better"] = None  # the collapse is the cause
    if problems["unsettled"]:
        problems["over_fitting"] = None  # it hides the true validation error
    hints: dict[NoticeKind, str] = dict(NOTICE_KINDS)
    if not _cause(highest) and _hardly_begun(history):
        hints["collapsed"] = _LONGER
    return tuple(
        Notice(kind, f"{problems[kind]} What to try: {hint}.")
        for kind, hint in hints.items()
        if problems[kind]
    )


def find_divergence(history: Sequence[Row]) -> str | None:
    """Report a training loss that has gone up again, if it has.

    The loss of the last epochs (running median) has climbed at least half of the way back to that
    of the first epoch, or beyond it, and is at least a fifth above the least.

    Examples
    --------
    >>> rows = [{"epoch": n, "train_loss": loss} for n, loss in enumerate([9, 4, 2, 8, 9, 9], 1)]
    >>> find_divergence(rows)
    'Diverged: the training loss fell to 4 (epoch 2) and has gone up again, to 9.'
    >>> find_divergence(rows[:3])
    """
    if len(history) < _PATIENCE:
        return None
    loss = _smooth([row["train_loss"] for row in history], window=3)
    best = int(np.argmin(loss))
    risen = loss[-1] - loss[best]
    if risen <= max(0.5 * (loss[0] - loss[best]), 0.2 * loss[best]):
        return None
    if best == 0:
        return f"Diverged: the training loss only rose, from {loss[0]:.3g} to {loss[-1]:.3g}."
    return (
        f"Diverged: the training loss fell to {loss[best]:.3g} (epoch {history[best]['epoch']:.0f})"
        f" and has gone up again, to {loss[-1]:.3g}."
    )


def find_unsettled(
    history: Sequence[Row], parts: Mapping[str, Mapping[str, Any]], kept_epoch: int
) -> str | None:
    """Report a kept network that is worse on its training galaxies than during training.

    Without augmentation and dropout it should be better. If not, its weights change so much from
    step to step that the kept ones are a chance result, or that the statistics of batch
    normalisation, which are of the last steps, are of other weights. The high validation error that
    follows is easily mistaken for over-fitting.

    Examples
    --------
    >>> rows = [{"epoch": 1.0, "train_rmse": 0.11, "validation_rmse": 0.16}]
    >>> text = find_unsettled(rows, {"train": {"value": 0.157, "low": 0.15, "high": 0.16}}, 1)
    >>> print(text.split(":")[0])
    Unsettled
    """
    train = parts.get("train")
    if train is None:
        return None
    metric = metric_of_history(history[0])
    learning = history[kept_epoch - 1][f"train_{metric.key}"]
    if metric.lower_is_better:
        worse = train["low"] > _UNSETTLED * learning
    else:
        worse = train["high"] < learning - _LOSS_OF_ACCURACY
    if not worse:
        return None
    return (
        f"Unsettled: on the galaxies that it was trained on, the kept network is worse "
        f"({metric.label} {train['value']:.4f}) than it was while it learned from them "
        f"({learning:.4f}, with augmentation). Its weights, or the statistics of its batch "
        "normalisation, still changed much from step to step."
    )


def find_over_fitting(history: Sequence[Row], parts: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Report a validation error that moves away from the training error, if it does.

    Either of two signs is enough:

    - Over the epochs: the validation error (running median of five epochs) has risen by at least
      5 % from its least, and by three times its scatter from epoch to epoch, at least three epochs
      ago, while the training error has gone on falling. It has risen by more than half the width of
      the interval of the validation score, too: one of seven galaxies is not a trend. Only trends
      are compared, because augmentation and dropout make the training error of an epoch larger.
    - At the end: the kept network, without augmentation or dropout, is much better on the galaxies
      it was trained on than on others: an RMSE 1.5 times as large, or an accuracy lower by 0.1, and
      intervals that do not overlap.

    Parameters
    ----------
    history : sequence of rows
    parts : mapping
        As for `diagnose`.

    Examples
    --------
    >>> parts = {
    ...     "train": {"value": 0.05, "low": 0.04, "high": 0.06},
    ...     "validation": {"value": 0.12, "low": 0.11, "high": 0.13},
    ... }
    >>> rows = [{"epoch": 1.0, "train_rmse": 0.2, "validation_rmse": 0.2}]
    >>> find_over_fitting(rows, parts).split(":")[0]
    'Over-fitting'
    """
    metric = metric_of_history(history[0])
    turning_point = _turn(history, metric, _half_interval(parts.get("validation", {})))
    if turning_point is not None:
        best, training, validation = turning_point
        last = len(history) - 1
        return (
            f"Over-fitting: validation was best around epoch {history[best]['epoch']:.0f} "
            f"({_words(metric, validation[best])}) and has become worse since "
            f"({_words(metric, validation[last])}), while training went on from "
            f"{_words(metric, training[best])} to {_words(metric, training[last])}."
        )
    train, held_out = parts.get("train"), parts["validation"]
    if train is None:
        return None
    if metric.lower_is_better:
        wide = held_out["value"] >= _RATIO * train["value"] and held_out["low"] > train["high"]
    else:
        wide = (
            train["value"] - held_out["value"] >= _LOSS_OF_ACCURACY
            and held_out["high"] < train["low"]
        )
    if not wide:
        return None
    return (
        f"Over-fitting: the network has learnt the training galaxies by heart "
        f"({metric.label} {train['value']:.4f}, against {held_out['value']:.4f} on validation)."
    )


def _half_interval(figures: Mapping[str, Any]) -> float:
    """Half the width of a score's interval: how far a score is off by the choice of galaxies."""
    if figures.get("low") is None or figures.get("high") is None:
        return 0.0
    return float(figures["high"] - figures["low"]) / 2


def _turn(
    history: Sequence[Row], metric: Metric, noise: float
) -> tuple[int, NDArray[np.float64], NDArray[np.float64]] | None:
    """The epoch after which validation gets worse while training improves; smoothed errors."""
    training, validation = (
        np.array([metric.error(row[f"{part}_{metric.key}"]) for row in history])
        for part in ("train", "validation")
    )
    smooth_training, smooth = _smooth(training, _WINDOW), _smooth(validation, _WINDOW)
    best = int(np.argmin(smooth))
    if len(history) - 1 - best < _PATIENCE:
        return None
    # Scatter of single epochs about the running median, robustly (1.4826 makes it a sigma).
    scatter = 1.4826 * float(np.median(np.abs(validation - smooth)[best:]))
    rise = smooth[-1] - smooth[best]
    fall = smooth_training[best] - smooth_training[-1]
    least = max(_RISE * smooth[best], 3 * scatter, noise)
    if rise < least or fall < _FALL * smooth_training[best]:
        return None
    return best, smooth_training, smooth


def _collapse(task: Task, predictions: NDArray[np.float32]) -> str | None:
    """In words how predictions have collapsed, if they have."""
    statistics = measure(task, predictions)
    collapse = find_collapse(task, statistics)
    if collapse is None:
        return None
    if collapse == "nothing":
        return (
            f"every prediction is close to 0 (the largest of all is {max(statistics.maximum):.2g}),"
            " though the answers to a question sum to 1"
        )
    return "the predictions are the same whatever the galaxy"


def _cause(rate: float) -> str:
    """A sentence on a learning rate that is the likely cause of a collapse; otherwise empty."""
    if rate < _SLOW:
        return f" A learning rate of {rate:g} is very small: take a larger one."
    if rate > _FAST:
        return f" A learning rate of {rate:g} is large: take a smaller one."
    return ""


def _hardly_begun(history: Sequence[Row]) -> bool:
    """Whether a training was short, or its error was still falling when it ended."""
    if len(history) < _FEW_EPOCHS:
        return True
    metric = metric_of_history(history[0])
    before, last = (
        metric.error(row[f"train_{metric.key}"]) for row in (history[-_PATIENCE], history[-1])
    )
    return last < (1 - _FALL) * before


def _no_better(
    task: Task,
    predictions: NDArray[np.float32],
    targets: NDArray[Any],
    figures: Mapping[str, Any],
) -> str | None:
    """Compare with the simplest predictor galaxy by galaxy: sharper than comparing intervals."""
    metric, gain = task.metric, task.gain(predictions, targets)
    total, error = float(gain.sum()), float(gain.std()) * len(gain) ** 0.5
    if total > _SURE * error:
        return None
    surely = "not surely" if total > 0 else "no"
    return (
        f"No better: {metric.label} {figures['value']:.4f} on "
        f"{counted(figures['galaxies'], 'validation galaxy')} is {surely} better than the "
        f"{metric.simplest}'s {figures['reference']:.4f}."
    )


def _smooth(values: Sequence[float] | NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Running median; the window is cut at the ends."""
    array = np.asarray(values, dtype=np.float64)
    reach = window // 2
    return np.array(
        [np.median(array[max(0, index - reach) : index + reach + 1]) for index in range(len(array))]
    )


def _words(metric: Metric, error: float) -> str:
    return f"{metric.label} {metric.error(error):.4f}"
