"""How good predictions are: errors of vote fractions, accuracy of classes, with intervals."""

from galaxyclass.scores.bootstrap import (
    LEVEL,
    RESAMPLES,
    Estimate,
    bootstrap_interval,
    bootstrap_ratios,
    percentile_interval,
)
from galaxyclass.scores.classes import ClassScores, score_classes
from galaxyclass.scores.knowledge import Extent, extents, score_extents
from galaxyclass.scores.tables import TableScores, score_predictions
from galaxyclass.scores.votes import (
    VoteScores,
    errors_by_galaxy,
    rmse,
    rmse_by_answer,
    rmse_by_question,
    score_votes,
)

__all__ = [
    "LEVEL",
    "RESAMPLES",
    "ClassScores",
    "Estimate",
    "Extent",
    "TableScores",
    "VoteScores",
    "bootstrap_interval",
    "bootstrap_ratios",
    "errors_by_galaxy",
    "extents",
    "percentile_interval",
    "rmse",
    "rmse_by_answer",
    "rmse_by_question",
    "score_classes",
    "score_extents",
    "score_predictions",
    "score_votes",
]
