"""The baselines by name: each predicts galaxies from the colours of the training galaxies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.evaluation.baselines.central_pixel import CentralPixelBenchmark, known_mean
from galaxyclass.evaluation.baselines.colours import Colours
from galaxyclass.evaluation.baselines.regressions import LinearColours, LogisticColours
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.counts.task import CountTask
from galaxyclass.tasks.numbers.task import NumberTask
from galaxyclass.tasks.scores.noise import fractions_from_counts
from galaxyclass.tasks.votes.task import VoteTask

Labels = NDArray[np.integer]
#: (colours, values, colours of others) -> predictions for the others.
Method = Callable[[Colours, Any, Colours], Any]
#: The least share of an answer that a method of counts predicts.
_LEAST_SHARE = 1e-4


def _zeros(_: Colours, targets: Floats, others: Colours) -> Floats:
    return np.zeros((len(others), targets.shape[1]))


def _mean(_: Colours, targets: Floats, others: Colours) -> Floats:
    return np.broadcast_to(known_mean(targets), (len(others), targets.shape[1]))


def _linear_mean(colours: Colours, targets: Floats, others: Colours) -> Floats:
    return LinearColours(colours.mean, targets).predict(others.mean)


def _linear_pixel(colours: Colours, targets: Floats, others: Colours) -> Floats:
    return LinearColours(colours.pixel, targets).predict(others.pixel)


def _central_pixel(colours: Colours, targets: Floats, others: Colours) -> Floats:
    return CentralPixelBenchmark.fit(colours.centre, targets).predict(others.centre)


def _largest(_: Colours, labels: Labels, others: Colours) -> Labels:
    return np.full(len(others), np.bincount(labels[labels >= 0]).argmax(), dtype=np.int64)


def _logistic_mean(colours: Colours, labels: Labels, others: Colours) -> Labels:
    return LogisticColours(colours.mean, labels).predict(others.mean)


def _logistic_pixel(colours: Colours, labels: Labels, others: Colours) -> Labels:
    return LogisticColours(colours.pixel, labels).predict(others.pixel)


def _central_pixel_class(colours: Colours, labels: Labels, others: Colours) -> Labels:
    shares = (labels[:, None] == np.arange(labels.max() + 1)).astype(np.float64)
    shares[labels < 0] = np.nan
    return np.asarray(_central_pixel(colours, shares, others).argmax(axis=1), dtype=np.int64)


#: Key -> name, and (colours, targets (galaxies, answers) with NaN unknown, colours of others)
#: -> (others, answers) joint fractions in 0..1; from the simplest on.
VOTE_METHODS: dict[str, tuple[str, Callable[[Colours, Floats, Colours], Floats]]] = {
    "all_zeros": ("all zeros", _zeros),
    "mean_vector": ("mean vector", _mean),
    "mean_colour": ("linear, mean colour", _linear_mean),
    "central_pixel": ("linear, central pixel", _linear_pixel),
    "central_pixel_benchmark": ("central-pixel benchmark", _central_pixel),
}

#: The same for classes: labels (galaxies,) with -1 unknown -> (others,) indices of classes.
CLASS_METHODS: dict[str, tuple[str, Callable[[Colours, Labels, Colours], Labels]]] = {
    "largest_class": ("largest class", _largest),
    "mean_colour": ("logistic, mean colour", _logistic_mean),
    "central_pixel": ("logistic, central pixel", _logistic_pixel),
    "central_pixel_benchmark": ("central-pixel benchmark", _central_pixel_class),
}


def _mean_number(_: Colours, numbers: Floats, others: Colours) -> Floats:
    return np.broadcast_to(known_mean(numbers), (len(others), numbers.shape[1]))


def _median_number(_: Colours, numbers: Floats, others: Colours) -> Floats:
    known = ~np.isnan(numbers).all(axis=0)
    median = np.zeros(numbers.shape[1])
    median[known] = np.nanmedian(numbers[:, known], axis=0)
    return np.broadcast_to(median, (len(others), numbers.shape[1]))


def _on_range(method: Callable[[Colours, Floats, Colours], Floats]) -> Method:
    """A method of fractions for numbers: 0 is the smallest, 1 the largest of training."""

    def predict(colours: Colours, numbers: Floats, others: Colours) -> Floats:
        known: NDArray[np.bool_] = np.asarray(~np.isnan(numbers).all(axis=0))
        low, high = np.zeros(len(known)), np.ones(len(known))
        low[known] = np.nanmin(numbers[:, known], axis=0)
        high[known] = np.nanmax(numbers[:, known], axis=0)
        width = np.where(high > low, high - low, 1.0)
        return np.asarray(method(colours, (numbers - low) / width, others) * width + low)

    return predict


#: The same for numbers: (galaxies, columns) with NaN unknown -> (others, columns), within the
#: range of the training galaxies.
NUMBER_METHODS: dict[str, tuple[str, Method]] = {
    "mean": ("mean", _mean_number),
    "median": ("median", _median_number),
    "mean_colour": ("linear, mean colour", _on_range(_linear_mean)),
    "central_pixel": ("linear, central pixel", _on_range(_linear_pixel)),
    "central_pixel_benchmark": ("central-pixel benchmark", _on_range(_central_pixel)),
}


def count_methods(task: CountTask) -> dict[str, tuple[str, Method]]:
    """The methods of fractions for counts: concentrations, as sure as for the mean vector."""
    groups, simplest = task.tree.slices, task.simplest(1)[0]

    def of_fractions(method: Method) -> Method:
        def predict(colours: Colours, counts: Floats, others: Colours) -> Floats:
            fractions = fractions_from_counts(task.tree, counts)
            shares = np.maximum(np.nan_to_num(method(colours, fractions, others)), _LEAST_SHARE)
            predicted = np.empty(shares.shape)
            for where, total in zip(groups, task.totals, strict=True):
                of_question = shares[:, where]
                predicted[:, where] = total * of_question / of_question.sum(axis=1, keepdims=True)
            return np.where(task.known_mask, predicted, simplest)

        return predict

    return {
        key: (name, of_fractions(method))
        for key, (name, method) in VOTE_METHODS.items()
        if key != "all_zeros"
    }


#: The same by the kind of task: from the task to its methods, which get values as
#: `galaxyclass.tasks.targets.Targets.values` has them.
METHODS: dict[str, Callable[[Any], dict[str, tuple[str, Method]]]] = {
    VoteTask.kind: lambda _: VOTE_METHODS,
    ClassTask.kind: lambda _: CLASS_METHODS,
    NumberTask.kind: lambda _: NUMBER_METHODS,
    CountTask.kind: count_methods,
}
