"""Exploration: what a table of votes or classes holds, in numbers and pictures."""

from galaxyclass.exploration.classes import ClassSummary, draw_examples, summarise_classes
from galaxyclass.exploration.examples import Example
from galaxyclass.exploration.explore import Exploration, explore
from galaxyclass.exploration.votes import (
    VoteSummary,
    correlations,
    most_certain,
    summarise_votes,
)

__all__ = [
    "ClassSummary",
    "Example",
    "Exploration",
    "VoteSummary",
    "correlations",
    "draw_examples",
    "explore",
    "most_certain",
    "summarise_classes",
    "summarise_votes",
]
