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
from galaxyclass.scores.noise import (
    VOTES,
    NoiseFloor,
    fractions_from_counts,
    noise_floor,
    noise_floor_from_counts,
)
from galaxyclass.scores.tables import TableScores, score_predictions
from galaxyclass.scores.votes import (
    VoteScores,
    errors_by_galaxy,
    rmse,
    rmse_by_answer,
    rmse_by_question,
    score_all_votes,
    score_votes,
)

__all__ = [
    "LEVEL",
    "RESAMPLES",
    "VOTES",
    "ClassScores",
    "Estimate",
    "Extent",
    "NoiseFloor",
    "TableScores",
    "VoteScores",
    "bootstrap_interval",
    "bootstrap_ratios",
    "errors_by_galaxy",
    "extents",
    "fractions_from_counts",
    "noise_floor",
    "noise_floor_from_counts",
    "percentile_interval",
    "rmse",
    "rmse_by_answer",
    "rmse_by_question",
    "score_all_votes",
    "score_classes",
    "score_extents",
    "score_predictions",
    "score_votes",
]
