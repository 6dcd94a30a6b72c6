"""`ClassTask`: probabilities of classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.errors import BundleError, CatalogError
from galaxyclass.short import counted, first_few, verb
from galaxyclass.tasks.classes.link import class_probabilities, fit_softmax
from galaxyclass.tasks.classes.report import (
    class_figures,
    class_report_figures,
    class_report_rows,
    class_rows,
    compare_class_scores,
    print_class_report,
)
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.tasks.label_doubt import LabelDoubt, doubt_classes
from galaxyclass.tasks.metric import ACCURACY, Metric
from galaxyclass.tasks.names import free_name, is_exact_integer
from galaxyclass.tasks.report import (
    PrintedScores,
    ScoredSubset,
    ScoreReport,
    TextTable,
)
from galaxyclass.tasks.scores.bootstrap import RESAMPLES, Score, bootstrap_ratios
from galaxyclass.tasks.scores.classes import ClassScores, score_classes
from galaxyclass.tasks.scores.noise import VOTES
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.tasks.targets import Targets
from galaxyclass.tasks.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from galaxyclass.recipes.recipe import Head, Loss

#: Probabilities sum to 1 within this.
_TOLERANCE = 1e-3


class _File(BaseModel):
    """The task as JSON has it."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["classes"]
    column: str
    classes: list[str]
    shares: list[float]
    rule: str | None = None
    labelling: str = ""


