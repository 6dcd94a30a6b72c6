"""Heads: from the last layer's numbers to fractions or probabilities.

Each is a link function on ``(galaxies, outputs)`` float32. The two of the tree obey its sum rules
by construction.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from galaxyclass.recipes.recipe import Head
from galaxyclass.tasks.outputs import Outputs, VoteOutputs
from galaxyclass.trees.tree import Tree

#: What the rectified head adds, so that a question whose outputs are all negative has an answer.
_FLOOR = 1e-6

Link = Callable[[Tensor], Tensor]


def resolve_head(head: Head, outputs: Outputs) -> Head:
    """The head that ``auto`` stands for; for classes always theirs.

    Parameters
    ----------
    head : Head
        As the recipe has it.
    outputs : VoteOutputs or ClassOutputs

    Returns
    -------
    Head
        Never ``auto``: for votes the recipe's own or ``tree``, for classes ``softmax``.
    """
    if isinstance(outputs, VoteOutputs):
        return "tree" if head in ("auto", "softmax") else head
    return "softmax"


def activation(head: str, outputs: Outputs) -> Link:
    """The link function of a head.

    Parameters
    ----------
    head : {"sigmoid", "softmax", "tree", "tree_rectified"}
    outputs : VoteOutputs or ClassOutputs

    Returns
    -------
    callable
        ``(galaxies, outputs)`` float, any range, to the same shape, 0..1.
    """
    if isinstance(outputs, VoteOutputs) and head in ("tree", "tree_rectified"):
        share = _softmax if head == "tree" else _rectified
        return lambda raw: _down_the_tree(outputs.tree, raw.float(), share)
    return HEADS[head]


def _softmax(raw: Tensor) -> Tensor:
    return torch.softmax(raw.float(), dim=-1)


def _sigmoid(raw: Tensor) -> Tensor:
    return torch.sigmoid(raw.float())


def _rectified(raw: Tensor) -> Tensor:
    """Rectify and divide by the sum, as the challenge's winner did (Dieleman et al. 2015)."""
    positive = torch.relu(raw) + _FLOOR
    return positive / positive.sum(dim=-1, keepdim=True)


def _down_the_tree(tree: Tree, raw: Tensor, share: Link) -> Tensor:
    """Joint fractions: the share within each question times the fraction that leads to it."""
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


#: Heads that know nothing of a tree.
HEADS: dict[str, Link] = {"sigmoid": _sigmoid, "softmax": _softmax}
