"""The noise floor: the error of a perfect model.

A vote fraction is a random draw: had other volunteers looked at the same galaxy, it would differ. A
model that knew each galaxy's true probabilities would still have this error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.errors import ScoreError
from galaxyclass.trees.algebra import conditional_from_joint, joint_from_conditional
from galaxyclass.trees.tree import Tree

#: Volunteers of a galaxy where a table does not say how many: the median of Galaxy Zoo 2 is 44
#: (Willett et al. 2013, section 2.2), some of them of low weight.
VOTES = 40

_DEBIASED = (
    "the error of debiasing is not included: two debiasings of the same galaxies of Galaxy Zoo 2 "
    "differ by an RMSE of 0.085"
)
_RAW = (
    "the fractions are raw: a joint fraction counts the votes of all volunteers",
    "where debiasing enlarged a fraction of few votes, its noise is larger than this (by a third "
    "on galaxies of Galaxy Zoo 2)",
    _DEBIASED,
)


@dataclass(frozen=True)
class NoiseFloor:
    """The root mean square error that a perfect model would have.

    Attributes
    ----------
    value : float
        Over all known entries, as `rmse`; NaN where nothing is known.
    questions : tuple of float
        Over the known entries of each question, in the tree's order; NaN where there are none.
    answers : tuple of float
        Over the known entries of each answer; NaN where there are none.
    votes : float
        Median number of volunteers of a galaxy.
    counted : bool
        Whether the table has the number of volunteers; otherwise it is assumed.
    galaxies, entries : int
        How many galaxies and known entries it is computed from.
    assumptions : tuple of str
        What the value assumes, in words.
    """

    value: float
    questions: tuple[float, ...]
    answers: tuple[float, ...]
    votes: float
    counted: bool
    galaxies: int
    entries: int
    assumptions: tuple[str, ...]

    def __str__(self) -> str:
        origin = "counted" if self.counted else "assumed"
        return f"{self.value:.4f} ({self.votes:g} votes a galaxy, {origin})"


def noise_floor(tree: Tree, targets: Floats, votes: float | Floats = VOTES) -> NoiseFloor:
    """The noise floor of a table of fractions, from the number of volunteers of a galaxy.

    Parameters
    ----------
    tree : Tree
    targets : (galaxies, answers of the tree) float, joint, 0..1
        NaN unknown: left out, as by `rmse`.
    votes : float, (galaxies,) or (galaxies, questions) float
        Volunteers of each galaxy, more than 1; a single number is an assumption (`counted` is
        False). Or how many answered each question: for fractions that were corrected after the
        vote, so that the share of volunteers who were asked is no longer the joint fraction that
        leads to the question. NaN unknown, and left out.

    Returns
    -------
    NoiseFloor

    Raises
    ------
    ScoreError
        The shapes do not fit the tree, or a galaxy has fewer than two votes.

    Notes
    -----
    Volunteers answer independently, so the number of people who give an answer is binomial, and its
    joint fraction f among N has the variance p (1 - p) / N about its probability p, whatever
    questions lead there. f (1 - f) / (N - 1) estimates that without bias; the floor is
    the root of its mean over the entries.

    With a number n for each question, f = R c, where R is the share that is led there and c the
    share of the answer among those asked: var f = R^2 s + (c^2 - s) var R with
    s = c (1 - c) / (n - 1). A single vote has no variance: n - 1 is then taken as 1, and the floor
    is a little low.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> targets = np.full((1, 37), np.nan)
    >>> targets[0, :2] = 0.5
    >>> noise_floor(load_tree("galaxy_zoo_2"), targets, votes=26).value
    0.1
    """
    fractions, dimensions = _checked(tree, targets, "fractions"), np.ndim(votes)
    galaxies, questions = len(fractions), len(tree.questions)
    if np.shape(votes) not in ((), (galaxies,), (galaxies, questions)):
        raise ScoreError(
            "the numbers of votes do not fit the fractions",
            wanted=f"a number, or one for each of {galaxies:,} galaxies (and of {questions} "
            "questions)",
            got=f"an array {np.shape(votes)}",
        )
    people = np.asarray(votes, dtype=np.float64)
    source = {
        0: f"{float(people.flat[0]):g} volunteers looked at each galaxy",
        1: "as many volunteers as the table says looked at each galaxy",
        2: "as many volunteers as the table says answered each question",
    }[dimensions]
    independent = "they answered independently, from the same probabilities"
    if dimensions == 2:
        assumptions: tuple[str, ...] = (source, independent, _DEBIASED)
        variance = _variance_by_question(tree, fractions, people)
        people = np.nanmax(people, axis=1, initial=0)
    else:
        assumptions = (source, independent, *_RAW)
        people = np.broadcast_to(people, galaxies)
        variance = _variance(fractions, people[:, None])
    return _floor(tree, variance, people, assumptions, counted=dimensions > 0)


def noise_floor_from_counts(tree: Tree, counts: Floats) -> NoiseFloor:
    """The noise floor of a table that has the number of votes for each answer.

    Parameters
    ----------
    tree : Tree
    counts : (galaxies, answers of the tree) float, 0 or more
        How many people gave each answer; NaN unknown. An entry counts where its whole question is
        known and at least two people answered the question that its path began with.

    Returns
    -------
    NoiseFloor
        Of the joint fractions of these counts (`fractions_from_counts`).

    Raises
    ------
    ScoreError
        The shape does not fit the tree, or a count is negative.

    Notes
    -----
    As in `noise_floor`, N is the number of people who answered the question that the path to an
    answer began with: those who are asked the first, or one that is asked of everyone.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> counts = np.full((1, 37), np.nan)
    >>> counts[0, :3] = 13, 13, 0
    >>> floor = noise_floor_from_counts(load_tree("galaxy_zoo_2"), counts)
    >>> round(floor.value, 4), floor.entries  # 0.1 for two of the three
    (0.0816, 3)
    """
    fractions = fractions_from_counts(tree, counts)
    asked = np.full(fractions.shape, np.nan)
    for index in tree.order:
        where, parents = tree.slices[index], tree.parents[index]
        if not parents.any():
            asked[:, where] = np.asarray(counts)[:, where].sum(axis=1, keepdims=True)
        else:  # of several questions that lead here, the one with fewer votes is noisier
            asked[:, where] = asked[:, parents].min(axis=1, keepdims=True)
    asked[asked < 2] = np.nan
    people = np.nanmax(asked, axis=1, initial=0)
    assumptions = (
        "as many volunteers as the table counts answered each question",
        "they answered independently, from the same probabilities, and to the end of the tree",
        "the fractions are ratios of the counts, without correction",
        _DEBIASED,
    )
    return _floor(tree, _variance(fractions, asked), people, assumptions, counted=True)


def fractions_from_counts(tree: Tree, counts: Floats) -> NDArray[np.float64]:
    """Joint fractions from numbers of votes.

    Parameters
    ----------
    tree : Tree
    counts : (galaxies, answers of the tree) float, 0 or more
        NaN unknown.

    Returns
    -------
    (galaxies, answers) float64
        Share of everybody. NaN where the count of the answer, or of another one to the same
        question, is unknown, and where somebody was led to the question and nobody answered it.

    Raises
    ------
    ScoreError
        The shape does not fit the tree, or a count is negative.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> counts = np.zeros((1, 37))
    >>> counts[0, :5] = 30, 10, 0, 1, 9  # ten see features; of those, one an edge-on disc
    >>> fractions_from_counts(load_tree("galaxy_zoo_2"), counts)[0, :5].tolist()
    [0.75, 0.25, 0.0, 0.025, 0.225]
    """
    counts = _checked(tree, counts, "counts")
    if (counts < 0).any():
        galaxy, answer = np.argwhere(counts < 0)[0]
        raise ScoreError(
            f"galaxy {galaxy}, answer {tree.codes[answer]}: a negative number of votes",
            wanted="0 or more",
            got=f"{counts[galaxy, answer]:g}",
        )
    conditional = np.full(counts.shape, np.nan)
    for where in tree.slices:
        total = counts[:, where].sum(axis=1, keepdims=True)
        np.divide(counts[:, where], total, out=conditional[:, where], where=total > 0)
    joint = np.asarray(joint_from_conditional(tree, conditional), dtype=np.float64)
    for where in tree.slices:  # 0 is not known where the table lacks the question
        joint[np.isnan(counts[:, where]).any(axis=1), where] = np.nan
    return joint


def _checked(tree: Tree, values: Floats, numbers_word: str) -> NDArray[np.float64]:
    checked: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if checked.ndim != 2 or checked.shape[1] != len(tree.answers):
        raise ScoreError(
            f"these {numbers_word} do not fit the tree {tree.title}",
            wanted=f"an array (galaxies, {len(tree.answers)} answers)",
            got=f"an array {checked.shape}",
        )
    return checked


def _variance(fractions: Floats, asked: Floats) -> NDArray[np.float64]:
    """(galaxies, answers) of fractions of ``asked`` people (galaxies, 1 or answers)."""
    if (asked < 2).any():
        raise ScoreError(
            "too few votes for a variance",
            wanted="2 votes a galaxy or more",
            got=f"{np.nanmin(asked):g}",
            hint="give NaN for a galaxy whose number of votes is not known",
        )
    inside = np.clip(fractions, 0.0, 1.0)  # published fractions leave it by rounding
    return np.asarray(inside * (1 - inside) / (asked - 1))


def _variance_by_question(tree: Tree, fractions: Floats, asked: Floats) -> NDArray[np.float64]:
    """(galaxies, answers) where ``asked`` people (galaxies, questions) answered each question."""
    conditional = np.clip(conditional_from_joint(tree, fractions), 0.0, 1.0)
    variance = np.full(fractions.shape, np.nan)
    for index in tree.order:
        where, parents = tree.slices[index], tree.parents[index]
        led, led_variance = np.ones(len(fractions)), np.zeros(len(fractions))
        if parents.any():
            led = fractions[:, parents].sum(axis=1)
            led_variance = variance[:, parents].sum(axis=1)
        people = np.where(asked[:, index] > 0, asked[:, index], np.nan)
        share = conditional[:, where]
        of_sample = share * (1 - share) / np.maximum(people - 1, 1)[:, None]
        of_answers = (
            led[:, None] ** 2 * of_sample
            + np.maximum(share**2 - of_sample, 0) * led_variance[:, None]
        )
        # Where nobody is led to a question, its fractions are 0 without an error.
        variance[:, where] = np.where(led[:, None] == 0, 0.0, of_answers)
    return np.asarray(np.where(np.isnan(fractions), np.nan, variance))


def _floor(
    tree: Tree,
    variance: NDArray[np.float64],
    people: Floats,
    assumptions: tuple[str, ...],
    *,
    counted: bool,
) -> NoiseFloor:
    known = ~np.isnan(variance)
    people = people[known.any(axis=1)]
    return NoiseFloor(
        value=_root_mean(variance[known]),
        questions=tuple(_root_mean(variance[:, where][known[:, where]]) for where in tree.slices),
        answers=tuple(_root_mean(variance[known[:, i], i]) for i in range(variance.shape[1])),
        votes=float(np.median(people)) if len(people) else math.nan,
        counted=counted,
        galaxies=len(people),
        entries=int(known.sum()),
        assumptions=assumptions,
    )


def _root_mean(variances: NDArray[np.float64]) -> float:
    return float(np.sqrt(variances.mean())) if variances.size else math.nan
