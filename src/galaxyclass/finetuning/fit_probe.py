"""Fitting a probe: regressions on a network's embedding and answers, averaged by how well they do.

With fifty labels no rule tells which of a hundred regressions is the best one, and the choice of a
single one overfits. Their mean, weighted by how well each predicts galaxies that it has not
learnt, does not; and a mean of linear functions is a linear function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.finetuning.ridge import (
    PENALTIES,
    RidgePath,
    fit_line,
    line_errors,
    rescaled,
    ridge_path,
)
from galaxyclass.model.probe import LinearProbe

#: The regressions on a single column, among the families of regressions.
ONE_ANSWER = "one answer"

#: Spreads are at least this share of their root mean square: a feature that hardly changes among
#: fifty galaxies, or not at all, may change a lot among others.
_LEAST_SPREAD = 0.3

#: Logarithm of how much larger the share of the simplest regression of a family is than that of the
#: most complicated one, before anything is known.
_SIMPLER = 6.0

#: Regressions with a smaller share than this of the largest one are left out of the mean.
_LEAST_SHARE = 1e-3


@dataclass(frozen=True)
class ProbeInputs:
    """What a network says of galaxies.

    Attributes
    ----------
    features : (galaxies, features) float64
        The embedding.
    answers : (galaxies, 2 × answers) float64
        `galaxyclass.model.probe.probe_columns` of its own predictions.
    names : tuple of str
        A name for each answer.
    """

    features: Doubles
    answers: Doubles
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.features)

    def take(self, indices: NDArray[np.int64]) -> ProbeInputs:
        """Some of the galaxies."""
        return ProbeInputs(self.features[indices], self.answers[indices], self.names)


@dataclass(frozen=True)
class FittedProbe:
    """A probe, and how it came about; its link (`with_link`) is not fitted yet.

    Attributes
    ----------
    probe : LinearProbe
    left_out : (galaxies, outputs) float64
        Linear outputs of each galaxy by regressions on all the others; NaN where its target is.
    shares : mapping
        Family of regressions -> its share of the mean: ``embedding``, ``answers``, ``both``,
        ``one answer``.
    """

    probe: LinearProbe
    left_out: Doubles
    shares: Mapping[str, float]


@dataclass(frozen=True)
class FittedAnswer(FittedProbe):
    """The regression on the one answer that alone predicts best.

    Attributes
    ----------
    name : str
        Of the answer.
    """

    name: str


def with_link(probe: LinearProbe, scale: float, offsets: Doubles) -> LinearProbe:
    """The probe with a scale and offsets of its outputs (`Task.fit_link`)."""
    return LinearProbe(scale * probe.features, scale * probe.answers, scale * probe.bias + offsets)


def fit_linear_probe(
    inputs: ProbeInputs, targets: Doubles, weights: Doubles | None = None
) -> FittedProbe:
    """Fit a probe.

    Parameters
    ----------
    inputs : ProbeInputs
    targets : (galaxies, outputs) float64
        `Task.linear_targets`; NaN unknown. An output that is known of fewer than two galaxies is 0.
    weights : (galaxies,) float64, optional
        Of the galaxies, with a mean of 1.
    """
    design, fits = _fit_groups(inputs, targets, weights)
    errors = sum(fit.errors for fit in fits) / sum(fit.entries for fit in fits)
    galaxies = int((~np.isnan(targets)).any(axis=1).sum())
    shares = _shares(np.asarray(errors), design.priors, galaxies)
    probe, left_out = design.assemble(fits, shares, targets.shape)
    by_family = {name: float(shares[where].sum()) for name, where in design.families.items()}
    return FittedProbe(probe, left_out, by_family)


def fit_best_answer(
    inputs: ProbeInputs, targets: Doubles, weights: Doubles | None = None
) -> FittedAnswer | None:
    """Fit the regression on the answer that alone predicts best; None of a network without any.

    Parameters
    ----------
    inputs, targets, weights
        As for `fit_linear_probe`.
    """
    if not inputs.answers.shape[1]:
        return None
    design, fits = _fit_groups(inputs, targets, weights, only_lines=True)
    errors = np.asarray(sum(fit.errors for fit in fits))
    best = int(errors.argmin())
    shares = np.zeros(len(errors))
    shares[best] = 1.0
    probe, left_out = design.assemble(fits, shares, targets.shape)
    return FittedAnswer(probe, left_out, {ONE_ANSWER: 1.0}, inputs.names[best % len(inputs.names)])


def _shares(errors: Doubles, priors: Doubles, galaxies: int) -> Doubles:
    """Shares of regressions in their mean, from the mean squared error of each.

    The weights of a mean over models by cross-validation (pseudo-BMA; Yao et al. 2018), with the
    variance of the errors estimated from those of the best one.
    """
    smallest = max(float(errors.min()), 1e-12)
    shares = priors * np.exp(-galaxies / 2 * (errors / smallest - 1))
    shares[shares < _LEAST_SHARE * shares.max()] = 0.0
    return np.asarray(shares / shares.sum())


@dataclass(frozen=True)
class _Design:
    """Columns of mean 0 and spread 1, and which regressions there are on them.

    Attributes
    ----------
    columns : (galaxies, columns) float64
        Features, then answers.
    mean, spread : (columns,) float64
    features : int
        How many of the columns are features.
    factors : mapping
        Family -> (columns,) what each column is multiplied by; 0 where it is not used. The squares
        of a galaxy's columns then sum to about 1.
    """

    columns: Doubles
    mean: Doubles
    spread: Doubles
    features: int
    factors: Mapping[str, Doubles]

    @classmethod
    def of(cls, inputs: ProbeInputs, *, only_lines: bool) -> _Design:
        columns, mean, spread = [], [], []
        for block in (inputs.features, inputs.answers):
            spreads = block.std(axis=0)
            floor = _LEAST_SPREAD * float(np.sqrt((spreads**2).mean())) if spreads.size else 0.0
            mean.append(block.mean(axis=0))
            spread.append(np.maximum(np.maximum(spreads, floor), 1e-9))
            columns.append((block - mean[-1]) / spread[-1])
        width, more = inputs.features.shape[1], inputs.answers.shape[1]
        of_features = np.repeat([1.0, 0.0], [width, more]) / np.sqrt(max(width, 1))
        of_answers = np.repeat([0.0, 1.0], [width, more]) / np.sqrt(max(more, 1))
        factors = {
            "embedding": of_features,
            "answers": of_answers,
            "both": (of_features + of_answers) / np.sqrt(2),
        }
        if not width or not more:
            name = "embedding" if width else "answers"
            factors = {name: factors[name]}
        return cls(
            np.hstack(columns),
            np.concatenate(mean),
            np.concatenate(spread),
            width,
            {} if only_lines else factors,
        )

    @property
    def families(self) -> dict[str, slice]:
        """Family -> which of all regressions are its own."""
        count, lines = len(PENALTIES), self.columns.shape[1] - self.features
        slices = {
            name: slice(number * count, (number + 1) * count)
            for number, name in enumerate(self.factors)
        }
        first = len(slices) * count
        return {**slices, ONE_ANSWER: slice(first, first + lines)} if lines else slices

    @property
    def priors(self) -> Doubles:
        """(regressions,) shares before anything is known: the same for each family.

        Within a family, simple regressions, of large penalties, come before complicated ones: where
        labels are few they all seem alike, and the simple ones are better.
        """
        shares = []
        for name, where in self.families.items():
            simple = np.linspace(0, 0 if name == ONE_ANSWER else _SIMPLER, where.stop - where.start)
            shares.append(np.exp(simple) / np.exp(simple).sum())
        return np.concatenate(shares)

    def assemble(
        self, fits: list[_GroupFit], shares: Doubles, shape: tuple[int, ...]
    ) -> tuple[LinearProbe, Doubles]:
        """The probe that is the mean of regressions, and what it predicts of galaxies left out."""
        slopes, bias = np.zeros((self.columns.shape[1], shape[1])), np.zeros(shape[1])
        left_out = np.full(shape, np.nan)
        for fit in fits:
            group_slopes, group_bias, predictions = fit.mean(shares, self)
            slopes[:, fit.outputs], bias[fit.outputs] = group_slopes, group_bias
            left_out[np.ix_(fit.rows, fit.outputs)] = predictions
        slopes /= self.spread[:, None]
        bias = bias - self.mean @ slopes
        return LinearProbe(slopes[: self.features], slopes[self.features :], bias), left_out


@dataclass(frozen=True)
class _GroupFit:
    """All regressions of outputs that are known of the same galaxies.

    Attributes
    ----------
    outputs, rows : int64 arrays
        Indices of the outputs, and of the galaxies.
    targets : (rows, outputs) float64
    weights : (rows,) float64
    paths : tuple of RidgePath
        One for each family with a path.
    errors : (regressions,) float64
        Sums of squared errors of galaxies left out.
    """

    outputs: NDArray[np.int64]
    rows: NDArray[np.int64]
    targets: Doubles
    weights: Doubles
    paths: tuple[RidgePath, ...]
    errors: Doubles

    @property
    def entries(self) -> float:
        return float(self.weights.sum() * len(self.outputs))

    def mean(self, shares: Doubles, design: _Design) -> tuple[Doubles, Doubles, Doubles]:
        """Slopes (columns, outputs), bias and left-out predictions of the mean."""
        slopes = np.zeros((design.columns.shape[1], len(self.outputs)))
        bias, predictions = np.zeros(len(self.outputs)), np.zeros(self.targets.shape)
        families = design.families
        for (name, factors), path in zip(design.factors.items(), self.paths, strict=True):
            of_family, used = shares[families[name]], factors > 0
            family_slopes, family_bias = path.combine(of_family)
            slopes[used] += factors[used, None] * family_slopes
            bias += family_bias
            predictions += np.tensordot(of_family, path.left_out, axes=1)
        where = families.get(ONE_ANSWER, slice(0, 0))
        for number in where.start + np.flatnonzero(shares[where]):
            column = design.features + number - where.start
            line = fit_line(design.columns[self.rows, column], self.targets, self.weights)
            slopes[column] += shares[number] * line.slope
            bias += shares[number] * line.bias
            predictions += shares[number] * line.left_out
        return slopes, bias, predictions


def _fit_groups(
    inputs: ProbeInputs, targets: Doubles, weights: Doubles | None, *, only_lines: bool = False
) -> tuple[_Design, list[_GroupFit]]:
    if weights is None:
        weights = np.ones(len(inputs))
    design = _Design.of(inputs, only_lines=only_lines)
    known = ~np.isnan(targets)
    groups: dict[bytes, list[int]] = {}
    for output in range(targets.shape[1]):
        groups.setdefault(known[:, output].tobytes(), []).append(output)
    fits = []
    for listed in groups.values():
        outputs, rows = np.array(listed), np.flatnonzero(known[:, listed[0]])
        if len(rows) > 1:
            fits.append(_fit_group(design, outputs, rows, targets[np.ix_(rows, outputs)], weights))
    return design, fits


def _fit_group(
    design: _Design,
    outputs: NDArray[np.int64],
    rows: NDArray[np.int64],
    targets: Doubles,
    weights: Doubles,
) -> _GroupFit:
    columns, weights = design.columns[rows], weights[rows]
    paths = tuple(
        rescaled(
            ridge_path(columns[:, factors > 0] * factors[factors > 0], targets, weights),
            targets,
            weights,
        )
        for factors in design.factors.values()
    )

    def error(left_out: Doubles) -> float:
        return float(weights @ ((left_out - targets) ** 2).sum(axis=1))

    of_paths = [error(left_out) for path in paths for left_out in path.left_out]
    of_lines = line_errors(columns[:, design.features :], targets, weights)
    errors = np.concatenate([of_paths, of_lines])
    return _GroupFit(outputs, rows, targets, weights, paths, errors)
