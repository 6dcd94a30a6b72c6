"""Scores of a table that knows more of some galaxies than of others, taken apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ScoreError
from galaxyclass.tasks.scores.bootstrap import RESAMPLES, Score, bootstrap_interval
from galaxyclass.tasks.scores.votes import errors_by_galaxy


@dataclass(frozen=True)
class Extent:
    """The entries of a table of votes for which one figure speaks.

    Attributes
    ----------
    key : str
        ``shared_answers`` or ``complete_galaxies``.
    name : str
        In words, for instance "17 answers known of every galaxy".
    known : (galaxies, answers) bool
        The entries that belong to it, all of them known.
    galaxies : int
        How many have an entry in it.
    """

    key: str
    name: str
    known: NDArray[np.bool_]
    galaxies: int


def extents(target: NDArray[np.floating]) -> tuple[Extent, ...]:
    """Two parts of a table of votes that each is a full rectangle, where the table is not one.

    An overall score of a table with gaps is a mixture of answers that depends on where the gaps
    are, and cannot be set beside that of another table. These can.

    Parameters
    ----------
    target : (galaxies, answers) float, 0..1
        NaN unknown. An answer that no galaxy knows is no gap.

    Returns
    -------
    tuple of Extent
        The answers known of every galaxy, on all galaxies; all answers, on the galaxies that know
        all. One is left out where it would be empty; there is none where nothing is missing.

    Examples
    --------
    >>> for extent in extents(np.array([[0.5, 0.5, np.nan], [0.2, np.nan, np.nan]])):
    ...     print(extent.name)
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
    found = []
    if shared.any():
        name = f"{_counted(shared, 'answer')} known of every galaxy"
        mask = rows[:, None] & shared
        found.append(Extent("shared_answers", name, mask, int(rows.sum())))
    if complete.any():
        count = int(complete.sum())
        who = "1 galaxy that knows" if count == 1 else f"{count:,} galaxies that know"
        name = f"{_counted(answers, 'answer')}, on the {who} all"
        found.append(Extent("complete_galaxies", name, complete[:, None] & answers, count))
    return tuple(found)


def score_extents(
    predicted: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[tuple[Extent, Score], ...]:
    """Root mean square error over each of the `extents` of a table, with its interval.

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
    >>> [(extent.key, score.value) for extent, score in score_extents(target - 0.25, target)]
    [('shared_answers', 0.25), ('complete_galaxies', 0.25)]
    """
    if np.shape(predicted) != np.shape(target):
        raise ScoreError(
            "predictions and truth do not have the same shape",
            wanted="two arrays (galaxies, answers)",
            got=f"predictions {np.shape(predicted)}, truth {np.shape(target)}",
        )
    scored = []
    for extent in extents(target):
        within = np.where(extent.known, target, np.nan)
        sums, counts = errors_by_galaxy(predicted, within, [slice(None)])
        value = float(np.sqrt(sums.sum() / counts.sum()))
        low, high = value, value
        if not np.isnan(value):
            ends = bootstrap_interval(sums, counts, resamples=resamples, seed=seed)
            low, high = (float(end[0]) for end in ends)
        scored.append((extent, Score(value, low, high)))
    return tuple(scored)


def _counted(which: NDArray[np.bool_], word: str) -> str:
    count = int(which.sum())
    return f"{count} {word}{'s' * (count != 1)}"
