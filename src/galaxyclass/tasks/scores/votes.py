"""Root mean square errors of predicted vote fractions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.arrays import Floats
from galaxyclass.errors import ScoreError
from galaxyclass.tasks.metric import RMSE
from galaxyclass.tasks.scores.bootstrap import RESAMPLES, Score, ratios_of_sums, score_ratios
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.trees.tree import Tree


@dataclass(frozen=True, repr=False)
class VoteScores(Scores):
    """Root mean square errors over known entries, overall and in groups.

    ``questions`` and ``answers`` are in the tree's order; a group without a known entry is NaN.
    ``galaxies`` have at least one known entry; ``entries`` and ``answer_entries`` count them.
    """

    metric = RMSE

    overall: Score
    questions: tuple[Score, ...]
    answers: tuple[Score, ...]
    galaxies: int
    entries: int
    answer_entries: tuple[int, ...]

    @property
    def main(self) -> Score:
        """The overall score."""
        return self.overall


@public
def rmse(predicted: Floats, target: Floats) -> float:
    """Root mean square error over all known entries: the score of the Galaxy Challenge.

    Parameters
    ----------
    predicted, target : (galaxies, answers) float, 0..1
        NaN in ``target`` is unknown and left out. NaN in ``predicted`` where the target is known
        makes the score NaN: leaving it out would reward a model for missing predictions.

    Returns
    -------
    float
        NaN where nothing is known.

    Raises
    ------
    ScoreError
        The shapes differ.

    Notes
    -----
    Every entry weighs the same, so a galaxy with all 37 answers weighs more than one with 17.
    Kaggle, *Galaxy Zoo - The Galaxy Challenge*, 2013, page "Evaluation".

    Examples
    --------
    >>> rmse(np.array([[0.5, 0.5]]), np.array([[0.2, np.nan]]))
    0.3
    """
    sums, counts = errors_by_galaxy(predicted, target, [slice(None)])
    return float(np.sqrt(ratios_of_sums(sums, counts)[0]))


def require_same_shape(predicted: Floats, target: Floats) -> None:
    """Refuse predictions and truth that are not two arrays (galaxies, answers) of one shape.

    Raises
    ------
    ScoreError
        The shapes differ, or the arrays do not have two dimensions.
    """
    shapes = np.shape(predicted), np.shape(target)
    if shapes[0] == shapes[1] and len(shapes[0]) == 2:
        return
    raise ScoreError(
        "predictions and truth do not have the same shape"
        if shapes[0] != shapes[1]
        else "predictions and truth do not have two dimensions",
        wanted="two arrays (galaxies, answers)",
        got=f"predictions {shapes[0]}, truth {shapes[1]}",
    )


def errors_by_galaxy(
    predicted: Floats, target: Floats, groups: Sequence[slice], *, at_once: int = 1 << 14
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The squared error of each galaxy in each group of answers.

    Parameters
    ----------
    predicted, target : (galaxies, answers) float, 0..1
        NaN in ``target`` is unknown.
    groups : sequence of slice
        Answers that are scored together.
    at_once : int
        Galaxies whose errors are computed at a time, which bounds the memory.

    Returns
    -------
    sums, counts : (galaxies, groups) float64
        Sums of squared errors over known entries, and the number of these entries.

    Raises
    ------
    ScoreError
        The shapes differ.

    Examples
    --------
    >>> predicted, target = np.array([[0.5, 0.5, 0.5]]), np.array([[0.0, 0.5, np.nan]])
    >>> sums, counts = errors_by_galaxy(predicted, target, [slice(0, 1), slice(1, 3)])
    >>> sums.tolist(), counts.tolist()
    ([[0.25, 0.0]], [[1.0, 1.0]])
    """
    predicted, target = np.asarray(predicted), np.asarray(target)
    require_same_shape(predicted, target)
    sums, counts = np.empty((2, len(target), len(groups)), dtype=np.float64)
    for start in range(0, len(target), at_once):
        rows = slice(start, start + at_once)
        known = ~np.isnan(target[rows])
        squares = np.zeros(known.shape, dtype=np.float64)
        np.subtract(predicted[rows], target[rows], out=squares, where=known, dtype=np.float64)
        squares *= squares
        for number, group in enumerate(groups):
            sums[rows, number] = squares[:, group].sum(axis=1)
            counts[rows, number] = known[:, group].sum(axis=1)
    return sums, counts


def score_all_votes(
    predicted: Floats, target: Floats, *, resamples: int = RESAMPLES, seed: int = 0
) -> Score:
    """`rmse` with its interval: the overall score of `score_votes`, in a fraction of the memory.

    Parameters
    ----------
    predicted, target : (galaxies, answers) float, 0..1
        As for `rmse`.
    resamples, seed : int
        Of the bootstrap by galaxy (`score_ratios`).

    Raises
    ------
    ScoreError
        The shapes differ.

    Examples
    --------
    >>> score_all_votes(np.zeros((3, 37)), np.full((3, 37), 0.5))
    Score(value=0.5, low=0.5, high=0.5)
    """
    sums, counts = errors_by_galaxy(predicted, target, [slice(None)])
    return score_ratios(sums, counts, root=True, resamples=resamples, seed=seed)[0]


def score_votes(
    tree: Tree, predicted: Floats, target: Floats, *, resamples: int = RESAMPLES, seed: int = 0
) -> VoteScores:
    """Score vote fractions overall, by question and by answer, each with its interval.

    Parameters
    ----------
    tree : Tree
    predicted, target : (galaxies, answers of the tree) float, joint, 0..1
        As for `rmse`.
    resamples, seed : int
        Of the bootstrap by galaxy (`score_ratios`).

    Returns
    -------
    VoteScores

    Raises
    ------
    ScoreError
        The shapes differ.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> tree = load_tree("galaxy_zoo_2")
    >>> scores = score_votes(tree, np.zeros((3, 37)), np.full((3, 37), 0.5))
    >>> scores.overall, scores.galaxies, scores.entries
    (Score(value=0.5, low=0.5, high=0.5), 3, 111)
    """
    answers = [slice(i, i + 1) for i in range(len(tree.answers))]
    sums, counts = errors_by_galaxy(predicted, target, [slice(None), *tree.slices, *answers])
    scores = score_ratios(sums, counts, root=True, resamples=resamples, seed=seed)
    first = 1 + len(tree.questions)
    return VoteScores(
        overall=scores[0],
        questions=scores[1:first],
        answers=scores[first:],
        galaxies=int((counts[:, 0] > 0).sum()),
        entries=int(counts[:, 0].sum()),
        answer_entries=tuple(int(n) for n in counts[:, first:].sum(axis=0)),
    )
