"""How well concentrations predict counts of votes: likelihood, coverage, errors of fractions.

Concentrations are those of a Dirichlet distribution for each question: what a model believes of the
probabilities of its answers. The votes of those who were asked are then a draw from the
Dirichlet-multinomial distribution (Walmsley et al. 2020, MNRAS 491, 1554; 2022, MNRAS 509, 3966).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.errors import ScoreError
from galaxyclass.tasks.metric import RMSE
from galaxyclass.tasks.scores.bootstrap import RESAMPLES, Score, ratios_of_sums, score_ratios
from galaxyclass.tasks.scores.noise import fractions_from_counts
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.tasks.scores.votes import VoteScores, require_same_shape, score_votes
from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.tree import Tree

#: The share of votes that predictive intervals should hold, when their coverage is measured.
COVERED = 0.9
#: Most people that answer a question: what is more is left out of the coverage.
_MOST_VOTES = 500
#: Galaxies whose coverage is computed at a time.
_AT_ONCE = 512


@dataclass(frozen=True)
class VoteBin:
    """The scores of galaxies that so many people looked at (``least`` to ``most`` votes).

    ``rmse`` is that of joint fractions, ``log_likelihood`` the mean of a galaxy.
    """

    least: int
    most: int
    galaxies: int
    rmse: float
    log_likelihood: float


@dataclass(frozen=True, repr=False)
class CountScores(Scores):
    """The scores of concentrations.

    Attributes
    ----------
    fractions : VoteScores
        Errors of the expected joint fractions.
    log_likelihood : Score
        The mean, over galaxies, of the log-probability of all votes of a galaxy, in nats: the sum
        over the questions that somebody answered. Higher is better.
    questions : tuple of float
        The mean log-probability of the votes for each question, over the galaxies of which somebody
        answered it; NaN where nobody did.
    coverage : float
        The share of the counts within the central 90 % of what is predicted for as many people.
        Counts are whole numbers: one at the end of an interval counts by its part inside (Czado et
        al. 2009, Biometrics 65, 1254).
    by_votes : tuple of VoteBin
        By the number of people who looked.
    galaxies : int
    """

    metric = RMSE

    fractions: VoteScores
    log_likelihood: Score
    questions: tuple[float, ...]
    coverage: float
    by_votes: tuple[VoteBin, ...]
    galaxies: int

    @property
    def main(self) -> Score:
        """The root mean square error of the expected joint fractions."""
        return self.fractions.overall

    @property
    def words(self) -> str:
        """The main score, and the likelihood."""
        return f"{super().words}, log-likelihood {self.log_likelihood.value:.2f}"


def expected_shares(groups: Sequence[slice], concentrations: Floats) -> Doubles:
    """The expected share of each answer among those who are asked its question.

    Parameters
    ----------
    groups : sequence of slice
        The answers of each question.
    concentrations : (galaxies, answers) float, above 0

    Examples
    --------
    >>> expected_shares([slice(0, 2)], np.array([[3.0, 1.0]])).tolist()
    [[0.75, 0.25]]
    """
    shares = np.array(concentrations, dtype=np.float64)
    for where in groups:
        shares[:, where] /= shares[:, where].sum(axis=1, keepdims=True)
    return shares


def expected_fractions(tree: Tree, concentrations: Floats) -> Doubles:
    """(galaxies, answers) expected joint fractions: the shares along each path, multiplied.

    ``concentrations`` are (galaxies, answers), above 0.
    """
    shares = expected_shares(tree.slices, concentrations)
    return np.asarray(joint_from_conditional(tree, shares), dtype=np.float64)


def log_likelihoods(
    groups: Sequence[slice], concentrations: Floats, counts: Floats
) -> NDArray[np.float64]:
    """The log-probability of the votes for each question, given how many answered it.

    Parameters
    ----------
    groups : sequence of slice
        The answers of each question.
    concentrations, counts : (galaxies, answers) float
        NaN in ``counts`` is unknown.

    Returns
    -------
    (galaxies, questions) float64
        At most 0; NaN where nobody answered, or where a count is unknown.

    Notes
    -----
    With concentrations a_i of sum A and n votes k_i: log n! + log G(A) - log G(n + A), and for each
    answer log G(k_i + a_i) - log G(a_i) - log k_i!, where G is the gamma function.

    Examples
    --------
    >>> uniform = log_likelihoods([slice(0, 2)], np.ones((1, 2)), np.array([[3.0, 1.0]]))
    >>> round(float(np.exp(uniform[0, 0])), 6)  # five ways to share four votes, all as likely
    0.2
    """
    from scipy.special import gammaln

    require_same_shape(concentrations, counts)
    concentrations = np.asarray(concentrations, np.float64)
    counts = np.asarray(counts, np.float64)
    values = np.full((len(counts), len(groups)), np.nan)
    for index, where in enumerate(groups):
        a, k = concentrations[:, where], counts[:, where]
        total, votes = a.sum(axis=1), k.sum(axis=1)
        with np.errstate(invalid="ignore"):
            terms = gammaln(k + a) - gammaln(a) - gammaln(k + 1)
            of_question = gammaln(votes + 1) + gammaln(total) - gammaln(votes + total)
            of_question += terms.sum(axis=1)
        values[:, index] = np.where(votes > 0, of_question, np.nan)
    return values


def coverage_of_counts(groups: Sequence[slice], concentrations: Floats, counts: Floats) -> float:
    """The share of counts within the central interval of what is predicted; see `CountScores`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a = np.array([4.0, 2.0])
    >>> votes = np.array([rng.multinomial(20, p) for p in rng.dirichlet(a, 2000)])
    >>> belief = np.broadcast_to(a, votes.shape)
    >>> round(coverage_of_counts([slice(0, 2)], belief, votes), 2)
    0.9
    """
    low, high = (1 - COVERED) / 2, (1 + COVERED) / 2
    covered = total = 0.0
    for start in range(0, len(counts), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        for where in groups:
            for below, mass in _predictive(concentrations[rows, where], counts[rows, where]):
                inside = np.clip(below + mass, low, high) - np.clip(below, low, high)
                covered += float((inside / mass).sum())
                total += len(mass)
    return covered / total if total else float("nan")


def _predictive(concentrations: Floats, counts: Floats) -> list[tuple[Doubles, Doubles]]:
    """For each answer: the predicted probability of fewer votes than were given, and of as many."""
    from scipy.special import betaln, gammaln

    votes = counts.sum(axis=1)
    usable = (votes > 0) & (votes <= _MOST_VOTES)  # NaN is not
    if not usable.any():
        return []
    a = np.asarray(concentrations, np.float64)[usable]
    k, n = np.rint(counts[usable]).astype(np.int64), np.rint(votes[usable])[:, None]
    grid = np.arange(int(n.max()) + 1)[None]
    possible = grid <= n
    other_votes = np.maximum(n - grid, 0)
    ways = gammaln(n + 1) - gammaln(grid + 1) - gammaln(other_votes + 1)
    results = []
    for answer in range(a.shape[1]):
        first = a[:, answer, None]
        others = np.maximum(a.sum(axis=1, keepdims=True) - first, 1e-12)
        log_mass = ways + betaln(grid + first, other_votes + others) - betaln(first, others)
        masses = np.where(possible, np.exp(log_mass), 0.0)
        sums = np.cumsum(masses, axis=1)
        observed = k[:, answer, None]
        mass = np.take_along_axis(masses, observed, axis=1)[:, 0]
        below = np.take_along_axis(sums, observed, axis=1)[:, 0] - mass
        results.append((below, np.maximum(mass, 1e-300)))
    return results


def people_of(tree: Tree, counts: Floats) -> NDArray[np.float64]:
    """(galaxies,) how many people looked at each galaxy: the most votes for any question."""
    totals = np.stack([np.nansum(counts[:, where], axis=1) for where in tree.slices], axis=1)
    return np.asarray(totals.max(axis=1), dtype=np.float64)


def score_counts(
    tree: Tree,
    concentrations: Floats,
    counts: Floats,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> CountScores:
    """All scores of concentrations, on galaxies whose votes were counted.

    Parameters
    ----------
    tree : Tree
    concentrations, counts : (galaxies, answers of the tree) float
        NaN in ``counts`` is unknown.
    resamples, seed : int
        Of the bootstrap by galaxy.

    Raises
    ------
    ScoreError
        The shapes differ, or nobody voted.
    """
    likelihoods = log_likelihoods(tree.slices, concentrations, counts)
    answered = ~np.isnan(likelihoods)
    voted: NDArray[np.bool_] = np.asarray(answered.any(axis=1))
    if not voted.any():
        raise ScoreError("nothing to score: nobody voted")
    expected, truth = expected_fractions(tree, concentrations), fractions_from_counts(tree, counts)
    sums = np.asarray(np.where(answered, likelihoods, 0.0).sum(axis=1))
    galaxies = voted.astype(np.float64)
    (log_likelihood,) = score_ratios(
        sums[:, None], galaxies[:, None], resamples=resamples, seed=seed
    )
    by_question = ratios_of_sums(np.where(answered, likelihoods, 0.0), answered)
    return CountScores(
        fractions=score_votes(tree, expected, truth, resamples=resamples, seed=seed),
        log_likelihood=log_likelihood,
        questions=tuple(by_question.tolist()),
        coverage=coverage_of_counts(tree.slices, concentrations, counts),
        by_votes=score_by_votes(people_of(tree, counts), expected, truth, sums),
        galaxies=int(voted.sum()),
    )


def score_by_votes(
    people: Doubles, expected: Floats, truth: Floats, likelihoods: Doubles
) -> tuple[VoteBin, ...]:
    """Scores of four groups of galaxies of the same size, by the number of people who looked.

    Parameters
    ----------
    people, likelihoods : (galaxies,) float64
    expected, truth : (galaxies, answers) float
        Joint fractions; NaN in ``truth`` is unknown.
    """
    voted = people > 0
    edges = np.unique(np.quantile(people[voted], [0.25, 0.5, 0.75]))
    bins = np.digitize(people, edges)
    result = []
    for index in range(len(edges) + 1):
        chosen = voted & (bins == index)
        errors = (expected - truth)[chosen]
        known = ~np.isnan(errors)
        if not known.any():
            continue
        result.append(
            VoteBin(
                int(people[chosen].min()),
                int(people[chosen].max()),
                int(chosen.sum()),
                float(np.sqrt(np.mean(errors[known] ** 2))),
                float(likelihoods[chosen].mean()),
            )
        )
    return tuple(result)
