"""Which answers lead to a question, found from how many volunteers were asked (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

#: Parents are taken where the numbers of volunteers differ by this share of all votes at most:
#: a few people stop in the middle, or go back.
CLOSE = 0.05
#: Others fit as well where they differ by no more than this beyond the best.
AS_GOOD = 0.002


@dataclass(frozen=True)
class FoundParents:
    """The answers that lead to a question.

    Attributes
    ----------
    answers : tuple of int
        Their indices on the axis of all answers; empty: everyone is asked.
    miss : float
        Sum over the galaxies of how far the number of those asked is from the votes for these
        answers, as a share of all who were asked; NaN where nothing fits, and all are assumed to
        be asked.
    others : tuple of tuple of int
        Further answers that fit as well.
    """

    answers: tuple[int, ...]
    miss: float
    others: tuple[tuple[int, ...], ...] = ()


def find_parents(
    votes: NDArray[np.float64],
    asked: NDArray[np.float64],
    slices: Sequence[slice],
) -> tuple[FoundParents, ...]:
    """The parents of each question.

    Parameters
    ----------
    votes : (galaxies, answers) float64
        Volunteers who gave each answer, or their share of everybody; NaN unknown.
    asked : (galaxies, questions) float64
        Volunteers who answered each question; NaN unknown.
    slices : sequence of slice
        The answers of each question.

    Returns
    -------
    tuple of FoundParents
        One for each question. Only questions that more volunteers were asked lead to another.

    Examples
    --------
    >>> votes = np.array([[6.0, 4, 1, 3], [2, 8, 5, 3], [9, 1, 0, 1]])
    >>> asked = np.array([[10.0, 4], [10, 8], [10, 1]])
    >>> [found.answers for found in find_parents(votes, asked, [slice(0, 2), slice(2, 4)])]
    [(), (1,)]
    """
    known = np.isfinite(asked)
    totals = np.where(known, asked, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    everyone = np.where(known, asked, 0).max(axis=1)
    order = np.argsort(-totals, kind="stable").tolist()
    parents: dict[int, FoundParents] = {}
    for rank, question in enumerate(order):
        asked_here = asked[:, question]
        if totals[question] <= 0:
            parents[question] = FoundParents((), float("nan"))
            continue
        candidates: list[tuple[float, tuple[int, ...]]] = [(_miss(asked_here, everyone), ())]
        for other in order[:rank]:
            if _miss(asked_here, asked[:, other]) > AS_GOOD:  # otherwise they are asked together
                candidates += [
                    (_miss(asked_here, votes[:, list(chosen)].sum(axis=1)), chosen)
                    for chosen in _subsets(slices[other])
                ]
        candidates.sort(key=lambda candidate: (candidate[0], len(candidate[1])))
        best = candidates[0][0]
        fitting = [each for each in candidates if each[0] <= best + AS_GOOD]
        fitting.sort(key=lambda candidate: (bool(candidate[1]), len(candidate[1]), candidate[0]))
        miss, answers = fitting[0]
        if miss > CLOSE:
            parents[question] = FoundParents((), float("nan"))
            continue
        others = tuple(each[1] for each in fitting[1:4] if each[1])
        parents[question] = FoundParents(answers, miss, others)
    return tuple(parents[question] for question in range(len(slices)))


def _miss(asked: NDArray[np.float64], votes: NDArray[np.float64]) -> float:
    """How far two numbers of volunteers are apart, over the galaxies where both are known."""
    known = np.isfinite(asked) & np.isfinite(votes)
    total = asked[known].sum()
    return float(np.abs(asked[known] - votes[known]).sum() / total) if total > 0 else np.inf


def _subsets(where: slice) -> Iterator[tuple[int, ...]]:
    """All proper subsets of a question's answers, the small ones first; of many, the ends."""
    answers = range(where.start, where.stop)
    for size in range(1, len(answers)):
        if len(answers) <= 8 or size in (1, 2, len(answers) - 1):
            yield from combinations(answers, size)
