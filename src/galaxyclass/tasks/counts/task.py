"""`CountTask`: how many of those who were asked give each answer of a decision tree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.errors import BundleError, OutputError, ScoreError
from galaxyclass.tasks.counts.posterior import (
    draw_fractions,
    expected_votes,
    fit_certainty,
    fit_total,
    fraction_spreads,
    share_intervals,
)
from galaxyclass.tasks.counts.report import (
    compare_count_scores,
    count_figures,
    count_report_figures,
    count_report_rows,
    count_rows,
    print_count_report,
)
from galaxyclass.tasks.counts.targets import CountTargets
from galaxyclass.tasks.label_doubt import LabelDoubt, doubt_numbers
from galaxyclass.tasks.metric import RMSE, Metric
from galaxyclass.tasks.names import free_name
from galaxyclass.tasks.on_tree import TaskOnTree
from galaxyclass.tasks.report import PrintedScores, ScoredSubset, ScoreReport, TextTable
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.counts import (
    COVERED,
    CountScores,
    expected_fractions,
    expected_shares,
    people_of,
    score_counts,
)
from galaxyclass.tasks.scores.noise import (
    VOTES,
    NoiseFloor,
    fractions_from_counts,
    noise_floor_from_counts,
)
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.tasks.scores.votes import errors_by_galaxy, rmse, score_all_votes
from galaxyclass.tasks.targets import Targets, Values
from galaxyclass.tasks.task import Task
from galaxyclass.tasks.votes.task import leave_out
from galaxyclass.trees.read import parse_tree, tree_data
from galaxyclass.trees.tree import Layout, Tree

if TYPE_CHECKING:
    from galaxyclass.recipes.recipe import Head, Loss

#: Logarithms of the smallest and the largest concentration: a millionth of a vote, and 3,000.
LOG_CONCENTRATIONS = (-14.0, 8.0)
#: Draws of each fraction that predictions can include.
_DRAWS = 10


class _File(BaseModel):
    """The task as JSON has it."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["counts"]
    tree: dict[str, Any]
    columns: list[str]
    known: list[bool]
    mean: list[float | None]
    totals: list[float]
    people: float
    labelling: str = ""


