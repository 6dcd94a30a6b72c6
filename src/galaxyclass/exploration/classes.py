"""Statistics of a table of classes: galaxies of each class, and examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassSummary:
    """How many galaxies are in each class.

    ``counts[i]`` galaxies are of class ``classes[i]``; ``unknown`` galaxies are of no known class.
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    unknown: int

    @property
    def title(self) -> str:
        """The end of a title that begins with the number of galaxies."""
        return f" of {len(self.classes)} classes"


def summarise_classes(classes: tuple[str, ...], labels: NDArray[np.integer]) -> ClassSummary:
    """Count the galaxies of each class.

    Parameters
    ----------
    classes : tuple of str
    labels : (galaxies,) int
        Indices into ``classes``; -1 unknown.

    Examples
    --------
    >>> summarise_classes(("disc", "round"), np.array([0, 1, 1, -1])).counts.tolist()
    [1, 2]
    """
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    return ClassSummary(classes, counts.astype(np.int64), int((labels < 0).sum()))


def draw_examples(
    labels: NDArray[np.integer], classes: int, usable: NDArray[np.bool_], depth: int, seed: int
) -> tuple[NDArray[np.int64], ...]:
    """Galaxies of each class, drawn at random.

    Parameters
    ----------
    labels : (galaxies,) int
    classes : int
        How many classes there are.
    usable : (galaxies,) bool
        Whether a galaxy may be drawn.
    depth : int
        Galaxies of each class, at most.
    seed : int

    Examples
    --------
    >>> labels = np.array([0, 1, 0, -1])
    >>> draw_examples(labels, 2, np.array([True, True, False, True]), depth=3, seed=0)
    (array([0]), array([1]))
    """
    generator = np.random.default_rng(seed)
    drawn = []
    for label in range(classes):
        members = np.flatnonzero((labels == label) & usable)
        drawn.append(generator.permutation(members)[:depth].astype(np.int64))
    return tuple(drawn)
