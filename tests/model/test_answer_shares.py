"""Each answer's share of those who were asked, as in the vote algebra of a tree."""

from __future__ import annotations

import numpy as np

from galaxyclass.model.answer_shares import answer_shares, same_question
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.algebra import conditional_from_joint, joint_from_conditional
from galaxyclass.trees.read import load_tree


def test_shares_are_conditional_fractions() -> None:
    tree = load_tree("galaxy_zoo_2")
    task = VoteTask(tree, tree.layouts[0], (True,) * 37, (0.5,) * 37)
    drawn = np.random.default_rng(0).uniform(0.2, 0.8, (5, 37))
    for where in tree.slices:
        drawn[:, where] /= drawn[:, where].sum(axis=1, keepdims=True)
    joint = joint_from_conditional(tree, drawn)
    shares = answer_shares(joint, same_question(task))
    assert np.allclose(shares, conditional_from_joint(tree, joint))
    # Nobody was asked.
    assert not answer_shares(np.zeros((1, 37)), same_question(task)).any()


def test_without_questions_values_stay() -> None:
    values = np.array([[0.3, 0.7]])
    task = ClassTask("kind", ("a", "b"), (0.5, 0.5))
    assert np.array_equal(answer_shares(values, same_question(task)), values)
