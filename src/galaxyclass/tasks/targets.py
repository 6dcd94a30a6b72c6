"""What is known of galaxies: vote fractions on a tree, or a class each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.trees.tree import Layout, Tree


@dataclass(frozen=True)
class VoteTargets:
    """Vote fractions on a tree.

    ``fractions`` is (galaxies, answers of the tree) float32, joint, 0..1, NaN unknown, whatever
    kind the table has. ``present[i]``: the table has a column for answer i.
    """

    tree: Tree
    layout: Layout
    fractions: NDArray[np.float32]
    present: NDArray[np.bool_]


@dataclass(frozen=True)
class ClassTargets:
    """One class each: ``labels`` is (galaxies,) int64, an index into ``classes``; -1 unknown.

    ``classes`` are the names as written in the table; integers sort as numbers. ``rule`` is that
    by which they were made of votes (`derive_classes`); None where the table has them.
    """

    column: str
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    rule: str | None = None
