"""Cross-validation of a probe within the labels: how good it is, and what more labels would bring.

Everything that is chosen by the labels, the mean of regressions and the link, is chosen anew in
each fold, so that no galaxy has a say in its own prediction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from galaxyclass.arrays import Doubles
from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.finetuning.fit_probe import (
    FittedProbe,
    fit_best_answer,
    fit_network_probe,
)
from galaxyclass.finetuning.probe_inputs import ProbeInputs
from galaxyclass.model.probe import NetworkProbe
from galaxyclass.tasks.scores.bootstrap import INTERVAL_LEVEL, Score
from galaxyclass.tasks.task import Task

#: Parts of a cross-validation.
FOLDS = 5

#: How often a cross-validation is repeated with other folds, for at most so many galaxies.
_REPEATS = ((400, 4), (2000, 2))

#: A learning curve begins with trainings on at least so many galaxies, or so many for each output
#: of classes.
_FEWEST = 12

#: Samples of galaxies from which the interval of an extrapolated score comes.
_RESAMPLES = 200

#: From inputs and values of some galaxies to a probe with its link.
FitProbe = Callable[[ProbeInputs, NDArray[np.generic]], NetworkProbe]


@dataclass(frozen=True)
class LabelledGalaxies:
    """Galaxies with labels, as a probe learns them.

    Attributes
    ----------
    inputs : ProbeInputs
    values : (galaxies, …)
        `Targets.values`, all known.
    strata : (galaxies,) int64
        Each part of a cross-validation gets its share of every stratum.
    task : Task
    balanced : bool
        Whether each class counts as much as any other, however many galaxies it has.
    """

    inputs: ProbeInputs
    values: NDArray[np.generic]
    strata: NDArray[np.int64]
    task: Task
    balanced: bool = False

    @classmethod
    def of(
        cls, inputs: ProbeInputs, sample: Sample, *, balanced: bool = False
    ) -> tuple[LabelledGalaxies, tuple[str, ...]]:
        """The galaxies of a sample, with an input for each; and notes on their targets."""
        task = sample.task(np.arange(len(sample.rows)))
        values, notes = task.scorable(sample.targets)
        return cls(inputs, values, sample.targets.strata, task, balanced), notes

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, indices: NDArray[np.int64]) -> LabelledGalaxies:
        """Some of the galaxies."""
        return LabelledGalaxies(
            self.inputs.take(indices),
            self.values[indices],
            self.strata[indices],
            self.task,
            self.balanced,
        )

    @property
    def weights(self) -> Doubles:
        """(galaxies,) of the galaxies, with a mean of 1."""
        if not self.balanced:
            return np.ones(len(self))
        _, members, counts = np.unique(self.strata, return_inverse=True, return_counts=True)
        return np.asarray(len(self) / len(counts) / counts[members])

    def fit_without_link(self) -> FittedProbe:
        """A probe on all of them, whose link is not fitted yet."""
        targets = self.task.linear_targets(self.values)
        return fit_network_probe(self.inputs, targets, self.weights, self.task.label_names)

    def fit(self) -> NetworkProbe:
        """A probe on all of them, with its link."""
        fitted = self.fit_without_link()
        link = self.task.fit_link(np.nan_to_num(fitted.left_out), self.values)
        return fitted.probe.linked(*link)

    def fit_best_answer(self) -> NetworkProbe | None:
        """The regression on the one answer that predicts best; None without answers."""
        fitted = fit_best_answer(self.inputs, self.task.linear_targets(self.values), self.weights)
        return None if fitted is None else fitted.probe

    def predict(self, probe: NetworkProbe) -> Doubles:
        """(galaxies, outputs) what a probe predicts."""
        inputs = self.inputs
        raw = probe.outputs_of_columns(inputs.features, inputs.answers, inputs.profile)
        return self.task.from_linear(raw)


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of galaxies by probes that have not learnt them.

    Attributes
    ----------
    repeats : (repeats, galaxies, outputs) float64
        One prediction of each galaxy in each repeat.
    task : Task
    values : (galaxies, …)
    """

    repeats: Doubles
    task: Task
    values: NDArray[np.generic]

    @property
    def mean(self) -> Doubles:
        """(galaxies, outputs) the mean over the repeats."""
        return np.asarray(self.repeats.mean(axis=0))

    def score(self, seed: int) -> Score:
        """The main score with its interval, the mean over the repeats."""
        scores = [self.task.main_score(each, self.values, seed=seed) for each in self.repeats]
        return Score(
            *(
                float(np.mean([getattr(score, name) for score in scores]))
                for name in ("value", "low", "high")
            )
        )


