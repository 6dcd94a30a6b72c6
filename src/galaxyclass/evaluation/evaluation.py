"""`Evaluation`: the scores of a run, and what was scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Part
from galaxyclass.calibration.coverage import Coverage
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.model.job import PredictionSummary
from galaxyclass.short import counted, short_paths, summary
from galaxyclass.tasks.report import ScoreReport
from galaxyclass.tasks.task import Task

#: Descriptions of the galaxies of a part.
PART_WORDS = {
    "new": "that are new to the model",
    "validation": "of its validation part (if the recipe keeps the best epoch, they selected it, "
    "and their score is a little too good)",
    "test": "of its test part",
    "out_of_fold": "of the fold that it was not trained on",
    "train": "that it was trained on (whose score says nothing about others)",
    "unknown": "that the model may have been trained on: it does not say on which it was",
}


@dataclass(frozen=True, repr=False, eq=False)
class ScoredGalaxies:
    """The galaxies that were scored, one by one, in the order of ``predictions.csv``.

    Attributes
    ----------
    catalog : Catalog
    parts : (galaxies,) of str
        The part of the training that each was in: a key of `PART_WORDS`.
    predictions : (galaxies, outputs) float64
        As a network gives them; NaN unknown.
    included : pyarrow.Table
        The extra columns (``include``).
    """

    catalog: Catalog
    parts: NDArray[np.object_]
    predictions: NDArray[np.float64]
    included: Any

    def __repr__(self) -> str:
        return summary(f"ScoredGalaxies: {len(self.parts):,}")


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model.

    Attributes
    ----------
    models : tuple of Path
        Where the model was loaded from (``sources`` of a Model); of several, their mean was scored.
    digests : tuple of str
        The digest of the bundle of each, in hex (`Manifest.digest`).
    dataset : Dataset
    task : Task
    part : str
        Which galaxies were scored: ``unseen``, ``train``, ``validation``, ``test`` or ``all``.
    report : ScoreReport
        The model's scores beside those of the simplest predictor on the same entries: the mean
        vector of the training, or its largest class, for every galaxy.
    galaxies_by_part : dict of str to int
        How many of the scored galaxies were in each part of the training: ``train``,
        ``validation``, ``test``; ``new`` for those in none, ``unknown`` where the model does
        not say.
    prediction : PredictionSummary
    notes : tuple of str
        What was left out, and how the scores are limited.
    coverage : Coverage or None
        What the model's intervals hold of the true fractions; None of a model without intervals,
        and of an ensemble of several.
    galaxies : ScoredGalaxies
        The galaxies one by one.
    """

    models: tuple[Path, ...]
    digests: tuple[str, ...]
    dataset: Dataset
    task: Task
    part: Part
    report: ScoreReport
    galaxies_by_part: dict[str, int]
    prediction: PredictionSummary
    notes: tuple[str, ...]
    coverage: Coverage | None
    galaxies: ScoredGalaxies

    def __repr__(self) -> str:
        return summary(
            f"Evaluation of {short_paths(self.models)}: {self.task.metric.label} "
            f"{self.scores.main} on {counted(self.scores.galaxies, 'galaxy')} "
            f"({self.task.metric.simplest} {self.reference.main.value:.4f})"
        )

    @property
    def scores(self) -> Any:
        """The model's scores, of the task's own type (`VoteScores`, `ClassScores`)."""
        return self.report.scores

    @property
    def reference(self) -> Any:
        """The scores of the simplest predictor."""
        return self.report.reference
