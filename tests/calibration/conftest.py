"""Galaxies of which the truth, the prediction and the noise between them are known."""

from __future__ import annotations

import numpy as np

from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.read import load_tree
from galaxyclass.trees.tree import Tree

TREE: Tree = load_tree("galaxy_zoo_2")


def draw(galaxies: int, seed: int, *, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true joint fractions; errors are largest at one half and none at 0 and 1."""
    rng = np.random.default_rng(seed)
    chances = np.concatenate(
        [rng.dirichlet(np.full(len(q.answers), 0.5), galaxies) for q in TREE.questions], axis=1
    )
    predicted = joint_from_conditional(TREE, chances)
    votes = 12 / noise**2
    truth = rng.beta(np.maximum(votes * predicted, 1e-3), np.maximum(votes * (1 - predicted), 1e-3))
    return predicted, truth
