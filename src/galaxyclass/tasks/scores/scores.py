"""`Scores`: what the scores of all tasks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from galaxyclass.short import counted, summary
from galaxyclass.tasks.metric import Metric
from galaxyclass.tasks.scores.bootstrap import Score


class Scores(ABC):
    """All scores of some predictions; each task has its own.

    Attributes
    ----------
    metric : Metric
        The metric of the task.
    galaxies : int
        How many galaxies were scored.
    """

    metric: ClassVar[Metric]
    galaxies: int

    @property
    @abstractmethod
    def main(self) -> Score:
        """The score by which predictions are compared (`metric`)."""

    @property
    def words(self) -> str:
        """The main score and its interval, in words."""
        return f"{self.metric.label} {self.main}"

    def __repr__(self) -> str:
        return summary(f"{type(self).__name__}: {self.words} on {counted(self.galaxies, 'galaxy')}")
