"""Noticing, at the end of a training, that it has not gone well, and saying so in words.

Pure functions on histories and predictions. A sound training gives no notice at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galaxyclass.model.checks import find_collapse, measure
from galaxyclass.tasks.kinds import metric_of_history
from galaxyclass.tasks.metric import Metric
from galaxyclass.tasks.task import Task
from galaxyclass.training.history import Row

NoticeKind = Literal["diverged", "collapsed", "no_better", "unsettled", "over_fitting"]

#: Each kind of notice, and what to try; in the order in which they are told.
NOTICE_KINDS: dict[NoticeKind, str] = {
    "diverged": "lower the rate (`optimizer.lr=…`, ten times smaller), or clip the gradient "
    "(`training.gradient_clip=1`); `training.keep=best` keeps the epoch before it",
    "collapsed": "another rate first, then more epochs (`training.epochs=…`) or another "
    "`optimizer.name=…`; `galaxyclass.compare` tries several at once",
    "no_better": "more epochs, another rate (`optimizer.lr=…`) or more galaxies, and make "
    "sure that the ids of the table belong to the images",
    "unsettled": "more epochs, a rate that falls towards the end (`schedule.name=one_cycle`), "
    "larger batches, or a smaller `training.ema=…`",
    "over_fitting": "more augmentation, `model.dropout=…`, `optimizer.weight_decay=…`, a "
    "smaller network or more galaxies; `training.early_stopping=7` with `training.keep=best` "
    "stops in time",
}

#: Epochs of a running median: one bad epoch between two good ones does not count.
_WINDOW = 5
#: Epochs after the best one before a rise is called one.
_PATIENCE = 3
#: A rise by less than this share of the error is not worth a word.
_RISE = 0.05
#: In a whole training that goes on learning, the training error falls by at least this share.
_FALL = 0.02
#: An RMSE on validation this many times that on training: noise in the votes alone keeps the
#: ratio of sound trainings below it.
_RATIO = 1.5
#: An RMSE of the kept network this many times that of the same epoch's training, augmentation,
#: dropout and all.
_UNSETTLED = 1.25
#: Accuracy that is lost from training to validation.
_LOSS_OF_ACCURACY = 0.1
#: Standard errors by which a model has to beat the simplest predictor.
_SURE = 2.0
#: Rates beyond these are the likely culprit of a collapse.
_SLOW, _FAST = 1e-4, 1e-2


@dataclass(frozen=True)
class Notice:
    """Something that has not gone well.

    Attributes
    ----------
    kind : str
        Of `NOTICE_KINDS`.
    message : str
        What was seen, with its figures, and what to try.
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
) -> tuple[Notice, ...]:
    """Say what has not gone well in a training.

    Parameters
    ----------
    task : Task
    predictions : (galaxies, outputs) float32
        Of the kept network, on validation.
    targets : (galaxies, answers) float joint fractions, NaN unknown, or (galaxies,) int classes
        Their truth; -1 is an unknown class.
    history : sequence of rows
        Of the whole training.
    parts : mapping
        Scores of the kept network: ``validation`` and, where it was scored, ``train``.
    kept_epoch : int
        Counted from 1.

    Returns
    -------
    tuple of Notice
        At most one of a kind, in the order of `NOTICE_KINDS`; empty for a sound training.
    """
    found: dict[NoticeKind, str | None] = {
        "diverged": find_divergence(history),
        "collapsed": _collapse(task, predictions, history),
        "no_better": _no_better(task, predictions, targets, parts["validation"]),
        "unsettled": find_unsettled(history, parts, kept_epoch),
        "over_fitting": find_over_fitting(history, parts),
    }
    if found["collapsed"]:
        found["no_better"] = None  # said already, and with its cause
    if found["unsettled"]:
        found["over_fitting"] = None  # validation lags behind, whatever it would have become
    return tuple(
        Notice(kind, f"{found[kind]} What to try: {hint}.")
        for kind, hint in NOTICE_KINDS.items()
        if found[kind]
    )


def find_divergence(history: Sequence[Row]) -> str | None:
    """Say that the training loss has gone up again, if it has.

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
    """Say that the kept network is worse on its training galaxies than it was while it learned.

    Without augmentation and dropout it should be better. What differs besides is what lags behind
    the weights: their moving average, and the statistics of batch normalisation. A validation error
    that stays high for that reason is easily taken for over-fitting.

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
        f"({learning:.4f}, with augmentation). Its averaged weights, or the statistics of its "
        "batch normalisation, lag behind."
    )


def find_over_fitting(history: Sequence[Row], parts: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Say that the validation error runs away from the training error, if it does.

    Two signs, either of which is enough:

    - Over the epochs: the validation error (running median of five epochs) has risen by at least
      5 % from its least, and by three times its scatter from epoch to epoch, at least three epochs
      ago, while the training error has gone on falling. Only directions are compared, so it does
      not matter that augmentation and dropout make the training error of an epoch the larger one.
    - At the end: the kept network, without augmentation or dropout, is much better on the galaxies
      it was trained on than on others: an RMSE 1.5 times as large, or a tenth less right, beyond
      what their intervals allow.

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
    turn = _turn(history, metric)
    if turn is not None:
        best, training, validation = turn
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
        f"Over-fitting: the network knows the galaxies that it was trained on by heart "
        f"({metric.label} {train['value']:.4f}, against {held_out['value']:.4f} on validation)."
    )


def _turn(
    history: Sequence[Row], metric: Metric
) -> tuple[int, NDArray[np.float64], NDArray[np.float64]] | None:
    """The epoch since which validation gets worse while training gets better; smoothed errors."""
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
    if rise < max(_RISE * smooth[best], 3 * scatter) or fall < _FALL * smooth_training[best]:
        return None
    return best, smooth_training, smooth


def _collapse(task: Task, predictions: NDArray[np.float32], history: Sequence[Row]) -> str | None:
    statistics = measure(task, predictions)
    collapse = find_collapse(task, statistics)
    if collapse is None:
        return None
    seen = (
        f"every prediction is close to 0 (the largest of all is {max(statistics.maximum):.2g}), "
        "though the answers to a question sum to 1"
        if collapse == "nothing"
        else "the predictions are the same whatever the galaxy"
    )
    rate = max((row["lr"] for row in history), default=0.0)
    if rate < _SLOW:
        cause = f" A learning rate of {rate:g} is very small: take a larger one."
    elif rate > _FAST:
        cause = f" A learning rate of {rate:g} is large: take a smaller one."
    else:
        cause = ""
    return f"Collapsed: {seen}.{cause}"


def _no_better(
    task: Task,
    predictions: NDArray[np.float32],
    targets: NDArray[Any],
    figures: Mapping[str, Any],
) -> str | None:
    """Compare with the simplest predictor galaxy by galaxy, which tells more than two intervals."""
    metric, gain = task.metric, task.gain(predictions, targets)
    total, error = float(gain.sum()), float(gain.std()) * len(gain) ** 0.5
    if total > _SURE * error:
        return None
    surely = "not surely" if total > 0 else "no"
    return (
        f"No better: {metric.label} {figures['value']:.4f} on {figures['galaxies']:,} validation "
        f"galaxies is {surely} better than the {metric.simplest}'s {figures['reference']:.4f}."
    )


def _smooth(values: Sequence[float] | NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Running median; at the ends, of what there is of the window."""
    array = np.asarray(values, dtype=np.float64)
    reach = window // 2
    return np.array(
        [np.median(array[max(0, place - reach) : place + reach + 1]) for place in range(len(array))]
    )


def _words(metric: Metric, error: float) -> str:
    return f"{metric.label} {metric.error(error):.4f}"
