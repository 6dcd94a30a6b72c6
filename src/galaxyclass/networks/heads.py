"""Heads: from the last layer's numbers to fractions, probabilities or numbers with a unit.

Each is an activation function on ``(galaxies, outputs)`` float32. The two heads of the tree obey
its sum rules by construction.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from galaxyclass.errors import BundleError
from galaxyclass.recipes.recipe import Head
from galaxyclass.tasks.counts.task import LOG_CONCENTRATIONS
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
        Never ``auto``: for votes the recipe's own or ``tree``, for classes ``softmax``,
        for numbers ``linear``, for counts ``dirichlet``.
    """
    return head if head in task.heads else task.heads[0]


def activation(head: str, task: Task) -> Activation:
    """The activation function of a head.

    Parameters
    ----------
    head : {"sigmoid", "softmax", "tree", "tree_rectified", "linear", "dirichlet"}
    task : Task

    Returns
    -------
    callable
        From raw outputs ``(galaxies, outputs)`` float to the same shape: 0..1; of ``linear``
        the task's numbers, of ``dirichlet`` concentrations above 0. ``linear`` is a module, whose
        scale is part of the network's weights.

    Raises
    ------
    BundleError
        A head of votes on a tree, and a task without one: as in a manifest that was made by hand.
    """
    tree = task.decision_tree
    if head == "linear":
        return LinearHead(task)
    if tree is not None and head in TREE_HEADS:
        return partial(_down_the_tree, tree, TREE_HEADS[head])
    if head not in HEADS:
        raise BundleError(
            f"the head {head!r} predicts the answers of a tree, but the model predicts {task.kind}",
            wanted=f"one of {', '.join(HEADS)}",
            hint="the model's manifest is damaged: export or train it again",
        )
    return HEADS[head]


class LinearHead(nn.Module):
    """Numbers in their units, between their limits: raw outputs are in standard deviations.

    The scales are buffers, so that networks that were taught different galaxies keep their own
    when they are combined.
    """

    zero: Tensor
    unit: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, task: Task) -> None:
        super().__init__()
        for name, values in zip(
            ("zero", "unit", "low", "high"), (*task.output_scales, *task.output_limits), strict=True
        ):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))

    def forward(self, raw: Tensor) -> Tensor:
        values = raw.float() * self.unit + self.zero
        return torch.minimum(torch.maximum(values, self.low), self.high)


def _softmax(raw: Tensor) -> Tensor:
    return torch.softmax(raw.float(), dim=-1)


def _sigmoid(raw: Tensor) -> Tensor:
    return torch.sigmoid(raw.float())


def _rectified(raw: Tensor) -> Tensor:
    """Rectify and divide by the sum, as the challenge's winner did (Dieleman et al. 2015)."""
    positive = torch.relu(raw) + RECTIFIED_FLOOR
    return positive / positive.sum(dim=-1, keepdim=True)


def _concentrations(raw: Tensor) -> Tensor:
    """Positive numbers whose shares within a question are those of a softmax."""
    return torch.exp(raw.float().clamp(*LOG_CONCENTRATIONS))


def joint_fractions(tree: Tree, amounts: Tensor) -> Tensor:
    """Joint fractions of amounts for each answer, such as counts of votes or concentrations.

    Parameters
    ----------
    tree : Tree
    amounts : (galaxies, answers) float, 0 or more
        NaN unknown.

    Returns
    -------
    (galaxies, answers) float
        NaN where an amount of the question is unknown, or all are 0 though people were led to it.
    """
    fractions = _down_the_tree(tree, _by_their_sum, amounts)
    # Where nobody is led to a question, its fractions are 0 whatever its answers are.
    for index in tree.order:
        parents = tree.parents[index].nonzero()[0]
        if len(parents):
            unreached = (fractions[:, parents].sum(dim=1) == 0)[:, None]
            where = tree.slices[index]
            known = ~amounts[:, where].isnan().any(dim=1, keepdim=True)
            of_question = torch.where(unreached & known, 0.0, fractions[:, where])
            fractions = torch.cat(
                [fractions[:, : where.start], of_question, fractions[:, where.stop :]], dim=1
            )
    return fractions


def _by_their_sum(amounts: Tensor) -> Tensor:
    return amounts / amounts.sum(dim=-1, keepdim=True)


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
HEADS: dict[str, Activation] = {
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "dirichlet": _concentrations,
}
