"""`Baselines`: the scores of what a network has to beat, as an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxyclass.short import counted, short_path, summary
from galaxyclass.tasks.report import ScoredSubset
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.tasks.task import Task


@dataclass(frozen=True)
class BaselineScores:
    """The scores of one baseline on one part of the galaxies.

    ``scores`` are of the task's own type; ``subsets`` those of `score_complete_subsets`, of which
    there are none where nothing is missing, and none of classes.
    """

    key: str
    name: str
    part: str
    scores: Any
    subsets: tuple[ScoredSubset, ...]

    def __repr__(self) -> str:
        return summary(f"BaselineScores of {self.name} on {self.part}: {self.scores.words}")

    @property
    def overall(self) -> Score:
        """The main score: the root mean square error, or the accuracy."""
        scores: Scores = self.scores
        return scores.main


@dataclass(frozen=True, eq=False)
class Baselines:
    """The scores of all baselines.

    Attributes
    ----------
    folder : Path
        Where they were written.
    task : Task
    galaxies : mapping of str to int
        How many are in each part.
    scores : tuple of BaselineScores
        Part by part, the simplest baseline first.
    noise_floors : mapping of str to float
        Of votes, by part: the root mean square error of a perfect model, for 40 volunteers a
        galaxy (`galaxyclass.tasks.scores.noise.noise_floor`).
    notes : tuple of str
        What was left out.
    """

    folder: Path
    task: Task
    galaxies: Mapping[str, int]
    scores: tuple[BaselineScores, ...]
    noise_floors: Mapping[str, float]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        parts = "; ".join(
            f"{part} {counted(count, 'galaxy')}" for part, count in self.galaxies.items()
        )
        last = self.scores[-1]
        return summary(
            f"Baselines in {short_path(self.folder)}: {parts}; {last.name} on {last.part}: "
            f"{last.scores.words}"
        )
