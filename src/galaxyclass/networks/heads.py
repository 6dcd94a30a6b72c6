"""Heads: from the last layer's numbers to fractions or probabilities.

Each is a link function on ``(galaxies, outputs)`` float32. The two of the tree obey its sum rules
by construction.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from galaxyclass.recipes.recipe import Head
from galaxyclass.tasks.task import Task
from galaxyclass.trees.tree import Tree

#: What the rectified head adds, so that a question whose outputs are all negative has an answer.
_FLOOR = 1e-6

Link = Callable[[Tensor], Tensor]


def resolve_head(head: Head, task: Task) -> Head:
    """The head that ``auto`` stands for, or the recipe's own where it suits the task.

    Parameters
    ----------
    head : Head
        As the recipe has it.
    task : Task

    Returns
    -------
    Head
        Never ``auto``: for votes the recipe's own or ``tree``, for classes ``softmax``.
    """
    return head if head in task.heads else task.heads[0]


def activation(head: str, task: Task) -> Link:
    """The link function of a head.

    Parameters
    ----------
    head : {"sigmoid", "softmax", "tree", "tree_rectified"}
    task : Task

    Returns
    -------
    callable
        ``(galaxies, outputs)`` float, any range, to the same shape, 0..1.
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
    positive = torch.relu(raw) + _FLOOR
    return positive / positive.sum(dim=-1, keepdim=True)


def _down_the_tree(tree: Tree, share: Link, raw: Tensor) -> Tensor:
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
    index = next(i for i, where in enumerate(tree.slices) if where.start <= answer < where.stop)
    return parts[index][:, answer - tree.slices[index].start]


#: Heads of a tree: how the answers of a question share what leads to it.
TREE_HEADS: dict[str, Link] = {"tree": _softmax, "tree_rectified": _rectified}

#: Heads that know nothing of a tree.
HEADS: dict[str, Link] = {"sigmoid": _sigmoid, "softmax": _softmax}
