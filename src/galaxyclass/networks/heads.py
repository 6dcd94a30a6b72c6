"""Heads: from the last layer's numbers to fractions or probabilities.

Each is an activation function on ``(galaxies, outputs)`` float32. The two heads of the tree obey
its sum rules by construction.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from galaxyclass.recipes.recipe import Head
from galaxyclass.tasks.task import Task
from galaxyclass.trees.algebra import RECTIFIED_FLOOR
from galaxyclass.trees.tree import Tree

Activation = Callable[[Tensor], Tensor]


def resolve_head(head: Head, task: Task) -> Head:
    """The head that ``auto`` stands for, or the recipe's own where it suits the task.

    Parameters
    ----------
    head : Head
        The head that the recipe names.
    task : Task

    Returns
    -------
    Head
        Never ``auto``: for votes the recipe's own or ``tree``, for classes ``softmax``.
    """
    return head if head in task.heads else task.heads[0]


def activation(head: str, task: Task) -> Activation:
    """The activation function of a head.

    Parameters
    ----------
    head : {"sigmoid", "softmax", "tree", "tree_rectified"}
    task : Task

    Returns
    -------
    callable
        From raw outputs ``(galaxies, outputs)`` float to the same shape, 0..1.
    """
    tree = task.decision_tree
    if tree is not None and head in TREE_HEADS:
        return partial(_down_the_tree, tree, TREE_HEADS[head])
    return HEADS[head]


def _softmax(raw: Tensor) -> Tensor:
    return torch.softmax(raw.float(), dim=-1)


def _sigmoid(raw: Tensor) -> Tensor:
    return torch.sigmoid(raw.float())


def _rectified(raw: Tensor) -> Tensor:
    """Rectify and divide by the sum, as the challenge's winner did (Dieleman et al. 2015)."""
    positive = torch.relu(raw) + RECTIFIED_FLOOR
    return positive / positive.sum(dim=-1, keepdim=True)


def _down_the_tree(tree: Tree, share: Activation, raw: Tensor) -> Tensor:
    """Joint fractions: the share within each question times the fraction that leads to it."""
    raw = raw.float()
    parts: dict[int, Tensor] = {}
    for index in tree.order:
        fractions = share(raw[:, tree.slices[index]])
        parents = tree.parents[index].nonzero()[0]
        if len(parents):
            reached = torch.stack([_column(tree, parts, int(p)) for p in parents]).sum(dim=0)
            fractions = fractions * reached[:, None]
        parts[index] = fractions
    return torch.cat([parts[index] for index in range(len(tree.questions))], dim=1)


def _column(tree: Tree, parts: dict[int, Tensor], answer: int) -> Tensor:
    question = next(i for i, where in enumerate(tree.slices) if where.start <= answer < where.stop)
    return parts[question][:, answer - tree.slices[question].start]


#: Heads of a tree: how the fraction that leads to a question is shared among its answers.
TREE_HEADS: dict[str, Activation] = {"tree": _softmax, "tree_rectified": _rectified}

#: Heads without a tree.
HEADS: dict[str, Activation] = {"sigmoid": _sigmoid, "softmax": _softmax}