def stratified_folds(
    strata: NDArray[np.int64], count: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """(galaxies,) the fold of each galaxy, 0 to count - 1; each fold has its share of a stratum."""
    order = generator.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    folds = np.empty(len(strata), dtype=np.int64)
    folds[order] = np.arange(len(strata)) % count
    return folds


def repeats_for(galaxies: int) -> int:
    """How often a cross-validation of so many galaxies is repeated.

    Examples
    --------
    >>> repeats_for(50), repeats_for(10_000)
    (4, 1)
    """
    return next((repeats for most, repeats in _REPEATS if galaxies <= most), 1)


def cross_validate(
    labels: LabelledGalaxies,
    seed: int,
    fit: Callable[[LabelledGalaxies], NetworkProbe] = LabelledGalaxies.fit,
) -> OutOfFold:
    """Predict each galaxy by a probe on the other folds; stratified, repeated for few galaxies."""
    generator = np.random.default_rng([seed, 1])
    repeats = []
    with threadpool_limits(1):  # matrices are small: threads would wait for each other
        for _ in range(repeats_for(len(labels))):
            folds = stratified_folds(labels.strata, FOLDS, generator)
            predictions = np.empty((len(labels), labels.task.count))
            for number in range(FOLDS):
                inside = np.flatnonzero(folds != number)
                held_out = np.flatnonzero(folds == number)
                probe = fit(labels.take(inside))
                predictions[held_out] = labels.take(held_out).predict(probe)
            repeats.append(predictions)
    return OutOfFold(np.array(repeats), labels.task, labels.values)


@dataclass(frozen=True)
class LabelCurve:
    """The score of probes on fewer galaxies, and what it would be with more.

    Attributes
    ----------
    galaxies : tuple of int
        How many galaxies the probes learnt.
    scores : tuple of float
        The main score of each, on galaxies that it has not learnt.
    with_all, with_twice : Score
        Expected with all galaxies, and with twice as many, with intervals.
    gain : Score
        By how much less the error would be with twice as many: 0 or more.
    """

    galaxies: tuple[int, ...]
    scores: tuple[float, ...]
    with_all: Score
    with_twice: Score
    gain: Score


def _by_parts(labels: LabelledGalaxies, parts: int, generator: np.random.Generator) -> Doubles:
    """(galaxies, outputs) each part as predicted by a probe on the part before it."""
    folds = stratified_folds(labels.strata, parts, generator)
    predicted = np.empty((len(labels), labels.task.count))
    with threadpool_limits(1):
        for number in range(parts):
            probe = labels.take(np.flatnonzero(folds == number)).fit()
            following = np.flatnonzero(folds == (number + 1) % parts)
            predicted[following] = labels.take(following).predict(probe)
    return predicted


def label_curve(labels: LabelledGalaxies, out_of_fold: OutOfFold, seed: int) -> LabelCurve | None:
    """Score probes on parts of the galaxies, and extrapolate to twice as many.

    The galaxies are dealt to parts. A probe on one part predicts the next part, so that each galaxy
    has one prediction at each size. Errors then fall as ``a + b / sqrt(galaxies)``; the interval
    is that of samples of galaxies drawn with replacement.

    Parameters
    ----------
    labels : LabelledGalaxies
    out_of_fold : OutOfFold
        Of the same galaxies: the largest size.
    seed : int

    Returns
    -------
    LabelCurve or None
        None where there are too few galaxies.
    """
    task, generator = labels.task, np.random.default_rng([seed, 2])
    fewest = max(_FEWEST, 3 * len(task.class_names))
    predictions: dict[int, list[Doubles]] = {}
    for parts in (8, 4, 2):
        size = len(labels) // parts
        if size < fewest:
            continue
        for _ in range(max(1, 2 * repeats_for(len(labels)) // parts)):
            predicted = _by_parts(labels, parts, generator)
            predictions.setdefault(size, []).append(predicted)
    if not predictions:
        return None
    predictions[len(labels) * (FOLDS - 1) // FOLDS] = list(out_of_fold.repeats)
    sizes = np.array(list(predictions), dtype=np.float64)

    def extrapolate(rows: NDArray[np.int64]) -> tuple[Doubles, Doubles]:
        """Scores at each size; and errors with all and with twice as many galaxies."""
        values = labels.values[rows]
        scores = [
            np.mean([task.main_value(each[rows], values) for each in repeats])
            for repeats in predictions.values()
        ]
        errors = np.array([task.metric.error(float(score)) for score in scores])
        falling = 1 / np.sqrt(sizes)
        slope = max(0.0, float(np.polyfit(falling, errors, 1)[0]))
        # Through the largest size, which is measured best.
        ends = errors[-1] + slope * (1 / np.sqrt(len(labels) * np.array([1.0, 2.0])) - falling[-1])
        return np.array(scores), np.maximum(ends, 0)

    scores, ends = extrapolate(np.arange(len(labels)))
    drawn = np.array(
        [
            extrapolate(generator.integers(len(labels), size=len(labels)))[1]
            for _ in range(_RESAMPLES)
        ]
    )
    sides = 50 * (1 - INTERVAL_LEVEL), 50 * (1 + INTERVAL_LEVEL)

    def as_score(errors: Doubles, value: float) -> Score:
        low, high = np.percentile(errors, sides)
        between = sorted(map(task.metric.error, (float(low), float(high))))
        return Score(task.metric.error(value), *between)

    gains = drawn[:, 0] - drawn[:, 1]
    low, high = np.percentile(gains, sides)
    return LabelCurve(
        tuple(map(int, sizes)),
        tuple(map(float, scores)),
        as_score(drawn[:, 0], float(ends[0])),
        as_score(drawn[:, 1], float(ends[1])),
        Score(float(ends[0] - ends[1]), float(low), float(high)),
    )
