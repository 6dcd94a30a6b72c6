"""What a model of classes predicts: a probability for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from galaxyclass.arrays import Floats
from galaxyclass.errors import BundleError, CatalogError
from galaxyclass.tasks.classes import report as reports
from galaxyclass.tasks.metric import ACCURACY, Metric
from galaxyclass.tasks.names import free_name, is_exact_integer
from galaxyclass.tasks.report import (
    PrintedScores,
    ScoredExtent,
    ScoreReport,
    TextTable,
)
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.classes import ClassScores, score_classes
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


@dataclass(frozen=True)
class ClassTask(Task):
    """A model's outputs are the probabilities of classes.

    Attributes
    ----------
    column : str
        The class column of the table that it was trained on.
    classes : tuple of str
        The classes as written there.
    shares : tuple of float
        The share of the training galaxies in each.
    rule : str or None
        The rule by which they were made of votes (`catalogs.derive_classes`).
    """

    kind: ClassVar[str] = "classes"
    metric: ClassVar[Metric] = ACCURACY
    heads: ClassVar[tuple[Head, ...]] = ("softmax",)
    losses: ClassVar[tuple[Loss, ...]] = ("cross_entropy", "focal")
    step_score: ClassVar[str] = "accuracy"
    score_columns: ClassVar[tuple[str, str]] = ("value", "galaxies")

    column: str
    classes: tuple[str, ...]
    shares: tuple[float, ...]
    rule: str | None = None

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
    def target_column(self) -> str:
        """The class column."""
        return self.column

    @property
    def derivation(self) -> str | None:
        """The rule by which the classes were made of votes, if they were."""
        return self.rule

    @property
    def wanted(self) -> str:
        """What a table must have to be scored, in words."""
        return f"a class column, such as {self.column!r}"

    def overlaps(self, targets: Targets) -> bool:
        """Whether some of the targets are of its classes."""
        return self.fits(targets) and bool(set(self.classes) & set(targets.class_names))

    def require_overlap(self, targets: Targets, source: str) -> None:
        """Refuse a table of other classes; see `Task.require_overlap`."""
        if not self.overlaps(targets):
            raise CatalogError(
                f"{source}: none of its classes is one that the run knows",
                wanted=", ".join(self.classes[:10]),
                got=f"{', '.join(targets.class_names[:10])}, in column "
                f"{targets.summary()['column']!r}",
                hint="name the right column by `target_column`, or write classes as in training",
            )

    def columns(self, id_column: str, *, contest: bool = False) -> tuple[tuple[str, ...], str]:
        """A column of probabilities for each class, and the class itself.

        A class that is named like one of the other columns gets ``_probability`` behind its name.
        """
        label = self.column
        while label == id_column:
            label += "_predicted"
        if contest:
            return (), label
        taken = {id_column, label, *self.classes}
        names = []
        for name in self.classes:
            own = name in (id_column, label)
            names.append(free_name(name, taken, "_probability") if own else name)
            taken.add(names[-1])
        return tuple(names), label

    def summed_up(self, predictions: NDArray[np.float32]) -> pa.Array:
        """The most probable class; none where the probabilities are not numbers.

        Integers where all classes are; otherwise text.
        """
        import pyarrow as pa

        unclear: NDArray[np.bool_] = np.asarray(np.isnan(predictions).any(axis=1))
        best = np.zeros(0, int)
        if len(predictions):
            best = np.where(unclear, 0, np.argmax(predictions, axis=1))
        names = [None if no else self.classes[i] for i, no in zip(best, unclear, strict=True)]
        cells = pa.array(names, pa.string())
        return cells.cast(pa.int64()) if all(map(is_exact_integer, self.classes)) else cells

    @property
    def identity(self) -> object:
        """Equal for models of the same classes."""
        return self.kind, self.classes

    def describe(self, beside: Task) -> str:
        """What it predicts, as far as it is not what another model predicts."""
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

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "kind": self.kind,
            "column": self.column,
            "classes": list(self.classes),
            "shares": list(self.shares),
            "rule": self.rule,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], source: str) -> Self:
        """From what `to_json` gave; see `Task.from_json`."""
        file = _File.model_validate(data)
        if len(file.classes) != len(file.shares) or len(file.classes) < 2:
            raise BundleError(
                f"{source}: the manifest is damaged",
                wanted="two classes or more, and a share for each",
                got=f"{len(file.classes)} classes, {len(file.shares)} shares",
            )
        return cls(file.column, tuple(file.classes), tuple(file.shares), file.rule)

    @property
    def sum_rules(self) -> int:
        """One: probabilities sum to 1."""
        return 1

    @property
    def sum_tolerance(self) -> float:
        """By how much a sum may miss."""
        return _TOLERANCE

    def sums(self, predictions: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """(galaxies, 1) the sums of the probabilities, and 1."""
        return predictions.sum(axis=1, keepdims=True), np.ones((len(predictions), 1))

    def describe_broken_sums(
        self, broken: Sequence[int], worst: Sequence[float], galaxies: int
    ) -> str:
        """What is wrong with the sums; see `Task.describe_broken_sums`."""
        return (
            f"Not probabilities: those of {broken[0]:,} of {galaxies:,} galaxies do not sum to 1 "
            f"(off by up to {worst[0]:.2g}). Use model.head=softmax."
        )

    def simplest(self, galaxies: int) -> Floats:
        """(galaxies, classes) the shares of the training galaxies: the largest class, always."""
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
        return score_classes(_called(predictions), values, len(self.classes), seed=seed)

    def main_value(self, predictions: Any, values: Any) -> float:
        """The share of the known galaxies that are called what they are."""
        known = values >= 0
        return float((_called(predictions) == values)[known].mean())

    def losses_by_galaxy(self, predictions: Any, values: Any) -> NDArray[np.float64]:
        """(known galaxies,) 0 where a galaxy is called what it is, otherwise 1."""
        known = values >= 0
        return np.asarray((_called(predictions) != values)[known].astype(np.float64))

    def scorable(self, targets: Targets) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Indices of the model's classes, -1 where a galaxy's is none of them."""
        index = {name: place for place, name in enumerate(self.classes)}
        names, labels = targets.class_names, targets.values()
        of_table = np.array([index.get(name, -1) for name in names] + [-1], dtype=np.int64)
        values = of_table[labels]  # -1, unknown, stays -1
        strange = [place for place, name in enumerate(names) if name not in index]
        if not strange:
            return values, ()
        note = (
            f"{int(np.isin(labels, strange).sum()):,} galaxies of classes that the run does not "
            f"know are not scored: {', '.join(names[place] for place in strange[:5])}."
        )
        return values, (note,)

    def readable(
        self, predictions: Floats, values: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """The classes of galaxies whose predictions are numbers; -1 of the others."""
        unclear = np.isnan(predictions).any(axis=1)
        if not unclear.any():
            return values, ()
        note = f"{unclear.sum():,} galaxies whose predictions are NaN are not scored."
        return np.where(unclear, -1, values), (note,)

    def report_figures(self, report: ScoreReport) -> dict[str, Any]:
        """What ``metrics.json`` of an evaluation has of the scores."""
        return reports.class_report_figures(self.classes, report.scores, report.reference)

    def report_rows(self, report: ScoreReport) -> list[tuple[object, ...]]:
        """The rows of ``scores.csv`` of an evaluation: a class each."""
        return reports.class_report_rows(self.classes, report.scores)

    def print_report(self, report: ScoreReport) -> PrintedScores:
        """What an evaluation prints."""
        return reports.print_class_report(self.classes, report.scores, report.reference)

    def figures(self, scores: ClassScores, extents: Sequence[ScoredExtent]) -> dict[str, Any]:
        """What is kept of the scores of a baseline."""
        return reports.class_figures(scores)

    def rows(
        self, scores: ClassScores, extents: Sequence[ScoredExtent]
    ) -> Iterator[tuple[str, str, str, Score, int]]:
        """Accuracies, then the recall and the precision of each class."""
        return reports.class_rows(self.classes, scores)

    def compare(
        self, named: Sequence[tuple[str, Scores, Sequence[ScoredExtent]]]
    ) -> tuple[TextTable, ...]:
        """Accuracies, a predictor a row."""
        return reports.compare_class_scores(named)


def _called(predictions: Any) -> NDArray[np.int64]:
    """(galaxies,) the class that each is called: the most probable one."""
    predictions = np.asarray(predictions)
    if predictions.ndim == 1:
        return np.asarray(predictions, dtype=np.int64)
    clear = np.where(np.isnan(predictions).any(axis=1, keepdims=True), 0.0, predictions)
    return np.asarray(clear.argmax(axis=1))
