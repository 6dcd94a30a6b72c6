"""Fitting a probe: regressions on a network's embedding and answers, averaged by how well they do.

With fifty labels no rule tells which of a hundred regressions is the best one, and the choice of a
single one overfits. Their mean, weighted by how well each predicts galaxies that it has not
learnt, does not; and it is a single layer: a linear function and a sum of Gaussians.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.finetuning.probe_inputs import ProbeInputs
from galaxyclass.finetuning.ridge import (
    PENALTIES,
    RidgePath,
    fit_line,
    line_errors,
    rescaled,
    ridge_path,
)
from galaxyclass.model.probe import GaussianBumps, NetworkProbe, gaussians

#: The regressions on a single column, among the families of regressions.
ONE_ANSWER = "one answer"

#: Ridge regression on Gaussians around galaxies, on all columns: it is not linear in them.
SMOOTH = "smooth"

#: Gaussians at most; and by what share of the median square of the distances between galaxies they
#: fall by a factor of e, as its inverse.
_CENTRES, _NARROWNESS = 512, 0.8

#: The share of all answers of the name of the labels before anything is known, beside that of a
#: family of regressions.
_NAMED = 8.0

#: What the errors of regressions tell of their shares: the logarithm of the likelihood times this.
#: Errors of a hundred regressions differ by chance, so that all of it would choose by chance.
_TRUST = 0.5

#: Spreads are at least this share of their root mean square: a feature that hardly changes among
#: fifty galaxies, or not at all, may change a lot among others.
_LEAST_SPREAD = 0.3

#: Logarithm of how much larger the share of the simplest regression of a family is than that of the
#: most complicated one, before anything is known.
_SIMPLER = 6.0

#: Regressions with a smaller share than this of the largest one are left out of the mean.
_LEAST_SHARE = 1e-3


@dataclass(frozen=True)
class FittedProbe:
    """A probe, and how it came about; its link (`NetworkProbe.linked`) is not fitted yet.

    Attributes
    ----------
    probe : NetworkProbe
    left_out : (galaxies, outputs) float64
        Linear outputs of each galaxy by regressions on all the others; NaN where its target is.
    shares : mapping
        Family of regressions -> its share of the mean: ``embedding``, ``answers``, ``both``; with
        the brightness profile ``all``, and ``smooth``, which is not linear; ``one answer``.
    """

    probe: NetworkProbe
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


def fit_network_probe(
    inputs: ProbeInputs,
    targets: Doubles,
    weights: Doubles | None = None,
    label_names: Iterable[str] = (),
) -> FittedProbe:
    """Fit a probe.

    Parameters
    ----------
    inputs : ProbeInputs
    targets : (galaxies, outputs) float64
        `Task.linear_targets`; NaN unknown. An output that is known of fewer than two galaxies is 0.
    weights : (galaxies,) float64, optional
        Of the galaxies, with a mean of 1.
    label_names : iterable of str
        What the labels are called (`Task.label_names`): an answer of that name is the likeliest to
        decide alone, before anything is known.
    """
    design, fits = _fit_groups(inputs, targets, weights)
    errors = sum(fit.errors for fit in fits) / sum(fit.entries for fit in fits)
    galaxies = int((~np.isnan(targets)).any(axis=1).sum())
    priors = design.priors(inputs.named_like(label_names))
    shares = _shares(np.asarray(errors), priors, galaxies)
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
        As for `fit_network_probe`.
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
    variance of the errors estimated from those of the best one, and tempered (`_TRUST`).
    """
    smallest = max(float(errors.min()), 1e-12)
    shares = priors * np.exp(-_TRUST * galaxies / 2 * (errors / smallest - 1))
    shares[shares < _LEAST_SHARE * shares.max()] = 0.0
    return np.asarray(shares / shares.sum())


