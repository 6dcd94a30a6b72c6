"""Vote algebra on a tree: joint and conditional fractions, and the sum rules.

Arrays are ``(..., answers)`` float, in the tree's order; NaN means unknown.
"""

from __future__ import annotations

import numpy as np

from galaxyclass.arrays import Floats
from galaxyclass.trees.tree import Tree

#: Added to rectified outputs, so that shares are defined where all of a question's are negative.
RECTIFIED_FLOOR = 1e-6


def joint_from_conditional(tree: Tree, conditional: Floats) -> Floats:
    """Multiply each answer's share by the share of people who reached its question.

    Parameters
    ----------
    tree : Tree
    conditional : (..., answers) float, 0..1
        Share of those who were asked; NaN where nobody was asked, or where it is not known.

    Returns
    -------
    (..., answers) float
        Share of everybody. An answer of a question that nobody reached is 0, known or not.

    Notes
    -----
    Willett et al. 2013, section 3.2; the challenge's description of its 37 columns.
    """
    joint = np.full(conditional.shape, np.nan, dtype=np.result_type(conditional, np.float32))
    for index in tree.order:
        where = tree.slices[index]
        reached = _reached(tree, index, joint)[..., None]
        joint[..., where] = np.where(reached == 0, 0.0, conditional[..., where] * reached)
    return joint


def conditional_from_joint(tree: Tree, joint: Floats) -> Floats:
    """Divide each joint fraction by the share of people who reached its question.

    Parameters
    ----------
    tree : Tree
    joint : (..., answers) float, 0..1
        Share of everybody; NaN unknown.

    Returns
    -------
    (..., answers) float
        Share of those who were asked; NaN where nobody was asked, or where it is not known.
    """
    conditional = np.full(joint.shape, np.nan, dtype=np.result_type(joint, np.float32))
    for index, where in enumerate(tree.slices):
        reached = _reached(tree, index, joint)[..., None]
        np.divide(joint[..., where], reached, out=conditional[..., where], where=reached > 0)
    return conditional


def sums_and_targets(tree: Tree, joint: Floats) -> tuple[Floats, Floats]:
    """The sum of each question's answers, and the sum that the tree requires.

    Parameters
    ----------
    tree : Tree
    joint : (..., answers) float, 0..1; NaN unknown.

    Returns
    -------
    sums, targets : (..., questions) float
        NaN where an answer of the question, or an answer that leads to it, is unknown.
    """
    sums = np.stack([joint[..., where].sum(axis=-1) for where in tree.slices], axis=-1)
    targets = np.stack([_reached(tree, i, joint) for i in range(len(tree.questions))], axis=-1)
    return sums, targets


def _reached(tree: Tree, index: int, joint: Floats) -> Floats:
    """(...) share of everybody who is asked question ``index``; NaN where that is unknown."""
    parents = tree.parents[index]
    if not parents.any():
        return np.ones(joint.shape[:-1], dtype=joint.dtype)
    return np.asarray(joint[..., parents].sum(axis=-1))
