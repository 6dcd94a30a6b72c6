"""What a model predicts: vote fractions on a tree, or classes."""

from __future__ import annotations

from dataclasses import dataclass

from galaxyclass.trees.tree import Layout, Tree


@dataclass(frozen=True)
class VoteOutputs:
    """A model's outputs are the joint vote fractions of all answers of a tree.

    Attributes
    ----------
    tree : Tree
    layout : Layout
        How the table that it was trained on names the answers: predictions use the same names.
    known : tuple of bool
        Whether training saw any vote for each answer; the outputs of the others mean nothing.
    mean : tuple of float
        Mean joint fraction of each answer over the training galaxies; NaN where not known.
    """

    tree: Tree
    layout: Layout
    known: tuple[bool, ...]
    mean: tuple[float, ...]


@dataclass(frozen=True)
class ClassOutputs:
    """A model's outputs are the probabilities of classes.

    Attributes
    ----------
    column : str
        The class column of the table that it was trained on.
    classes : tuple of str
        The classes as written there.
    shares : tuple of float
        The share of the training galaxies in each.
    rule : str or None
        The rule by which they were made of votes (`galaxyclass.data.catalog.derive`).
    """

    column: str
    classes: tuple[str, ...]
    shares: tuple[float, ...]
    rule: str | None = None


Outputs = VoteOutputs | ClassOutputs


def output_count(outputs: Outputs) -> int:
    """How many numbers a model gives for a galaxy."""
    if isinstance(outputs, VoteOutputs):
        return len(outputs.tree.answers)
    return len(outputs.classes)