@dataclass(frozen=True)
class _Design:
    """Columns of mean 0 and spread 1, and which regressions there are on them.

    Attributes
    ----------
    columns : (galaxies, columns) float64
        Features, then answers, then the profile.
    mean, spread : (columns,) float64
    answers : slice
        Which of the columns are answers.
    factors : mapping
        Family -> (columns,) what each column is multiplied by; 0 where it is not used. The squares
        of a galaxy's columns then sum to about 1.
    smooth : _Smooth or None
        The columns of the family that is not linear.
    """

    columns: Doubles
    mean: Doubles
    spread: Doubles
    answers: slice
    factors: Mapping[str, Doubles]
    smooth: _Smooth | None

    @classmethod
    def of(cls, inputs: ProbeInputs, *, only_lines: bool) -> _Design:
        columns, mean, spread = [], [], []
        blocks = inputs.features, inputs.answers, inputs.profile
        for block in blocks:
            spreads = block.std(axis=0)
            floor = _LEAST_SPREAD * float(np.sqrt((spreads**2).mean())) if spreads.size else 0.0
            mean.append(block.mean(axis=0))
            spread.append(np.maximum(np.maximum(spreads, floor), 1e-9))
            columns.append((block - mean[-1]) / spread[-1])
        widths = [block.shape[1] for block in blocks]
        of_block = np.repeat(np.arange(3), widths)

        def factor(*used: int) -> Doubles:
            shares = [number in used and width > 0 for number, width in enumerate(widths)]
            each = [1 / np.sqrt(max(width, 1) * max(sum(shares), 1)) for width in widths]
            return np.asarray(np.where(shares, each, 0.0)[of_block])

        used = {"embedding": (0,), "answers": (1,), "both": (0, 1), "all": (0, 1, 2)}
        factors: dict[str, Doubles] = {}
        for name, numbers in used.items():
            # A network may have no embedding, or no answers: then families are the same.
            present = factor(*numbers)
            if present.any() and not any(
                np.array_equal(present, each) for each in factors.values()
            ):
                factors[name] = present
        together = np.hstack(columns)
        # Columns that are the same for all, such as answers that the network has not learnt, move
        # no galaxy away from another: their values in prediction mean nothing.
        varying = np.where(together.any(axis=0), factor(0, 1, 2), 0.0)
        smooth = None if only_lines else _Smooth.of(together, varying)
        return cls(
            together,
            np.concatenate(mean),
            np.concatenate(spread),
            slice(widths[0], widths[0] + widths[1]),
            {} if only_lines else factors,
            smooth,
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """The families along a path of penalties."""
        return (*self.factors, *([SMOOTH] if self.smooth is not None else []))

    @property
    def families(self) -> dict[str, slice]:
        """Family -> which of all regressions are its own."""
        count, lines = len(PENALTIES), self.answers.stop - self.answers.start
        slices = {
            name: slice(number * count, (number + 1) * count)
            for number, name in enumerate(self.paths)
        }
        first = len(slices) * count
        return {**slices, ONE_ANSWER: slice(first, first + lines)} if lines else slices

    def priors(self, named: NDArray[np.int64]) -> Doubles:
        """(regressions,) shares before anything is known: the same for each family.

        Within a family, simple regressions, of large penalties, come before complicated ones: where
        labels are few they all seem alike, and the simple ones are better. Answers of the same name
        as the labels, ``named``, have a further share.
        """
        shares = []
        for name, where in self.families.items():
            count = where.stop - where.start
            simple = np.linspace(0, 0 if name == ONE_ANSWER else _SIMPLER, count)
            share = np.exp(simple) / np.exp(simple).sum()
            if name == ONE_ANSWER and len(named):
                columns = np.concatenate([named, named + count // 2])
                share[columns] += _NAMED / len(columns)
            shares.append(share)
        return np.concatenate(shares)

    def assemble(
        self, fits: list[_GroupFit], shares: Doubles, shape: tuple[int, ...]
    ) -> tuple[NetworkProbe, Doubles]:
        """The probe that is the mean of regressions, and what it predicts of galaxies left out."""
        slopes, bias = np.zeros((self.columns.shape[1], shape[1])), np.zeros(shape[1])
        smooth = None if self.smooth is None else np.zeros((self.smooth.centres.shape[1], shape[1]))
        left_out = np.full(shape, np.nan)
        for fit in fits:
            mean = fit.mean(shares, self)
            slopes[:, fit.outputs], bias[fit.outputs] = mean.slopes, mean.bias
            if smooth is not None:
                smooth[:, fit.outputs] = mean.heights
            left_out[np.ix_(fit.rows, fit.outputs)] = mean.left_out
        slopes /= self.spread[:, None]
        bias = bias - self.mean @ slopes
        bumps = None
        if self.smooth is not None and smooth is not None and smooth.any():
            scales = self.smooth.factors / self.spread
            bumps = GaussianBumps(self.mean, scales, self.smooth.centres, smooth)
        parts = np.split(slopes, [self.answers.start, self.answers.stop])
        of_features, of_answers, of_profile = parts
        return NetworkProbe(of_features, of_answers, of_profile, bias, bumps), left_out


@dataclass(frozen=True)
class _Smooth:
    """Gaussians around galaxies with labels, as columns of a regression (Nyström's method).

    With all galaxies as centres, a regression on the columns is kernel ridge regression; with some
    of them it is nearly that (Williams & Seeger 2001).

    Attributes
    ----------
    factors : (columns,) float64
        What each column of the design is multiplied by.
    centres : (columns, centres) float64
    root : (centres, rank) float64
        From Gaussians to columns whose products are the Gaussians between galaxies.
    columns : (galaxies, rank) float64
    """

    factors: Doubles
    centres: Doubles
    root: Doubles
    columns: Doubles

    @classmethod
    def of(cls, columns: Doubles, factors: Doubles) -> _Smooth:
        scaled = columns * factors
        galaxies = np.random.default_rng(0).permutation(len(columns))[:_CENTRES]
        chosen = scaled[np.sort(galaxies)]
        squares = (chosen**2).sum(axis=1)
        distances = squares[:, None] + squares - 2 * chosen @ chosen.T
        narrow = _NARROWNESS / max(float(np.median(distances)), 1e-12)
        factors, scaled = factors * np.sqrt(narrow), scaled * np.sqrt(narrow)
        centres = chosen.T * np.sqrt(narrow)
        between = np.exp(-narrow * np.maximum(distances, 0))
        values, vectors = np.linalg.eigh(between)
        kept = values > 1e-9 * len(chosen)
        root = vectors[:, kept] / np.sqrt(values[kept])
        return cls(factors, centres, root, gaussians(scaled, centres) @ root)


@dataclass(frozen=True)
class _Mean:
    """The mean of regressions of some outputs.

    Attributes
    ----------
    slopes : (columns, outputs) float64
    heights : (centres, outputs) float64
    bias : (outputs,) float64
    left_out : (rows, outputs) float64
    """

    slopes: Doubles
    heights: Doubles
    bias: Doubles
    left_out: Doubles


@dataclass(frozen=True)
class _GroupFit:
    """All regressions of outputs that are known of the same galaxies.

    Attributes
    ----------
    outputs, rows : int64 arrays
        Indices of the outputs, and of the galaxies.
    targets : (rows, outputs) float64
    weights : (rows,) float64
    paths : mapping
        Family -> its path.
    errors : (regressions,) float64
        Sums of squared errors of galaxies left out.
    """

    outputs: NDArray[np.int64]
    rows: NDArray[np.int64]
    targets: Doubles
    weights: Doubles
    paths: Mapping[str, RidgePath]
    errors: Doubles

    @property
    def entries(self) -> float:
        return float(self.weights.sum() * len(self.outputs))

    def mean(self, shares: Doubles, design: _Design) -> _Mean:
        """The mean of the regressions with these shares."""
        slopes = np.zeros((design.columns.shape[1], len(self.outputs)))
        heights = np.zeros((0, len(self.outputs)))
        bias, predictions = np.zeros(len(self.outputs)), np.zeros(self.targets.shape)
        families = design.families
        for name, path in self.paths.items():
            of_family = shares[families[name]]
            family_slopes, family_bias = path.combine(of_family)
            if name in design.factors:
                factors = design.factors[name]
                used = factors > 0
                slopes[used] += factors[used, None] * family_slopes
            else:
                assert design.smooth is not None
                heights = design.smooth.root @ family_slopes
            bias += family_bias
            predictions += np.tensordot(of_family, path.left_out, axes=1)
        where = families.get(ONE_ANSWER, slice(0, 0))
        for number in where.start + np.flatnonzero(shares[where]):
            column = design.answers.start + number - where.start
            line = fit_line(design.columns[self.rows, column], self.targets, self.weights)
            slopes[column] += shares[number] * line.slope
            bias += shares[number] * line.bias
            predictions += shares[number] * line.left_out
        return _Mean(slopes, heights, bias, predictions)


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
    of_families = {
        name: columns[:, factors > 0] * factors[factors > 0]
        for name, factors in design.factors.items()
    }
    if design.smooth is not None:
        of_families[SMOOTH] = design.smooth.columns[rows]
    paths = {
        name: rescaled(ridge_path(of_family, targets, weights), targets, weights)
        for name, of_family in of_families.items()
    }

    def error(left_out: Doubles) -> float:
        return float(weights @ ((left_out - targets) ** 2).sum(axis=1))

    of_paths = [error(left_out) for path in paths.values() for left_out in path.left_out]
    of_lines = line_errors(columns[:, design.answers], targets, weights)
    errors = np.concatenate([of_paths, of_lines])
    return _GroupFit(outputs, rows, targets, weights, paths, errors)
