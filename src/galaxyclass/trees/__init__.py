"""Decision trees as data: questions, answers, who is asked what; and the algebra of votes."""

from galaxyclass.trees.algebra import (
    broken_sums,
    conditional_from_joint,
    joint_from_conditional,
    sums_and_targets,
)
from galaxyclass.trees.read import TREES, load_tree, parse_tree, tree_data
from galaxyclass.trees.tree import Answer, Layout, Question, Tree

__all__ = [
    "TREES",
    "Answer",
    "Layout",
    "Question",
    "Tree",
    "broken_sums",
    "conditional_from_joint",
    "joint_from_conditional",
    "load_tree",
    "parse_tree",
    "sums_and_targets",
    "tree_data",
]