@dataclass(frozen=True)
class CountTask(TaskOnTree):
    """A model's outputs are concentrations: how sure it is of each answer, in votes.

    Those of a question are the parameters of a Dirichlet distribution: divided by their sum, they
    are the expected shares of its answers among those who are asked; their sum says how sure the
    model is (Walmsley et al. 2022, MNRAS 509, 3966). A table of predictions has the shares and, of
    each question, that sum.

    Attributes
    ----------
    tree : Tree
    layout : Layout
        The names of the shares in a table of predictions.
    known : tuple of bool
        Whether training had votes for the question of each answer.
    mean : tuple of float
        Mean share of each answer among those asked, over the training galaxies; NaN if not known.
    totals : tuple of float
        Of each question, the sum of concentrations with which these shares are most likely.
    people : float
        The median number of volunteers of a training galaxy.
    labelling : str
    """

    kind: ClassVar[str] = "counts"
    metric: ClassVar[Metric] = RMSE
    heads: ClassVar[tuple[Head, ...]] = ("dirichlet",)
    losses: ClassVar[tuple[Loss, ...]] = ("dirichlet_multinomial",)
    step_score: ClassVar[str] = "count_rmse"
    score_columns: ClassVar[tuple[str, str]] = ("score", "entries")
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    linear_head: ClassVar[str] = "dirichlet"

    tree: Tree
    layout: Layout
    known: tuple[bool, ...]
    mean: tuple[float, ...]
    totals: tuple[float, ...]
    people: float
    labelling: str = ""

    @classmethod
    def fit(cls, targets: CountTargets, training: NDArray[np.int64]) -> Self:
        """The task of predicting votes, with the mean shares of the training galaxies."""
        tree, counts = targets.tree, targets.counts[training].astype(np.float64)
        fractions = fractions_from_counts(tree, counts)
        mean = np.full(len(tree.answers), np.nan)
        totals = []
        for where in tree.slices:
            answered = counts[:, where].sum(axis=1) > 0  # NaN is not
            # Summed over galaxies as joint fractions: their product along the tree is the mean.
            sums = np.nansum(fractions[answered, where], axis=0)
            if not sums.sum() > 0:
                totals.append(float(where.stop - where.start))
                continue
            mean[where] = sums / sums.sum()
            totals.append(fit_total(mean[where], counts[answered, where]))
        people = people_of(tree, counts)
        return cls(
            tree,
            targets.layout.written,
            tuple((~np.isnan(mean)).tolist()),
            tuple(mean.tolist()),
            tuple(totals),
            float(np.median(people[people > 0])) if (people > 0).any() else float(VOTES),
        )

    @property
    def value_words(self) -> str:
        return "expected share of those asked"

    @property
    def words(self) -> str:
        """What the outputs are, in a few words."""
        return "counts of votes"

    # Tables.

    def table_arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        """The tree, and that the votes are counted."""
        return {"tree": self.tree, "counts": True}

    @property
    def wanted(self) -> str:
        """What a table must have to be scored, in words."""
        return f"counts of votes of the tree {self.tree.title}"

    def columns(self, id_column: str, *, contest: bool = False) -> tuple[tuple[str, ...], None]:
        """A column for the share of each answer, and for the concentration of each question."""
        if contest:
            raise OutputError(
                "the contest's layout holds one class for each image",
                wanted="a run that was trained on classes",
                got="a run that predicts votes",
                hint="leave `layout='contest'` out",
            )
        taken = {id_column, *self.layout.columns}
        totals = tuple(
            free_name(f"{question.key}_concentration", taken, "_of_question")
            for question in self.tree.questions
        )
        return (*self.layout.columns, *totals), None

    def shown(self, predictions: NDArray[np.float32]) -> NDArray[np.float32]:
        """(galaxies, answers + questions) expected shares, then sums of concentrations."""
        exact = predictions.astype(np.float64)
        totals = [exact[:, where].sum(axis=1) for where in self.tree.slices]
        shares = expected_shares(self.tree.slices, exact)
        return np.column_stack([shares, *totals]).astype(np.float32)

    def shown_beside(self, index: int) -> slice:
        """The answers to the same question."""
        return next(each for each in self.tree.slices if each.start <= index < each.stop)

    def from_shown(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Concentrations, from the result of `shown`."""
        count = len(self.tree.answers)
        concentrations = np.array(values[:, :count])
        for index, where in enumerate(self.tree.slices):
            concentrations[:, where] *= values[:, count + index, None]
        # A share that was rounded to 0 is still possible.
        return np.maximum(concentrations, 1e-9)

    @property
    def posterior_names(self) -> dict[str, tuple[str, ...]]:
        """The columns that predictions can include, by the name of the `include`."""
        answers = self.layout.columns
        beliefs = ("joint", "spread", "lower", "upper", "votes", "votes_spread")
        return {
            "posterior": tuple(f"{name}_{each}" for name in answers for each in beliefs),
            "draws": tuple(f"{name}_draw{n + 1}" for name in answers for n in range(_DRAWS)),
        }

    def posterior(self, name: str, predictions: NDArray[np.float32]) -> NDArray[np.float32]:
        """(galaxies, columns of `posterior_names`) what concentrations say.

        ``posterior``: of each answer its expected joint fraction and the standard deviation of
        that, the central 90 % of its share among those asked, and how many of `people` volunteers
        would give it, with the standard deviation of that. ``draws``: joint fractions drawn from
        what the model believes.
        """
        if name == "draws":
            draws = draw_fractions(self.tree, predictions, _DRAWS)
            return draws.transpose(0, 2, 1).reshape(len(predictions), -1).astype(np.float32)
        beliefs = (
            expected_fractions(self.tree, predictions),
            fraction_spreads(self.tree, predictions),
            *share_intervals(self.tree, predictions, COVERED),
            *expected_votes(self.tree, predictions, self.people),
        )
        return np.stack(beliefs, axis=2).reshape(len(predictions), -1).astype(np.float32)

    # Several models.

    @property
    def identity(self) -> object:
        """Equal for models of the same answers under the same names."""
        return self.kind, self.tree, self.layout, self.labelling

    def describe(self, beside: Task) -> str:
        """What it predicts."""
        labelling = f", labelling {self.labelling}" if self.labelling else ""
        return f"counts of the answers of {self.tree.title}{labelling}"

    def common(self, tasks: Sequence[Task]) -> Self:
        """The answers that all tasks know, with the mean of their means and concentrations."""
        others = [task for task in tasks if isinstance(task, CountTask)]
        return replace(
            self,
            known=tuple(np.all([task.known_mask for task in others], axis=0).tolist()),
            mean=tuple(np.mean([task.mean for task in others], axis=0).tolist()),
            totals=tuple(np.mean([task.totals for task in others], axis=0).tolist()),
            people=float(np.mean([task.people for task in others])),
        )

    def merge(self, other: Task) -> Self:
        """The answers that either task knows; the other's means where this one has none."""
        assert isinstance(other, CountTask), "of the same tree"
        missing = np.isnan(self.mean)
        totals = [
            other.totals[index] if missing[where].any() else self.totals[index]
            for index, where in enumerate(self.tree.slices)
        ]
        return replace(
            self,
            known=tuple((self.known_mask | other.known_mask).tolist()),
            mean=tuple(np.where(missing, other.mean, self.mean).tolist()),
            totals=tuple(totals),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "kind": self.kind,
            "tree": tree_data(self.tree),
            "columns": list(self.layout.columns),
            "known": list(self.known),
            "mean": [None if math.isnan(value) else value for value in self.mean],
            "totals": list(self.totals),
            "people": self.people,
            **({"labelling": self.labelling} if self.labelling else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], source: str) -> Self:
        """A task from the result of `to_json`; see `Task.from_json`."""
        file = _File.model_validate(data)
        tree = parse_tree(file.tree, source)
        lengths = {len(tree.answers), len(file.columns), len(file.known), len(file.mean)}
        if len(lengths) != 1 or len(file.totals) != len(tree.questions):
            raise BundleError(
                f"{source}: the manifest is damaged",
                wanted=f"a value for each of {len(tree.answers)} answers and "
                f"{len(tree.questions)} questions",
                got=f"{len(file.columns)} columns, {len(file.known)} known, {len(file.mean)} "
                f"means, {len(file.totals)} totals",
            )
        return cls(
            tree=tree,
            layout=Layout("counts", "conditional", tuple(file.columns), 0.0),
            known=tuple(file.known),
            mean=tuple(math.nan if value is None else value for value in file.mean),
            totals=tuple(file.totals),
            people=file.people,
            labelling=file.labelling,
        )

    # Linear models.

    def linear_targets(self, values: Any) -> Doubles:
        """(galaxies, answers) logarithms of concentrations: as many as are usual, shared as votes.

        Each answer has half a vote more than was given, so that its share is above 0.
        """
        counts = np.asarray(values, dtype=np.float64)
        concentrations = np.full(counts.shape, np.nan)
        for where, total in zip(self.tree.slices, self.totals, strict=True):
            of_question = counts[:, where] + 0.5
            of_question[~(counts[:, where].sum(axis=1) > 0)] = np.nan
            concentrations[:, where] = total * of_question / of_question.sum(axis=1, keepdims=True)
        return self.to_linear(concentrations)

    def from_linear(self, raw: Doubles) -> Doubles:
        """(galaxies, answers) concentrations, from their logarithms."""
        return np.exp(np.clip(raw, *LOG_CONCENTRATIONS))

    def to_linear(self, predictions: Doubles) -> Doubles:
        """(galaxies, answers) logarithms of concentrations."""
        return np.asarray(np.log(predictions))

    def fit_link(self, raw: Doubles, values: Any) -> tuple[float, Doubles]:
        """Offsets with the largest likelihood of the votes; see `Task.fit_link`.

        One for each question, as `linear_targets` are as sure as the mean vector, and a model that
        knows more is surer.
        """
        counts = np.asarray(values, dtype=np.float64)
        factors = fit_certainty(self.tree.slices, self.from_linear(raw), counts)
        offsets = np.zeros(self.count)
        for where, factor in zip(self.tree.slices, factors, strict=True):
            offsets[where] = math.log(factor)
        return 1.0, offsets

    def doubt(self, predictions: Doubles, values: Any, votes: float = VOTES) -> LabelDoubt:
        """Doubt of the joint fractions of the votes, in their standard deviations."""
        expected = self._expected(predictions)
        people = np.maximum(people_of(self.tree, values), 1.0)[:, None]
        inner = np.clip(expected, 0.5 / people, 1 - 0.5 / people)
        noise = inner * (1 - inner) / people
        return doubt_numbers(expected, self._fractions(values), noise, self.names)

    def uncertainty(self, predictions: Doubles, widths: Doubles | None = None) -> Doubles:
        """(galaxies,) the sum of the standard deviations of what is believed of each answer."""
        spreads = fraction_spreads(self.tree, np.where(self.known_mask, predictions, 1.0))
        return np.asarray(np.where(self.known_mask, spreads, 0.0).sum(axis=1))

    def uncertainty_words(self, value: float) -> str:
        """The sum of the standard deviations, as such."""
        return f"standard deviations of the answers' shares, {value:.3f} in all"

    # Scores.

    def simplest(self, galaxies: int) -> Floats:
        """(galaxies, answers) the mean shares, as sure as the training galaxies allow."""
        concentrations = np.ones(len(self.tree.answers))
        for where, total in zip(self.tree.slices, self.totals, strict=True):
            mean = np.array(self.mean[where])
            if not np.isnan(mean).any():
                concentrations[where] = total * np.maximum(mean, 1e-4)
        return np.broadcast_to(concentrations, (galaxies, len(concentrations)))

    def _expected(self, predictions: Any) -> Doubles:
        return expected_fractions(self.tree, predictions)

    def _fractions(self, values: Any) -> Doubles:
        return fractions_from_counts(self.tree, values)

    def score(self, predictions: Any, values: Any, *, seed: int) -> CountScores:
        """All scores of concentrations, against counts; NaN in the counts is unknown."""
        return score_counts(self.tree, predictions, values, seed=seed)

    def main_score(self, predictions: Any, values: Any, *, seed: int) -> Score:
        """The root mean square error of the expected joint fractions."""
        return score_all_votes(self._expected(predictions), self._fractions(values), seed=seed)

    def main_value(self, predictions: Any, values: Any) -> float:
        """The root mean square error of the expected joint fractions."""
        return rmse(self._expected(predictions), self._fractions(values))

    def losses_by_galaxy(self, predictions: Any, values: Any) -> NDArray[np.float64]:
        """(galaxies,) each galaxy's sum of squared errors of joint fractions."""
        truth = self._fractions(values)
        return errors_by_galaxy(self._expected(predictions), truth, [slice(None)])[0][:, 0]

    def scorable(self, targets: Targets) -> tuple[Values, tuple[str, ...]]:
        """The counts, NaN for answers that the model does not predict."""
        return leave_out(targets.values(), self.known_mask, self.layout.columns)

    def readable(self, predictions: Floats, values: Any) -> tuple[Any, tuple[str, ...]]:
        """The counts unchanged: a prediction that is NaN makes the score NaN."""
        if not np.nansum(values) > 0:
            raise ScoreError("nothing to score: the table has no votes that the run predicts")
        return values, ()

    def noise_floor(self, values: Any, votes: float = VOTES) -> NoiseFloor:
        """The noise floor of as many votes as were counted."""
        return noise_floor_from_counts(self.tree, values)

    # Scores in files and for people.

    def report_figures(self, report: ScoreReport) -> dict[str, Any]:
        """The scores in ``metrics.json`` of an evaluation."""
        return count_report_figures(self.tree, self.layout, report)

    def report_rows(self, report: ScoreReport) -> list[tuple[object, ...]]:
        """The rows of ``scores.csv`` of an evaluation."""
        return count_report_rows(self.tree, report)

    def print_report(self, report: ScoreReport) -> PrintedScores:
        """The scores as an evaluation prints them."""
        return print_count_report(self.tree, report)

    def figures(self, scores: CountScores, subsets: Sequence[ScoredSubset]) -> dict[str, Any]:
        """The scores of a baseline in ``metrics.json``."""
        return count_figures(self.tree, scores)

    def rows(
        self, scores: CountScores, subsets: Sequence[ScoredSubset]
    ) -> Iterator[tuple[str, str, str, Score, int]]:
        """Errors of fractions, then likelihood and coverage."""
        return count_rows(self.tree, scores)

    def compare(
        self, named: Sequence[tuple[str, Scores, Sequence[ScoredSubset]]]
    ) -> tuple[TextTable, ...]:
        """Overall scores and likelihoods, and the scores of each question."""
        return compare_count_scores(self.tree, named)
