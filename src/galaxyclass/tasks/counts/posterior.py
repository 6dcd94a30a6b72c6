"""What concentrations say of a galaxy: fractions and votes with their spread, intervals, draws."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.tasks.scores.counts import expected_fractions, log_likelihoods
from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.tree import Tree


def fraction_spreads(tree: Tree, concentrations: Floats) -> Doubles:
    """The standard deviation of each joint fraction, by what a model believes.

    Parameters
    ----------
    tree : Tree
    concentrations : (galaxies, answers) float, above 0

    Returns
    -------
    (galaxies, answers) float64

    Notes
    -----
    A joint fraction is R p, where R is the share that is led to the question, and p the share of
    the answer there, which are independent: its mean square is E[R^2] E[p^2]. Several answers that
    lead to one question are of one Dirichlet distribution where they are of one question.
    """
    a = np.asarray(concentrations, np.float64)
    joint = expected_fractions(tree, a)
    squares = np.empty(a.shape)
    reached_squares = np.ones((len(tree.questions), len(a)))
    for index in tree.order:
        where, parents = tree.slices[index], tree.parents[index]
        if parents.any():
            reached_squares[index] = _reached_squares(tree, a, joint, parents, reached_squares)
        of_question = a[:, where]
        total = of_question.sum(axis=1, keepdims=True)
        share_squares = of_question * (of_question + 1) / (total * (total + 1))
        squares[:, where] = reached_squares[index][:, None] * share_squares
    return np.sqrt(np.maximum(squares - joint**2, 0.0))


def _reached_squares(
    tree: Tree, a: Doubles, joint: Doubles, parents: NDArray[np.bool_], known: Doubles
) -> Doubles:
    """(galaxies,) the mean square of the share that is led to a question by these answers."""
    mean, variance = np.zeros(len(a)), np.zeros(len(a))
    for index, where in enumerate(tree.slices):
        chosen = np.flatnonzero(parents[where]) + where.start
        if not len(chosen):
            continue
        part, total = a[:, chosen].sum(axis=1), a[:, where].sum(axis=1)
        of_parent = known[index] * part * (part + 1) / (total * (total + 1))
        mean += joint[:, chosen].sum(axis=1)
        variance += of_parent - joint[:, chosen].sum(axis=1) ** 2
    return np.asarray(mean**2 + np.maximum(variance, 0.0))


def share_intervals(tree: Tree, concentrations: Floats, level: float) -> tuple[Doubles, Doubles]:
    """The central credible interval of each answer's share among those who are asked.

    Parameters
    ----------
    tree : Tree
    concentrations : (galaxies, answers) float, above 0
    level : float, 0..1

    Returns
    -------
    lower, upper : (galaxies, answers) float64, 0..1
    """
    from scipy.special import betaincinv

    a = np.asarray(concentrations, np.float64)
    rest = np.empty(a.shape)
    for where in tree.slices:
        rest[:, where] = a[:, where].sum(axis=1, keepdims=True) - a[:, where]
    rest = np.maximum(rest, 1e-12)
    tail = (1 - level) / 2
    return betaincinv(a, rest, tail), betaincinv(a, rest, 1 - tail)


def expected_votes(tree: Tree, concentrations: Floats, people: float) -> tuple[Doubles, Doubles]:
    """How many of so many people would give each answer, and the standard deviation of that.

    Parameters
    ----------
    tree : Tree
    concentrations : (galaxies, answers) float, above 0
    people : float

    Returns
    -------
    votes, deviations : (galaxies, answers) float64
    """
    joint = expected_fractions(tree, concentrations)
    variance = fraction_spreads(tree, concentrations) ** 2
    # Of votes given the fraction f: n f (1 - f), and of the fraction itself.
    votes = people * (joint - joint**2 - variance) + people**2 * variance
    return people * joint, np.sqrt(np.maximum(votes, 0.0))


def draw_fractions(tree: Tree, concentrations: Floats, draws: int) -> Doubles:
    """Joint fractions drawn from what a model believes.

    Parameters
    ----------
    tree : Tree
    concentrations : (galaxies, answers) float, above 0; NaN gives NaN
    draws : int
        A galaxy of the same concentrations gets the same draws, wherever it stands.

    Returns
    -------
    (galaxies, draws, answers) float64
    """
    a = np.asarray(concentrations, np.float32)
    shares = np.full((len(a), draws, a.shape[1]), np.nan)
    for row, galaxy in enumerate(a):
        digest = hashlib.blake2b(galaxy.tobytes(), digest_size=8).digest()
        generator = np.random.default_rng([0, int.from_bytes(digest, "little")])
        for where in tree.slices:
            if not np.isnan(galaxy[where]).any():
                gammas = generator.gamma(galaxy[where], size=(draws, where.stop - where.start))
                gammas = np.maximum(gammas, 1e-300)
                shares[row, :, where] = gammas / gammas.sum(axis=1, keepdims=True)
    return np.asarray(joint_from_conditional(tree, shares), dtype=np.float64)


def fit_certainty(groups: Sequence[slice], concentrations: Doubles, counts: Doubles) -> Doubles:
    """The factor of each question's concentrations that makes counts most likely.

    Expected shares stay as they are: what is fitted is how sure they are.

    Parameters
    ----------
    groups : sequence of slice
        The answers of each question.
    concentrations : (galaxies, answers) float64, above 0
        Predictions of galaxies that the model did not learn.
    counts : (galaxies, answers) float64
        NaN is unknown.

    Returns
    -------
    (questions,) float64
        1 where nobody answered.
    """
    factors = np.geomspace(0.1, 100, 61)
    sums = np.array(
        [
            np.nansum(log_likelihoods(groups, factor * concentrations, counts), axis=0)
            for factor in factors
        ]
    )
    best = factors[sums.argmax(axis=0)]
    answered = [bool((np.nansum(counts[:, where], axis=1) > 0).any()) for where in groups]
    return np.asarray(np.where(answered, best, 1.0))


def fit_total(shares: Doubles, counts: Doubles) -> float:
    """The sum of concentrations that makes counts most likely, where all galaxies have one share.

    Parameters
    ----------
    shares : (answers,) float64
        Of one question; sum to 1.
    counts : (galaxies, answers) float64
        Without NaN.
    """
    with_votes = counts[counts.sum(axis=1) > 0]
    if not len(with_votes):
        return float(len(shares))
    where = [slice(0, len(shares))]
    totals = np.geomspace(0.3, 300, 40)
    floor = np.maximum(shares, 1e-4)
    shape = with_votes.shape
    sums = [
        float(np.nansum(log_likelihoods(where, np.broadcast_to(total * floor, shape), with_votes)))
        for total in totals
    ]
    return float(totals[int(np.argmax(sums))])
