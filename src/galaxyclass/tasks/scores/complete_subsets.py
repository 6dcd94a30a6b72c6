"""Scores over complete subsets of a table of votes with gaps: those where nothing is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.short import counted
from galaxyclass.tasks.scores.bootstrap import RESAMPLES, Score, score_ratios
from galaxyclass.tasks.scores.votes import errors_by_galaxy, require_same_shape


@dataclass(frozen=True)
class CompleteSubset:
    """Entries of a table of votes that form a full rectangle: galaxies and answers without gaps.

    Attributes
    ----------
    key : str
        ``shared_answers`` or ``complete_galaxies``.
    name : str
        In words, for instance "17 answers known of every galaxy".
    known : (galaxies, answers) bool
        The entries of the subset, all of them known.
    galaxies : int
        How many galaxies have an entry in the subset.
    """

    key: str
    name: str
    known: NDArray[np.bool_]
    galaxies: int


def complete_subsets(target: NDArray[np.floating]) -> tuple[CompleteSubset, ...]:
    """The two complete subsets of a table of votes that has gaps.

    The overall score of a table with gaps depends on where the gaps are, and cannot be compared
    with that of another table. Scores over complete subsets can.

    Parameters
    ----------
    target : (galaxies, answers) float, 0..1
        NaN unknown. An answer that is known of no galaxy is not a gap.

    Returns
    -------
    tuple of CompleteSubset
        The answers known of every galaxy, on all galaxies; and all answers, on the galaxies of
        which all are known. An empty subset is left out; a table without gaps has none.

    Examples
    --------
    >>> for subset in complete_subsets(np.array([[0.5, 0.5, np.nan], [0.2, np.nan, np.nan]])):
    ...     print(subset.name)
    1 answer known of every galaxy
    2 answers, on the 1 galaxy that knows all
    """
    known = ~np.isnan(target)
    rows = known.any(axis=1)
    answers = known.any(axis=0)
    shared = answers & (known | ~rows[:, None]).all(axis=0)
    complete = rows & (known | ~answers).all(axis=1)
    if (shared == answers).all():
        return ()
    subsets = []
    if shared.any():
        name = f"{counted(int(shared.sum()), 'answer')} known of every galaxy"
        mask = rows[:, None] & shared
        subsets.append(CompleteSubset("shared_answers", name, mask, int(rows.sum())))
    if complete.any():
        count = int(complete.sum())
        galaxies = counted(count, "galaxy that knows", "galaxies that know")
        name = f"{counted(int(answers.sum()), 'answer')}, on the {galaxies} all"
        subsets.append(
            CompleteSubset("complete_galaxies", name, complete[:, None] & answers, count)
        )
    return tuple(subsets)


def score_complete_subsets(
    predicted: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[tuple[CompleteSubset, Score], ...]:
    """Root mean square error over each complete subset of a table, with its interval.

    Parameters
    ----------
    predicted, target : (galaxies, answers) float, 0..1
        As for `rmse`.
    resamples, seed : int
        Of the bootstrap by galaxy.

    Raises
    ------
    ScoreError
        The shapes differ.

    Examples
    --------
    >>> target = np.array([[0.5, 0.5], [0.5, np.nan]])
    >>> scored = score_complete_subsets(target - 0.25, target)
    >>> [(subset.key, score.value) for subset, score in scored]
    [('shared_answers', 0.25), ('complete_galaxies', 0.25)]
    """
    require_same_shape(predicted, target)
    scored = []
    for subset in complete_subsets(target):
        within = np.where(subset.known, target, np.nan)
        sums, counts = errors_by_galaxy(predicted, within, [slice(None)])
        (score,) = score_ratios(sums, counts, root=True, resamples=resamples, seed=seed)
        scored.append((subset, score))
    return tuple(scored)
