"""The sections of a report on counts of votes: as fractions of all who looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from galaxyclass.reports.parts import ReportSection, ReportSettings
from galaxyclass.reports.scored import ScoredModel
from galaxyclass.reports.votes import against_truth, by_question
from galaxyclass.tasks.scores.counts import CountScores, expected_fractions
from galaxyclass.tasks.scores.noise import fractions_from_counts
from galaxyclass.trees.tree import Tree


def count_sections(models: Sequence[ScoredModel], settings: ReportSettings) -> list[ReportSection]:
    """Scores by question, and predictions against the truth."""
    tree = models[0].task.decision_tree
    assert tree is not None, "votes have a tree"
    of_first = np.asarray(models[0].values, np.float64)[:, tree.slices[0]].sum(axis=1)
    asked = of_first[np.isfinite(of_first) & (of_first > 0)]
    votes = float(round(np.median(asked))) if len(asked) else settings.votes
    as_fractions = [_in_fractions(model, tree) for model in models]
    return [by_question(as_fractions, tree), against_truth(as_fractions[0], tree, votes)]


def _in_fractions(model: ScoredModel, tree: Tree) -> ScoredModel:
    """A model of counts as one of vote fractions."""
    scores = cast(CountScores, model.report.scores)
    reference = cast(CountScores, model.report.reference)
    return replace(
        model,
        predictions=expected_fractions(tree, model.predictions),
        values=fractions_from_counts(tree, model.values),
        report=replace(model.report, scores=scores.fractions, reference=reference.fractions),
    )
