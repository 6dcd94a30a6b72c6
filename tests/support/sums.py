"""The rule that holds for every vote fraction: answers sum to the share who are asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.trees.algebra import sums_and_targets
from galaxyclass.trees.tree import Tree


def broken_sums(tree: Tree, joint: Floats, tolerance: float) -> NDArray[np.bool_]:
    """Which questions' answers do not sum to the fraction that leads to them.

    Parameters
    ----------
    tree : Tree
    joint : (..., answers) float, 0..1; NaN unknown.
    tolerance : float
        Largest absolute difference that still counts as rounding.

    Returns
    -------
    (..., questions) bool
        Unknown sums are not broken.
    """
    sums, targets = sums_and_targets(tree, joint)
    return np.abs(sums - targets) > tolerance
