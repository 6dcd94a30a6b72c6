"""`VoteTask`: joint vote fractions of the answers of a decision tree."""

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
from galaxyclass.short import counted, first_few, verb
from galaxyclass.tasks.label_doubt import LabelDoubt, doubt_numbers
from galaxyclass.tasks.metric import RMSE, Metric
from galaxyclass.tasks.on_tree import TaskOnTree
from galaxyclass.tasks.report import (
    PrintedScores,
    ScoredSubset,
    ScoreReport,
    TextTable,
)
from galaxyclass.tasks.scores.bootstrap import RESAMPLES, Score, bootstrap_ratios
from galaxyclass.tasks.scores.complete_subsets import score_complete_subsets
from galaxyclass.tasks.scores.noise import VOTES, NoiseFloor, noise_floor
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.tasks.scores.votes import (
    VoteScores,
    errors_by_galaxy,
    rmse,
    score_all_votes,
    score_votes,
)
from galaxyclass.tasks.targets import Targets
from galaxyclass.tasks.task import Task
from galaxyclass.tasks.votes.report import (
    compare_vote_scores,
    print_vote_report,
    vote_figures,
    vote_report_figures,
    vote_report_rows,
    vote_rows,
)
from galaxyclass.tasks.votes.targets import VoteTargets
from galaxyclass.trees.algebra import (
    RECTIFIED_FLOOR,
    conditional_from_joint,
    joint_from_conditional,
    sums_and_targets,
)
from galaxyclass.trees.read import parse_tree, tree_data
from galaxyclass.trees.tree import Layout, Tree

if TYPE_CHECKING:
    from galaxyclass.recipes.recipe import Head, Loss

#: The answers of a question that everybody is asked sum to 1; below this they have collapsed to 0.
_COLLAPSED_SUM = 0.1


