"""What is predicted: the one place that tells a kind of prediction from another.

A new kind of target is a file that has a `Task` and its `Targets`, and a line in
`galaxyclass.tasks.kinds.TASKS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.tasks.metric import Metric
from galaxyclass.tasks.report import (
    PrintedScores,
    ScoredExtent,
    ScoreReport,
    TextTable,
)
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.noise import VOTES, NoiseFloor
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.tasks.targets import Targets, Values
from galaxyclass.trees.tree import Tree

if TYPE_CHECKING:
    import pyarrow as pa

    from galaxyclass.recipes.recipe import Head, Loss


class Task(ABC):
    """What a model predicts of a galaxy: its outputs, how it learns them, how they are scored.

    Every kind of task is a frozen dataclass of this type. Predictions are (galaxies, outputs) float
    throughout, whatever the kind: vote fractions, probabilities.

    Attributes
    ----------
    kind : str
        Its name: what the table has, a key of `galaxyclass.tasks.kinds.TASKS`.
    metric : Metric
    heads, losses : tuple of str
        Those of a recipe that suit; the first is what ``auto`` stands for.
    step_score : str
        How a training step is scored, by its name in `galaxyclass.networks.step_scores`.
    score_columns : (str, str)
        In a table of scores, what the score and the number behind it are called.
    bounds : (float, float)
        What predictions must lie between.
    least_spread : float
        Predictions of which no output has a larger standard deviation do not tell galaxies apart.
        Sound models of fractions spread by 0.05 to 0.35 in their liveliest output.
    """

    kind: ClassVar[str]
    metric: ClassVar[Metric]
    heads: ClassVar[tuple[Head, ...]]
    losses: ClassVar[tuple[Loss, ...]]
    step_score: ClassVar[str]
    score_columns: ClassVar[tuple[str, str]]
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    least_spread: ClassVar[float] = 0.005

    @classmethod
    @abstractmethod
    def fit(cls, targets: Any, training: NDArray[np.int64]) -> Self:
        """The task of predicting some targets, with the mean values of the training galaxies.

        Parameters
        ----------
        targets : Targets
            Of the type that belongs to the task.
        training : (galaxies,) int64
            Indices of the training galaxies.
        """

    # Outputs.

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """A name for each output, as the table that it was trained on has them."""

    @property
    def count(self) -> int:
        """How many numbers a model gives for a galaxy."""
        return len(self.names)

    @property
    def known_mask(self) -> NDArray[np.bool_]:
        """(outputs,) whether training knew anything of each; the others mean nothing."""
        return np.ones(self.count, dtype=bool)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that a galaxy has one of, which a mirror may turn into each other.

        Empty where the outputs are no classes, and a mirror image is predicted as the galaxy is.
        """
        return ()

    @property
    def class_shares(self) -> tuple[float, ...] | None:
        """The share of the training galaxies in each of the `class_names`, for balanced weights."""
        return None

    @property
    def decision_tree(self) -> Tree | None:
        """The tree that the outputs are answers of, if they are."""
        return None

    @property
    def group_names(self) -> tuple[str, ...]:
        """What the outputs are grouped by, where they are: the questions of a tree."""
        return ()

    @property
    def output_word(self) -> str:
        """What one of the outputs is called, in the plural."""
        return "outputs"

    @property
    def value_words(self) -> str:
        """What the number of an output is, for an axis."""
        return "value"

    @property
    def groups(self) -> tuple[tuple[str, slice, tuple[str, ...]], ...]:
        """The outputs as people read them: of each group its title, where it is, short names."""
        return (("", slice(0, self.count), self.names),)

    @property
    def interval_names(self) -> tuple[str, ...]:
        """A name for each output that can have a prediction interval: for all, or for none."""
        return ()

    @property
    def words(self) -> str:
        """What the outputs are, in a few words."""
        return self.kind

    # Tables of the truth.

    @property
    def target_column(self) -> str | None:
        """The column of a table that has the truth; None where it is found in another way."""
        return None

    @property
    def derivation(self) -> str | None:
        """The rule by which the truth was made of votes (`derive_classes`), if it was."""
        return None

    @property
    @abstractmethod
    def wanted(self) -> str:
        """What a table must have to be scored, in words."""

    @property
    def target_hint(self) -> str | None:
        """What to do about a table that does not have it."""
        return "name the class column by `target_column`"

    def fits(self, targets: Targets | None) -> bool:
        """Whether these are targets of this kind."""
        return targets is not None and targets.kind == self.kind

    def overlaps(self, targets: Targets) -> bool:
        """Whether some of the targets, which `fits`, are what it predicts."""
        return self.fits(targets)

    def require_overlap(self, targets: Targets, source: str) -> None:
        """Refuse targets, which `fits`, of which none is what it predicts.

        Raises
        ------
        CatalogError
        """
        assert self.fits(targets)

    # Tables of predictions.

    def columns(
        self, id_column: str, *, contest: bool = False
    ) -> tuple[tuple[str, ...], str | None]:
        """The columns of a table of predictions: of the outputs, and of one that sums them up.

        Parameters
        ----------
        id_column : str
            A name that is taken.
        contest : bool
            In a contest's layout: the column that sums up alone.

        Raises
        ------
        OutputError
            There is no contest's layout for it.
        """
        return self.names, None

    def shown(self, predictions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions as a table of them has them, from those that a network gives."""
        return predictions

    def from_shown(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predictions as a network gives them, from those that a table has."""
        return values

    def summed_up(self, predictions: NDArray[np.float32]) -> pa.Array | None:
        """The cells of the column that sums the outputs up, where `columns` has one."""
        return None

    # Several models, several tables.

    @property
    @abstractmethod
    def identity(self) -> object:
        """Equal for tasks whose predictions can be averaged; can be hashed."""

    @abstractmethod
    def describe(self, beside: Task) -> str:
        """What a model predicts, as far as it is not what another one predicts."""

    @abstractmethod
    def common(self, tasks: Sequence[Task]) -> Self:
        """What models predict together.

        Parameters
        ----------
        tasks : sequence of Task
            Of all of them, the own among them; of one `identity`.
        """

    def merge(self, other: Task) -> Self:
        """The task of a network that learns from one more table, of the same task."""
        return self

    # JSON.

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """As plain data, with its ``kind``."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any], source: str) -> Self:
        """From what `to_json` gave.

        Raises
        ------
        pydantic.ValidationError, TreeError, BundleError
            It is damaged.
        """

    # What looks wrong with predictions.

    @property
    def sum_rules(self) -> int:
        """How many sums of outputs are prescribed."""
        return 0

    @property
    def sum_tolerance(self) -> float:
        """By how much a sum may miss."""
        return 0.0

    def sums(self, predictions: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """What the outputs of each rule sum to, and what they ought to.

        Parameters
        ----------
        predictions : (galaxies, outputs) float64

        Returns
        -------
        sums, wanted : (galaxies, sum_rules) float
            NaN where a rule cannot be tested.
        """
        return np.zeros((len(predictions), 0)), np.zeros((len(predictions), 0))

    def sums_to_nothing(self, sums: Sequence[float], largest: float, *, many: bool) -> bool:
        """Whether predictions have collapsed to zero.

        Parameters
        ----------
        sums : (sum_rules,) sequence of float
            The largest sum of each rule.
        largest : float
            The largest prediction of all.
        many : bool
            Whether there are enough galaxies to tell from that alone.
        """
        return False

    def describe_broken_sums(
        self, broken: Sequence[int], worst: Sequence[float], galaxies: int
    ) -> str:
        """What is wrong with the sums, and what to try.

        Parameters
        ----------
        broken, worst : (sum_rules,) sequence
            How many galaxies miss each rule, and by how much at most.
        galaxies : int
            Of how many.
        """
        return ""

    # Scores.

    @abstractmethod
    def simplest(self, galaxies: int) -> Floats:
        """(galaxies, outputs) the predictions of the simplest predictor, finite."""

    @abstractmethod
    def score(self, predictions: Any, values: Any, *, seed: int) -> Any:
        """All scores of predictions, with intervals: an object of a type of the task's own.

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
        """The main one of `score`; a task may know a cheaper way."""
        scores: Scores = self.score(predictions, values, seed=seed)
        return scores.main

    @abstractmethod
    def main_value(self, predictions: Any, values: Any) -> float:
        """The value of `main_score`, without its interval."""

    @abstractmethod
    def losses_by_galaxy(self, predictions: Any, values: Any) -> NDArray[np.float64]:
        """(known galaxies,) how wrong each is predicted; the score is made of the sum."""

    @abstractmethod
    def scorable(self, targets: Targets) -> tuple[Values, tuple[str, ...]]:
        """The values of targets as far as the task predicts them; in words, what is left out."""

    def readable(self, predictions: Floats, values: Any) -> tuple[Any, tuple[str, ...]]:
        """The values as far as predictions can be scored; in words, what is left out.

        Raises
        ------
        ScoreError
            Nothing is left.
        """
        return values, ()

    def extents(self, predictions: Any, values: Any, *, seed: int) -> tuple[ScoredExtent, ...]:
        """The score over parts of a truth with gaps that have none."""
        return ()

    def noise_floor(self, values: Any, votes: float = VOTES) -> NoiseFloor | None:
        """The score of a perfect model on a truth of so many `votes`; None where none is known."""
        return None

    def score_beside_simplest(
        self, predictions: Any, values: Any, *, seed: int
    ) -> tuple[Score, float]:
        """The main score, and the value of the simplest predictor's on the same galaxies."""
        reference = self.main_value(self.simplest(len(values)), values)
        return self.main_score(predictions, values, seed=seed), reference

    def gain(self, predictions: Any, values: Any) -> NDArray[np.float64]:
        """(known galaxies,) by how much each is predicted better than by the simplest predictor."""
        simplest = self.losses_by_galaxy(self.simplest(len(values)), values)
        return simplest - self.losses_by_galaxy(predictions, values)

    def evaluate(
        self, predictions: Floats, targets: Targets, *, seed: int, votes: float = VOTES
    ) -> ScoreReport:
        """All scores of predictions, beside those of the simplest predictor.

        Parameters
        ----------
        predictions : (galaxies, outputs) float
            NaN where there is none.
        targets : Targets
            The truth, which `fits`.
        seed : int
            Of the bootstrap.
        votes : float
            Volunteers of a galaxy, of which the noise floor is made.

        Raises
        ------
        ScoreError
            Nothing can be scored.
        """
        values, notes = self.scorable(targets)
        values, more = self.readable(predictions, values)
        simplest = self.simplest(len(values))
        extents = tuple(
            (extent, score, reference)
            for (extent, score), (_, reference) in zip(
                self.extents(predictions, values, seed=seed),
                self.extents(simplest, values, seed=seed),
                strict=True,
            )
        )
        noise = {}
        floor = self.noise_floor(values, votes)
        if floor is not None:
            noise["all"] = floor
        for extent, *_ in extents:
            within = self.noise_floor(np.where(extent.known, values, np.nan), votes)
            if within is not None:
                noise[extent.key] = within
        return ScoreReport(
            scores=self.score(predictions, values, seed=seed),
            reference=self.score(simplest, values, seed=seed),
            extents=extents,
            noise=noise,
            notes=(*notes, *more),
        )

    # Scores in files and for people.

    @abstractmethod
    def report_figures(self, report: ScoreReport) -> dict[str, Any]:
        """What ``metrics.json`` of an evaluation has of the scores, as plain data."""

    @abstractmethod
    def report_rows(self, report: ScoreReport) -> list[tuple[object, ...]]:
        """The rows of ``scores.csv`` of an evaluation, the header first."""

    @abstractmethod
    def print_report(self, report: ScoreReport) -> PrintedScores:
        """What an evaluation prints."""

    @abstractmethod
    def figures(self, scores: Any, extents: Sequence[ScoredExtent]) -> dict[str, Any]:
        """What is kept of the scores of a baseline, as plain data."""

    @abstractmethod
    def rows(
        self, scores: Any, extents: Sequence[ScoredExtent]
    ) -> Iterator[tuple[str, str, str, Score, int]]:
        """Kind, code, name, score and the number behind it, row by row (`score_columns`)."""

    @abstractmethod
    def compare(
        self, named: Sequence[tuple[str, Scores, Sequence[ScoredExtent]]]
    ) -> tuple[TextTable, ...]:
        """What is printed of several predictors' scores: a row, or a column, for each by name."""