@dataclass(frozen=True)
class ClassTask(Task):
    """A model's outputs are the probabilities of classes.

    Attributes
    ----------
    column : str
        The class column of the training table.
    classes : tuple of str
        The classes as written in the training table.
    shares : tuple of float
        The share of the training galaxies in each class.
    rule : str or None
        The rule by which they were derived from votes (`derive_classes`); None where they were not.
    labelling : str
    """

    kind: ClassVar[str] = "classes"
    metric: ClassVar[Metric] = ACCURACY
    heads: ClassVar[tuple[Head, ...]] = ("softmax",)
    losses: ClassVar[tuple[Loss, ...]] = ("cross_entropy", "focal")
    step_score: ClassVar[str] = "accuracy"
    linear_head: ClassVar[str] = "softmax"
    score_columns: ClassVar[tuple[str, str]] = ("value", "galaxies")

    column: str
    classes: tuple[str, ...]
    shares: tuple[float, ...]
    rule: str | None = None
    labelling: str = ""

    @classmethod
    def fit(cls, targets: ClassTargets, training: NDArray[np.int64]) -> Self:
        """The task of predicting classes, with the share of the training galaxies in each."""
        labels = targets.labels[training]
        counts = np.bincount(labels[labels >= 0], minlength=len(targets.classes))
        shares = counts / max(1, counts.sum())
        return cls(targets.column, targets.classes, tuple(shares.tolist()), targets.rule)

    @property
    def output_word(self) -> str:
        return "classes"

    @property
    def value_words(self) -> str:
        return "probability"

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return self.classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes."""
        return self.classes

    @property
    def class_shares(self) -> tuple[float, ...]:
        """The share of the training galaxies in each."""
        return self.shares

    @property
    def label_names(self) -> tuple[str, ...]:
        """The column, and the classes."""
        return self.column, *self.classes

    def table_arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        """The class column, where a table has it."""
        return {"target_column": self.column} if self.column in columns else {}

    @property
    def derivation(self) -> str | None:
        """The rule by which the classes were derived from votes, if they were."""
        return self.rule

    @property
    def wanted(self) -> str:
        """What a table must have to be scored, in words."""
        return f"a class column, such as {self.column!r}"

    def overlaps(self, targets: Targets) -> bool:
        """Whether any of the targets' classes is one of the task's."""
        return self.fits(targets) and bool(set(self.classes) & set(targets.class_names))

    def require_overlap(self, targets: Targets, source: str) -> None:
        """Refuse a table of other classes; see `Task.require_overlap`."""
        if not self.overlaps(targets):
            raise CatalogError(
                f"{source}: the run knows none of its classes",
                wanted=", ".join(self.classes[:10]),
                got=f"{', '.join(targets.class_names[:10])}, in column "
                f"{targets.summary()['column']!r}",
                hint="name the right column by `target_column`, or write classes as in training",
            )

    def columns(self, id_column: str, *, contest: bool = False) -> tuple[tuple[str, ...], str]:
        """A column of probabilities for each class, and the class itself.

        A class with the name of another column gets ``_probability`` appended.
        """
        label = self.column
        while label == id_column:
            label += "_predicted"
        if contest:
            return (), label
        taken = {id_column, label, *self.classes}
        names = []
        for name in self.classes:
            is_taken = name in (id_column, label)
            names.append(free_name(name, taken, "_probability") if is_taken else name)
            taken.add(names[-1])
        return tuple(names), label

    @property
    def descriptions(self) -> tuple[str, ...]:
        """The class of each probability."""
        return tuple(f"probability of the class {name!r}" for name in self.classes)

    def summed_up(self, predictions: NDArray[np.float32]) -> pa.Array:
        """The most probable class; null where probabilities are NaN.

        Integers where all classes are integers; otherwise text.
        """
        import pyarrow as pa

        has_nan: NDArray[np.bool_] = np.asarray(np.isnan(predictions).any(axis=1))
        best = np.zeros(0, int)
        if len(predictions):
            best = np.where(has_nan, 0, np.argmax(predictions, axis=1))
        names = [
            None if is_nan else self.classes[index]
            for index, is_nan in zip(best, has_nan, strict=True)
        ]
        cells = pa.array(names, pa.string())
        return cells.cast(pa.int64()) if all(map(is_exact_integer, self.classes)) else cells

    @property
    def identity(self) -> object:
        """Equal for models of the same classes."""
        return self.kind, self.classes, self.labelling

    def describe(self, beside: Task) -> str:
        """The classes, those first that another model does not have."""
        names = self.classes
        others = beside.class_names
        if others and set(names) - set(others):
            only = [name for name in names if name not in others]
            return f"{len(names)} classes ({', '.join(only[:5])} only there)"
        return f"{len(names)} classes ({', '.join(names[:5])}{', …' * (len(names) > 5)})"

    def common(self, tasks: Sequence[Task]) -> Self:
        """The same classes, with the mean of the shares."""
        shares = [task.class_shares or () for task in tasks]
        return replace(self, shares=tuple(np.mean(shares, axis=0).tolist()))

    def linear_targets(self, values: Any) -> Doubles:
        """(galaxies, classes) 1 in the column of each galaxy's class, otherwise 0."""
        values = np.asarray(values)
        targets = (values[:, None] == np.arange(self.count)).astype(np.float64)
        targets[values < 0] = np.nan
        return np.asarray(targets)

    def from_linear(self, raw: Doubles) -> Doubles:
        """(galaxies, classes) softmax: probabilities."""
        return class_probabilities(raw)

    def fit_link(self, raw: Doubles, values: Any) -> tuple[float, Doubles]:
        """Scale and offsets with the largest likelihood of the classes; see `Task.fit_link`."""
        return fit_softmax(raw, np.asarray(values))

    def doubt(self, predictions: Doubles, values: Any, votes: float = VOTES) -> LabelDoubt:
        """Doubt by confident learning (`doubt_classes`); see `Task.doubt`."""
        return doubt_classes(predictions, np.asarray(values), self.classes)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "kind": self.kind,
            "column": self.column,
            "classes": list(self.classes),
            "shares": list(self.shares),
            "rule": self.rule,
            **({"labelling": self.labelling} if self.labelling else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], source: str) -> Self:
        """A task from the result of `to_json`; see `Task.from_json`."""
        file = _File.model_validate(data)
        if len(file.classes) != len(file.shares) or len(file.classes) < 2:
            raise BundleError(
                f"{source}: the manifest is damaged",
                wanted="two classes or more, and a share for each",
                got=f"{len(file.classes)} classes, {len(file.shares)} shares",
            )
        return cls(file.column, tuple(file.classes), tuple(file.shares), file.rule, file.labelling)

    @property
    def sum_rules(self) -> int:
        """One rule: probabilities sum to 1."""
        return 1

    @property
    def sum_tolerance(self) -> float:
        """How far a sum may be from 1."""
        return _TOLERANCE

    def sums(self, predictions: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """(galaxies, 1) the sums of the probabilities, and 1."""
        return predictions.sum(axis=1, keepdims=True), np.ones((len(predictions), 1))

    def describe_broken_sums(
        self, broken: Sequence[int], worst: Sequence[float], galaxies: int
    ) -> str:
        """A message about broken sums; see `Task.describe_broken_sums`."""
        return (
            f"Not probabilities: those of {broken[0]:,} of {counted(galaxies, 'galaxy')} do not "
            f"sum to 1 (off by up to {worst[0]:.2g}). Use model.head=softmax."
        )

    def simplest(self, galaxies: int) -> Floats:
        """(galaxies, classes) the shares of the training galaxies: always the largest class."""
        return np.broadcast_to(np.array(self.shares), (galaxies, len(self.classes)))

    def score(self, predictions: Any, values: Any, *, seed: int) -> ClassScores:
        """All scores of classes.

        Parameters
        ----------
        predictions : (galaxies, classes) float probabilities, or (galaxies,) int classes
        values : (galaxies,) int
            True classes; -1 unknown.
        seed : int
        """
        return score_classes(_predicted_classes(predictions), values, len(self.classes), seed=seed)

    def main_value(self, predictions: Any, values: Any) -> float:
        """The share of known galaxies whose predicted class is right."""
        known = values >= 0
        return float((_predicted_classes(predictions) == values)[known].mean())

    def resampled(
        self, predictions: Any, values: Any, *, resamples: int = RESAMPLES, seed: int = 0
    ) -> NDArray[np.float64]:
        """(resamples,) the accuracy of galaxies drawn with replacement."""
        wrong = self.losses_by_galaxy(predictions, values)[:, None]
        shares = bootstrap_ratios(wrong, np.ones_like(wrong), resamples=resamples, seed=seed)
        return np.asarray(1 - shares[:, 0])

    def losses_by_galaxy(self, predictions: Any, values: Any) -> NDArray[np.float64]:
        """(known galaxies,) 0 where the predicted class is right, otherwise 1."""
        known = values >= 0
        return np.asarray((_predicted_classes(predictions) != values)[known].astype(np.float64))

    def scorable(self, targets: Targets) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Indices of the model's classes, -1 where a galaxy's class is none of them."""
        index_of = {name: index for index, name in enumerate(self.classes)}
        names, labels = targets.class_names, targets.values()
        of_table = np.array([index_of.get(name, -1) for name in names] + [-1], dtype=np.int64)
        values = of_table[labels]  # -1, unknown, stays -1
        unknown = [index for index, name in enumerate(names) if name not in index_of]
        if not unknown:
            return values, ()
        note = (
            "Not scored, since of classes that the run does not know: "
            f"{counted(int(np.isin(labels, unknown).sum()), 'galaxy')} "
            f"({first_few([names[index] for index in unknown], 5)})."
        )
        return values, (note,)

    def readable(
        self, predictions: Floats, values: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """The classes, -1 where predictions are NaN."""
        has_nan = np.isnan(predictions).any(axis=1)
        if not has_nan.any():
            return values, ()
        count = int(has_nan.sum())
        note = (
            f"{counted(count, 'galaxy')} whose predictions are NaN {verb(count, 'is')} not scored."
        )
        return np.where(has_nan, -1, values), (note,)

    def report_figures(self, report: ScoreReport) -> dict[str, Any]:
        """The scores in ``metrics.json`` of an evaluation."""
        return class_report_figures(self.classes, report.scores, report.reference)

    def report_rows(self, report: ScoreReport) -> list[tuple[object, ...]]:
        """The rows of ``scores.csv`` of an evaluation: a class each."""
        return class_report_rows(self.classes, report.scores)

    def print_report(self, report: ScoreReport) -> PrintedScores:
        """The scores as an evaluation prints them."""
        return print_class_report(self.classes, report.scores, report.reference)

    def figures(self, scores: ClassScores, subsets: Sequence[ScoredSubset]) -> dict[str, Any]:
        """The scores of a baseline in ``metrics.json``."""
        return class_figures(scores)

    def rows(
        self, scores: ClassScores, subsets: Sequence[ScoredSubset]
    ) -> Iterator[tuple[str, str, str, Score, int]]:
        """Accuracies, then the recall and the precision of each class."""
        return class_rows(self.classes, scores)

    def compare(
        self, named: Sequence[tuple[str, Scores, Sequence[ScoredSubset]]]
    ) -> tuple[TextTable, ...]:
        """Accuracies, a predictor a row."""
        return compare_class_scores(named)


def _predicted_classes(predictions: Any) -> NDArray[np.int64]:
    """(galaxies,) the most probable class of each galaxy."""
    predictions = np.asarray(predictions)
    if predictions.ndim == 1:
        return np.asarray(predictions, dtype=np.int64)
    finite = np.where(np.isnan(predictions).any(axis=1, keepdims=True), 0.0, predictions)
    return np.asarray(finite.argmax(axis=1))
