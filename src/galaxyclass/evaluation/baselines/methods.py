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
from galaxyclass.tasks.votes.task import VoteTask

Labels = NDArray[np.integer]


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

#: The same by the kind of task: values as `galaxyclass.tasks.targets.Targets.values` has them.
METHODS: dict[str, dict[str, tuple[str, Callable[[Colours, Any, Colours], Any]]]] = {
    VoteTask.kind: VOTE_METHODS,
    ClassTask.kind: CLASS_METHODS,
}
