"""What the scores of all tasks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from galaxyclass.tasks.scores.bootstrap import Score


class Scores(ABC):
    """All scores of some predictions; each task has its own.

    Attributes
    ----------
    galaxies : int
        How many were scored.
    """

    galaxies: int

    @property
    @abstractmethod
    def main(self) -> Score:
        """The score by which predictions are compared (`Task.metric`)."""