class _File(BaseModel):
    """The task as JSON has it."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["votes"]
    tree: dict[str, Any]
    layout: str
    known: list[bool]
    mean: list[float | None]
    labelling: str = ""


@dataclass(frozen=True)
class VoteTask(TaskOnTree):
    """A model's outputs are the joint vote fractions of all answers of a tree.

    Attributes
    ----------
    tree : Tree
    layout : Layout
        The names of the answers in the training table; predictions use the same names.
    known : tuple of bool
        Whether training had votes for each answer; the other outputs are meaningless.
    mean : tuple of float
        Mean joint fraction of each answer over the training galaxies; NaN where not known.
    labelling : str
    """

    kind: ClassVar[str] = "votes"
    metric: ClassVar[Metric] = RMSE
    heads: ClassVar[tuple[Head, ...]] = ("tree", "tree_rectified", "sigmoid")
    losses: ClassVar[tuple[Loss, ...]] = ("mse", "bce")
    step_score: ClassVar[str] = "rmse"
    linear_head: ClassVar[str] = "tree_rectified"
    score_columns: ClassVar[tuple[str, str]] = ("rmse", "entries")

    tree: Tree
    layout: Layout
    known: tuple[bool, ...]
    mean: tuple[float, ...]
    labelling: str = ""

    @classmethod
    def fit(cls, targets: VoteTargets, training: NDArray[np.int64]) -> Self:
        """The task of predicting votes: the answers that training galaxies know, and their mean."""
        fractions = targets.fractions[training]
        known = ~np.isnan(fractions)
        counts = known.sum(axis=0)
        sums = fractions.sum(axis=0, dtype=np.float64, where=known)
        mean = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
        has_votes = tuple((counts > 0).tolist())
        return cls(targets.tree, targets.layout, has_votes, tuple(mean.tolist()))

    @property
    def value_words(self) -> str:
        joint = self.layout.kind == "joint"
        return "share of all volunteers" if joint else "share of those who were asked"

    @property
    def interval_names(self) -> tuple[str, ...]:
        """The columns of the answers, where they are joint fractions."""
        return self.layout.columns if self.layout.kind == "joint" else ()

    @property
    def interval_groups(self) -> tuple[slice, ...]:
        """The answers of each question."""
        return self.tree.slices

    def interval_truth(self, targets: Targets) -> Floats | None:
        """(galaxies, answers) joint fractions."""
        return targets.joint_fractions

    def table_arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        """The tree of the votes."""
        return {"tree": self.tree}

    @property
    def words(self) -> str:
        """What the outputs are, in a few words."""
        return "joint fractions" if self.layout.kind == "joint" else "shares of those asked"

    @property
    def wanted(self) -> str:
        """What a table must have to be scored, in words."""
        return f"vote fractions of the tree {self.tree.title}"

    def columns(self, id_column: str, *, contest: bool = False) -> tuple[tuple[str, ...], None]:
        """A column for each answer, named as in the training table."""
        if contest:
            raise OutputError(
                "the contest's layout holds one class for each image",
                wanted="a run that was trained on classes",
                got="a run that predicts vote fractions",
                hint="leave `layout='contest'` out",
            )
        return self.layout.columns, None

    @property
    def descriptions(self) -> tuple[str, ...]:
        """The answer and its question."""
        joint = self.layout.kind == "joint"
        people = "all volunteers" if joint else "the volunteers who were asked"
        return tuple(
            f"share of {people} who answer {answer.name!r} to {question.text!r}"
            for question in self.tree.questions
            for answer in question.answers
        )

    def shown(self, predictions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Joint fractions, or conditional fractions where the training table has those.

        NaN for a question that nobody is predicted to reach.
        """
        if self.layout.kind != "conditional":
            return predictions
        shares = conditional_from_joint(self.tree, predictions.astype(np.float64))
        return np.asarray(shares.astype(np.float32))

    def from_shown(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Joint fractions, from the result of `shown`."""
        if self.layout.kind != "conditional":
            return values
        return np.asarray(joint_from_conditional(self.tree, values), dtype=np.float64)

    @property
    def identity(self) -> object:
        """Equal for models of the same answers in the same layout."""
        return self.kind, self.tree, self.layout, self.labelling

    def describe(self, beside: Task) -> str:
        """What it predicts."""
        labelling = f", labelling {self.labelling}" if self.labelling else ""
        return f"answers of {self.tree.title} in the layout {self.layout.name}{labelling}"

    def common(self, tasks: Sequence[Task]) -> Self:
        """The answers that all tasks know, with the mean of their means (NaN: unknown to some)."""
        means = [task.mean for task in tasks if isinstance(task, VoteTask)]
        return replace(
            self,
            known=tuple(np.all([task.known_mask for task in tasks], axis=0).tolist()),
            mean=tuple(np.mean(means, axis=0).tolist()),
        )

    def merge(self, other: Task) -> Self:
        """The answers that either task knows; the other's means where this one has none."""
        assert isinstance(other, VoteTask), "of the same tree"
        means = zip(self.mean, other.mean, strict=True)
        return replace(
            self,
            known=tuple(map(any, zip(self.known, other.known, strict=True))),
            mean=tuple(other_mean if math.isnan(mean) else mean for mean, other_mean in means),
        )

    def linear_targets(self, values: Any) -> Doubles:
        """(galaxies, answers) the joint fractions."""
        return np.asarray(values, dtype=np.float64)

    def from_linear(self, raw: Doubles) -> Doubles:
        """(galaxies, answers) joint fractions that obey the tree's sum rules.

        What is below 0 counts as 0, and the answers of a question share the fraction that leads to
        it.
        """
        positive = np.maximum(raw, 0) + RECTIFIED_FLOOR
        shares = np.empty_like(positive)
        for where in self.tree.slices:
            answers = positive[:, where]
            shares[:, where] = answers / answers.sum(axis=1, keepdims=True)
        return np.asarray(joint_from_conditional(self.tree, shares), dtype=np.float64)

    def doubt(self, predictions: Doubles, values: Any, votes: float = VOTES) -> LabelDoubt:
        """Doubt in standard deviations of the votes and the predictions; see `Task.doubt`.

        So many volunteers give each answer with the predicted fraction: a binomial distribution.
        """
        inner = np.clip(predictions, 0.5 / votes, 1 - 0.5 / votes)
        known = np.where(self.known_mask, values, np.nan)
        return doubt_numbers(predictions, known, inner * (1 - inner) / votes, self.names)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "kind": self.kind,
            "tree": tree_data(self.tree),
            "layout": self.layout.name,
            "known": list(self.known),
            "mean": [None if math.isnan(value) else value for value in self.mean],
            **({"labelling": self.labelling} if self.labelling else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], source: str) -> Self:
        """A task from the result of `to_json`; see `Task.from_json`."""
        file = _File.model_validate(data)
        tree = parse_tree(file.tree, source)
        layouts = [layout.name for layout in tree.layouts]
        lengths = {len(tree.answers), len(file.known), len(file.mean)}
        if file.layout not in layouts or len(lengths) != 1:
            raise BundleError(
                f"{source}: the manifest is damaged",
                wanted=f"one of the tree's layouts ({', '.join(layouts)}) and a value for each of "
                f"its {len(tree.answers)} answers",
                got=f"layout {file.layout}, {len(file.known)} known, {len(file.mean)} means",
            )
        return cls(
            tree=tree,
            layout=tree.layout(file.layout),
            known=tuple(file.known),
            mean=tuple(math.nan if value is None else value for value in file.mean),
            labelling=file.labelling,
        )

    @property
    def sum_rules(self) -> int:
        """A rule for each question."""
        return len(self.tree.questions)

    @property
    def sum_tolerance(self) -> float:
        """How far a sum may be from its rule."""
        return self.layout.tolerance

    def sums(self, predictions: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """(galaxies, questions) the sums of each question's answers, and the fraction asked it."""
        return sums_and_targets(self.tree, np.where(self.known_mask, predictions, np.nan))

    def sums_to_nothing(self, sums: Sequence[float], largest: float, *, many: bool) -> bool:
        """Whether the answers of the questions that everybody is asked sum to almost 0."""
        roots = [
            sums[index]
            for index, where in enumerate(self.tree.slices)
            if not self.tree.parents[index].any() and all(self.known[where])
        ]
        if roots:
            return max(roots) < _COLLAPSED_SUM
        return many and largest < self.least_spread

    def describe_broken_sums(
        self, broken: Sequence[int], worst: Sequence[float], galaxies: int
    ) -> str:
        """A message about broken sums; see `Task.describe_broken_sums`."""
        index = int(np.argmax(worst))
        questions = [
            question.key
            for question, count in zip(self.tree.questions, broken, strict=True)
            if count
        ]
        return (
            f"Off the tree: the answers to {len(questions)} of {counted(len(broken), 'question')} "
            f"do not sum to the fraction that leads to them ({first_few(questions)}; worst is "
            f"{self.tree.questions[index].key}, by up to {worst[index]:.2g}). "
            f"`galaxyclass.validate`, which allows {self.layout.tolerance:g}, would refuse this "
            "table. A model trained with `model.head=tree` obeys the tree by construction."
        )

    def simplest(self, galaxies: int) -> Floats:
        """(galaxies, answers) the mean vector of the training galaxies; 0 where it is unknown."""
        return np.broadcast_to(np.nan_to_num(self.mean), (galaxies, len(self.mean)))

    def score(self, predictions: Any, values: Any, *, seed: int) -> VoteScores:
        """All scores of joint fractions (galaxies, answers); NaN in the truth is unknown."""
        return score_votes(self.tree, predictions, values, seed=seed)

    def main_score(self, predictions: Any, values: Any, *, seed: int) -> Score:
        """The root mean square error over all known entries."""
        return score_all_votes(predictions, values, seed=seed)

    def main_value(self, predictions: Any, values: Any) -> float:
        """The root mean square error over all known entries."""
        return rmse(predictions, values)

    def resampled(
        self, predictions: Any, values: Any, *, resamples: int = RESAMPLES, seed: int = 0
    ) -> NDArray[np.float64]:
        """(resamples,) the root mean square error of galaxies drawn with replacement."""
        sums, counts = errors_by_galaxy(predictions, values, [slice(None)])
        return np.sqrt(bootstrap_ratios(sums, counts, resamples=resamples, seed=seed)[:, 0])

    def losses_by_galaxy(self, predictions: Any, values: Any) -> NDArray[np.float64]:
        """(galaxies,) each galaxy's sum of squared errors."""
        return errors_by_galaxy(predictions, values, [slice(None)])[0][:, 0]

    def scorable(self, targets: Targets) -> tuple[Any, tuple[str, ...]]:
        """The fractions, NaN for answers that the model does not predict."""
        values, notes = leave_out(targets.values(), self.known_mask, self.layout.columns)
        known = ~np.isnan(values)
        entries = known[:, known.any(axis=0)]
        if entries.all():
            return values, notes
        unknown = (
            f"Not scored, since unknown: {np.sum(~entries):,} of {entries.size:,} vote fractions "
            "(empty cells, and questions that nobody answered)."
        )
        return values, (*notes, unknown)

    def readable(self, predictions: Floats, values: Any) -> tuple[Any, tuple[str, ...]]:
        """The fractions unchanged: a prediction that is NaN makes the score NaN."""
        if np.isnan(values).all():
            raise ScoreError("nothing to score: the table has no votes that the run predicts")
        return values, ()

    def complete_subsets(
        self, predictions: Any, values: Any, *, seed: int
    ) -> tuple[ScoredSubset, ...]:
        """The score over the complete subsets of a table with gaps."""
        return score_complete_subsets(predictions, values, seed=seed)

    def noise_floor(self, values: Any, votes: float = VOTES) -> NoiseFloor:
        """The noise floor, if so many volunteers looked at each galaxy."""
        return noise_floor(self.tree, values, votes)

    def report_figures(self, report: ScoreReport) -> dict[str, Any]:
        """The scores in ``metrics.json`` of an evaluation."""
        return vote_report_figures(self.tree, self.layout, report)

    def report_rows(self, report: ScoreReport) -> list[tuple[object, ...]]:
        """The rows of ``scores.csv`` of an evaluation: all, each question, each answer."""
        return vote_report_rows(self.tree, report)

    def print_report(self, report: ScoreReport) -> PrintedScores:
        """The scores as an evaluation prints them."""
        return print_vote_report(self.tree, report)

    def figures(self, scores: VoteScores, subsets: Sequence[ScoredSubset]) -> dict[str, Any]:
        """The scores of a baseline in ``metrics.json``."""
        return vote_figures(self.tree, scores, subsets)

    def rows(
        self, scores: VoteScores, subsets: Sequence[ScoredSubset]
    ) -> Iterator[tuple[str, str, str, Score, int]]:
        """All known entries, each complete subset, each question, each answer."""
        return vote_rows(self.tree, scores, subsets)

    def compare(
        self, named: Sequence[tuple[str, Scores, Sequence[ScoredSubset]]]
    ) -> tuple[TextTable, ...]:
        """Overall scores, and the scores of each question."""
        return compare_vote_scores(self.tree, named)


def leave_out(
    target: NDArray[np.float32], predicted: NDArray[np.bool_], names: Sequence[str]
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Make answers unknown that are not predicted at all; and a note on those that were known.

    Parameters
    ----------
    target : (galaxies, answers) float32
    predicted : (answers,) bool
    names : sequence of str
        Of the answers.
    """
    left_out = ~predicted & ~np.isnan(target).all(axis=0)
    if not left_out.any():
        return target, ()
    columns = [names[index] for index in np.flatnonzero(left_out).tolist()]
    note = (
        f"{counted(len(columns), 'answer is', 'answers are')} not predicted and "
        f"{verb(len(columns), 'does')} not count: {', '.join(columns)}."
    )
    return np.where(predicted, target, np.float32(np.nan)), (note,)
