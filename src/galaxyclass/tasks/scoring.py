"""How the predictions of a task are scored, and how the scores are written and printed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.tasks.metric import Metric
from galaxyclass.tasks.report import PrintedScores, ScoredSubset, ScoreReport, TextTable
from galaxyclass.tasks.scores.bootstrap import RESAMPLES, Score
from galaxyclass.tasks.scores.noise import VOTES, NoiseFloor
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.tasks.targets import Targets, Values


class Scoring(ABC):
    """How the predictions of a kind of task are scored: the part of a `Task` that knows the truth.

    Attributes
    ----------
    metric : Metric
    step_score : str
        The name of the score of a training step, in `galaxyclass.networks.step_scores`.
    score_columns : (str, str)
        The names of two columns in a table of scores: the score, and the number of entries.
    """

    metric: ClassVar[Metric]
    step_score: ClassVar[str]
    score_columns: ClassVar[tuple[str, str]]

    @abstractmethod
    def simplest(self, galaxies: int) -> Floats:
        """(galaxies, outputs) the predictions of the simplest predictor, finite."""

    def in_own_unit(self, score: Score) -> str:
        """The main score in the unit of what is predicted, in words; empty where it is in none."""
        return ""

    @abstractmethod
    def score(self, predictions: Any, values: Any, *, seed: int) -> Any:
        """All scores of predictions, with intervals, in the task's own type.

        Parameters
        ----------
        predictions : (galaxies, outputs) float
        values : (galaxies, …)
            The truth, as `Targets.values`.
        seed : int
            Of the bootstrap.

        Raises
        ------
        ScoreError
            The shapes do not fit, or nothing is known.
        """

    def main_score(self, predictions: Any, values: Any, *, seed: int) -> Score:
        """The main score of `score`; a task may have a faster way."""
        scores: Scores = self.score(predictions, values, seed=seed)
        return scores.main

    @abstractmethod
    def main_value(self, predictions: Any, values: Any) -> float:
        """The value of `main_score`, without its interval."""

    def resampled(
        self, predictions: Any, values: Any, *, resamples: int = RESAMPLES, seed: int = 0
    ) -> NDArray[np.float64]:
        """(resamples,) the main score of galaxies drawn with replacement.

        Calls with as many galaxies and the same seed see the same draws, so that the differences
        of two models are paired. A task may have a faster way.

        Parameters
        ----------
        predictions, values
            As for `main_value`, of galaxies of which something is known.
        """
        generator = np.random.default_rng(seed)
        scores = np.empty(resamples)
        for index in range(resamples):
            drawn = generator.integers(len(predictions), size=len(predictions))
            scores[index] = self.main_value(predictions[drawn], values[drawn])
        return scores

    @abstractmethod
    def losses_by_galaxy(self, predictions: Any, values: Any) -> NDArray[np.float64]:
        """(known galaxies,) the error of each; the main score is computed from their sum."""

    @abstractmethod
    def scorable(self, targets: Targets) -> tuple[Values, tuple[str, ...]]:
        """(galaxies, …) the targets that the task predicts; and notes on what is left out."""

    def readable(self, predictions: Floats, values: Any) -> tuple[Any, tuple[str, ...]]:
        """The values for which predictions can be scored; and notes on what is left out.

        Parameters
        ----------
        predictions : (galaxies, outputs) float
        values : (galaxies, …)
            As `scorable` gives them.

        Raises
        ------
        ScoreError
            Nothing is left.
        """
        return values, ()

    def complete_subsets(
        self, predictions: Any, values: Any, *, seed: int
    ) -> tuple[ScoredSubset, ...]:
        """The score over the complete subsets of a truth with gaps."""
        return ()

    def noise_floor(self, values: Any, votes: float = VOTES) -> NoiseFloor | None:
        """The noise floor of a truth of so many `votes`; None where none can be computed."""
        return None

    def score_beside_simplest(
        self, predictions: Any, values: Any, *, seed: int
    ) -> tuple[Score, float]:
        """The main score, and the value of the simplest predictor's, on the same galaxies."""
        reference = self.main_value(self.simplest(len(values)), values)
        return self.main_score(predictions, values, seed=seed), reference

    def gain(self, predictions: Any, values: Any) -> NDArray[np.float64]:
        """(known galaxies,) how much smaller each error is than that of the simplest predictor."""
        simplest = self.losses_by_galaxy(self.simplest(len(values)), values)
        return simplest - self.losses_by_galaxy(predictions, values)

    def evaluate(
        self, predictions: Floats, targets: Targets, *, seed: int, votes: float = VOTES
    ) -> ScoreReport:
        """All scores of predictions, beside those of the simplest predictor.

        Parameters
        ----------
        predictions : (galaxies, outputs) float
            NaN where there is no prediction.
        targets : Targets
            The truth, of the task's kind.
        seed : int
            Of the bootstrap.
        votes : float
            Volunteers of a galaxy, for the noise floor.

        Raises
        ------
        ScoreError
            Nothing can be scored.
        """
        values, target_notes = self.scorable(targets)
        values, prediction_notes = self.readable(predictions, values)
        simplest = self.simplest(len(values))
        subsets = tuple(
            (subset, score, reference)
            for (subset, score), (_, reference) in zip(
                self.complete_subsets(predictions, values, seed=seed),
                self.complete_subsets(simplest, values, seed=seed),
                strict=True,
            )
        )
        noise = {}
        floor = self.noise_floor(values, votes)
        if floor is not None:
            noise["all"] = floor
        for subset, *_ in subsets:
            floor = self.noise_floor(np.where(subset.known, values, np.nan), votes)
            if floor is not None:
                noise[subset.key] = floor
        return ScoreReport(
            scores=self.score(predictions, values, seed=seed),
            reference=self.score(simplest, values, seed=seed),
            subsets=subsets,
            noise=noise,
            notes=(*target_notes, *prediction_notes),
        )

    # Scores in files and for people.

    @abstractmethod
    def report_figures(self, report: ScoreReport) -> dict[str, Any]:
        """The scores in ``metrics.json`` of an evaluation, as plain data."""

    @abstractmethod
    def report_rows(self, report: ScoreReport) -> list[tuple[object, ...]]:
        """The rows of ``scores.csv`` of an evaluation, the header first."""

    @abstractmethod
    def print_report(self, report: ScoreReport) -> PrintedScores:
        """The scores as an evaluation prints them."""

    @abstractmethod
    def figures(self, scores: Any, subsets: Sequence[ScoredSubset]) -> dict[str, Any]:
        """The scores of a baseline in ``metrics.json``, as plain data."""

    @abstractmethod
    def rows(
        self, scores: Any, subsets: Sequence[ScoredSubset]
    ) -> Iterator[tuple[str, str, str, Score, int]]:
        """Rows of kind, code, name, score and number of entries (`score_columns`)."""

    @abstractmethod
    def compare(
        self, named: Sequence[tuple[str, Scores, Sequence[ScoredSubset]]]
    ) -> tuple[TextTable, ...]:
        """Tables of several predictors' scores to print: a row or a column for each by name."""
