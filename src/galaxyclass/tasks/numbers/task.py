"""`NumberTask`: one or several measured quantities, such as a Hubble type, a redshift or a size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.errors import BundleError, CatalogError, OutputError, ScoreError
from galaxyclass.short import first_few
from galaxyclass.tasks.label_doubt import LabelDoubt, doubt_numbers
from galaxyclass.tasks.metric import NRMSE, Metric
from galaxyclass.tasks.names import free_name
from galaxyclass.tasks.numbers.column import NumberColumn, common_column, fit_column
from galaxyclass.tasks.numbers.report import (
    compare_number_scores,
    number_figures,
    number_report_figures,
    number_report_rows,
    number_rows,
    print_number_report,
)
from galaxyclass.tasks.numbers.targets import NumberTargets
from galaxyclass.tasks.report import PrintedScores, ScoredSubset, ScoreReport, TextTable
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.noise import VOTES, NoiseFloor
from galaxyclass.tasks.scores.numbers import (
    NumberScores,
    normalised_errors,
    nrmse,
    score_all_numbers,
    score_numbers,
)
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.tasks.targets import Targets, Values
from galaxyclass.tasks.task import Task
from galaxyclass.tasks.undecided import relative_width

if TYPE_CHECKING:
    from galaxyclass.recipes.recipe import Head, Loss


class _Column(BaseModel):
    """A column as JSON has it; a mean of null: training had no value."""

    model_config = ConfigDict(extra="forbid")
    name: str
    mean: float | None
    spread: float = Field(gt=0)
    low: float | None
    high: float | None
    step: float = Field(0.0, ge=0)
    error: float | None = None


class _File(BaseModel):
    """The task as JSON has it."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["numbers"]
    columns: list[_Column]
    missing: list[str] = []
    labelling: str = ""


@dataclass(frozen=True)
class NumberTask(Task):
    """A model's outputs are numbers, in the units of the training table.

    The network learns them in standard deviations of the training galaxies, so that columns of
    different units weigh the same. Predictions stay between the smallest and the largest value of
    the training galaxies.

    Attributes
    ----------
    columns_of_table : tuple of NumberColumn
        What is predicted, and its scale.
    missing : tuple of str
        The values that stand for unknown ones in the training table (``-1``, ``Bar_Length=-1``).
    labelling : str
    """

    kind: ClassVar[str] = "numbers"
    metric: ClassVar[Metric] = NRMSE
    heads: ClassVar[tuple[Head, ...]] = ("linear",)
    losses: ClassVar[tuple[Loss, ...]] = ("huber",)
    step_score: ClassVar[str] = "nrmse"
    score_columns: ClassVar[tuple[str, str]] = ("value", "galaxies")
    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    columns_of_table: tuple[NumberColumn, ...]
    missing: tuple[str, ...] = ()
    labelling: str = ""

    @classmethod
    def fit(cls, targets: NumberTargets, training: NDArray[np.int64]) -> Self:
        """The task of predicting numbers, on the scales of the training galaxies."""
        numbers = targets.numbers[training]
        errors = None if targets.errors is None else targets.errors[training]
        columns = tuple(
            fit_column(name, numbers[:, index], None if errors is None else errors[:, index])
            for index, name in enumerate(targets.columns)
        )
        return cls(columns, targets.missing)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(column.name for column in self.columns_of_table)

    @property
    def known_mask(self) -> NDArray[np.bool_]:
        """(columns,) whether training had any value of each."""
        return np.array([column.known for column in self.columns_of_table])

    @property
    def output_scales(self) -> tuple[Doubles, Doubles]:
        """The mean and the standard deviation of each column among the training galaxies."""
        columns = self.columns_of_table
        means = np.array([column.mean for column in columns])
        return np.nan_to_num(means), np.array([column.spread for column in columns])

    @property
    def output_limits(self) -> tuple[Doubles, Doubles]:
        """The smallest and the largest value of each column among the training galaxies."""
        columns = self.columns_of_table
        low, high = ([getattr(each, end) for each in columns] for end in ("low", "high"))
        return np.array(low, np.float64), np.array(high, np.float64)

    @property
    def output_word(self) -> str:
        return "numbers" if self.count > 1 else "number"

    @property
    def outputs_are_shares(self) -> bool:
        return False

    @property
    def value_words(self) -> str:
        return "from the smallest to the largest value in training"

    @property
    def words(self) -> str:
        """What the outputs are, in a few words."""
        return f"numbers ({first_few(self.names)})"

    @property
    def groups(self) -> tuple[tuple[str, slice, tuple[str, ...]], ...]:
        """Each column by itself: they have units of their own."""
        return tuple(
            (column.words, slice(index, index + 1), (column.name,))
            for index, column in enumerate(self.columns_of_table)
        )

    @property
    def interval_names(self) -> tuple[str, ...]:
        """The columns."""
        return self.names

    @property
    def interval_groups(self) -> tuple[slice, ...]:
        """Each column by itself."""
        return tuple(slice(index, index + 1) for index in range(self.count))

    def to_interval_scale(self, values: Floats) -> Doubles:
        """0 to 1 between the smallest and the largest value of the training galaxies."""
        low, width = self._interval_scale()
        return np.asarray((np.asarray(values, np.float64) - low) / width)

    def from_interval_scale(self, values: Floats) -> Doubles:
        """The numbers, from the result of `to_interval_scale`."""
        low, width = self._interval_scale()
        return np.asarray(np.asarray(values, np.float64) * width + low)

    def _interval_scale(self) -> tuple[Doubles, Doubles]:
        low, high = self.output_limits
        low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 1.0)
        return low, np.where(high > low, high - low, 1.0)

    def interval_truth(self, targets: Targets) -> Doubles:
        """(galaxies, columns) the known numbers on the scale of the intervals."""
        return self.to_interval_scale(self.scorable(targets)[0])

    @property
    def interval_words(self) -> str:
        return "numbers"

    # Tables.

    def table_arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        """The columns of numbers that a table has, and what stands for unknown ones."""
        present = tuple(name for name in self.names if name in columns)
        wanted = [each for each in self.missing if _column_of(each) in ("", *present)]
        return {"numbers": present, "missing": tuple(wanted)} if present else {}

    @property
    def wanted(self) -> str:
        """What a table must have to be scored, in words."""
        return f"the column{'s' * (self.count > 1)} {first_few(self.names)}, of numbers"

    @property
    def target_hint(self) -> str | None:
        return "name the columns of numbers by `numbers`"

    def overlaps(self, targets: Targets) -> bool:
        """Whether any of the targets' columns is one of the task's."""
        return self.fits(targets) and bool(set(self.names) & set(targets.number_columns))

    def require_overlap(self, targets: Targets, source: str) -> None:
        """Refuse a table of other columns; see `Task.require_overlap`."""
        if not self.overlaps(targets):
            raise CatalogError(
                f"{source}: the run predicts none of its numbers",
                argument="numbers",
                wanted=f"some of {', '.join(self.names[:10])}",
                got=", ".join(targets.number_columns[:10]),
                hint="name the columns as in the training",
            )

    def columns(self, id_column: str, *, contest: bool = False) -> tuple[tuple[str, ...], None]:
        """A column for each number, named as in the training table."""
        if contest:
            raise OutputError(
                "the contest's layout holds one class for each image",
                wanted="a run that was trained on classes",
                got="a run that predicts numbers",
                hint="leave `layout='contest'` out",
            )
        taken = {id_column, *self.names}
        return tuple(
            free_name(name, taken, "_predicted") if name == id_column else name
            for name in self.names
        ), None

    @property
    def identity(self) -> object:
        """Equal for models of the same columns."""
        return self.kind, self.names, self.labelling

    def describe(self, beside: Task) -> str:
        """The columns."""
        return self.words

    def has_outputs_of(self, other: Task) -> bool:
        """Whether the outputs are the same columns."""
        return self.kind == other.kind and self.names == other.names

    def common(self, tasks: Sequence[Task]) -> Self:
        """The same columns, known where all tasks know them, with the mean of their scales."""
        of_tasks = [task.columns_of_table for task in tasks if isinstance(task, NumberTask)]
        columns = tuple(common_column(list(each)) for each in zip(*of_tasks, strict=True))
        return replace(self, columns_of_table=columns)

    def merge(self, other: Task) -> Self:
        """The columns that either task knows; the other's scales where this one has none."""
        assert isinstance(other, NumberTask), "of the same columns"
        pairs = zip(self.columns_of_table, other.columns_of_table, strict=True)
        merged = tuple(
            replace(first, low=min(first.low, second.low), high=max(first.high, second.high))
            if first.known and second.known
            else (first if first.known else second)
            for first, second in pairs
        )
        return replace(self, columns_of_table=merged)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "kind": self.kind,
            "columns": [
                {
                    name: value if isinstance(value, str) or math.isfinite(value) else None
                    for name, value in asdict(column).items()
                }
                for column in self.columns_of_table
            ],
            "missing": list(self.missing),
            **({"labelling": self.labelling} if self.labelling else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], source: str) -> Self:
        """A task from the result of `to_json`; see `Task.from_json`."""
        file = _File.model_validate(data)
        names = [column.name for column in file.columns]
        if not names or len(set(names)) < len(names):
            raise BundleError(
                f"{source}: the manifest is damaged",
                wanted="a column of numbers or several, each once",
                got=f"{len(names)}: {', '.join(names[:5])}",
            )
        columns = tuple(
            NumberColumn(
                column.name,
                math.nan if column.mean is None else column.mean,
                column.spread,
                -math.inf if column.low is None else column.low,
                math.inf if column.high is None else column.high,
                column.step,
                math.nan if column.error is None else column.error,
            )
            for column in file.columns
        )
        return cls(columns, tuple(file.missing), file.labelling)

    # Linear models.

    def linear_targets(self, values: Any) -> Doubles:
        """(galaxies, columns) the numbers in standard deviations from the mean."""
        return self.to_linear(np.asarray(values, dtype=np.float64))

    def from_linear(self, raw: Doubles) -> Doubles:
        """(galaxies, columns) numbers between the limits, from standard deviations."""
        mean, spread = self.output_scales
        return np.clip(raw * spread + mean, *self.output_limits)

    def to_linear(self, predictions: Doubles) -> Doubles:
        """(galaxies, columns) numbers in standard deviations from the mean."""
        mean, spread = self.output_scales
        return np.asarray((predictions - mean) / spread)

    def doubt(self, predictions: Doubles, values: Any, votes: float = VOTES) -> LabelDoubt:
        """Doubt in the errors of the table, where it states them, and those of the predictions."""
        errors = np.nan_to_num([column.error for column in self.columns_of_table])
        noise = np.broadcast_to(errors**2, np.shape(values))
        return doubt_numbers(predictions, np.asarray(values, np.float64), noise, self.names)

    def uncertainty(self, predictions: Doubles, widths: Doubles | None = None) -> Doubles:
        """(galaxies,) the mean width of the intervals: numbers alone do not say how sure it is.

        Raises
        ------
        ScoreError
            There are no intervals.
        """
        if widths is not None:
            return relative_width(widths)
        raise ScoreError(
            "predicted numbers do not say how sure the model is of them",
            wanted="predictions with intervals of a calibrated model",
            got="numbers alone",
            hint="predict with a calibrated model and `include=['uncertainty']`",
        )

    def uncertainty_words(self, value: float) -> str:
        """The width of the intervals, in units of their mean."""
        return f"interval {value:.3f} times as wide as the mean one"

    # Scores.

    def in_own_unit(self, score: Score) -> str:
        """The root mean square error of a single column, of which the NRMSE is known."""
        if self.count > 1:
            return ""
        (column,) = self.columns_of_table
        low, high = score.low * column.spread, score.high * column.spread
        return f"RMSE {score.value * column.spread:.3g} [{low:.3g}, {high:.3g}] in {column.name}"

    def simplest(self, galaxies: int) -> Floats:
        """(galaxies, columns) the mean of the training galaxies."""
        return np.broadcast_to(self.output_scales[0], (galaxies, self.count))

    def score(self, predictions: Any, values: Any, *, seed: int) -> NumberScores:
        """All scores of numbers (galaxies, columns); NaN in the truth is unknown."""
        return score_numbers(self.columns_of_table, predictions, values, seed=seed)

    def main_score(self, predictions: Any, values: Any, *, seed: int) -> Score:
        """The normalised root mean square error over all known entries."""
        return score_all_numbers(self.columns_of_table, predictions, values, seed=seed)

    def main_value(self, predictions: Any, values: Any) -> float:
        """The normalised root mean square error over all known entries."""
        return nrmse(self.columns_of_table, predictions, values)

    def losses_by_galaxy(self, predictions: Any, values: Any) -> NDArray[np.float64]:
        """(known galaxies,) each galaxy's sum of squared errors, in standard deviations."""
        sums, counts = normalised_errors(self.columns_of_table, predictions, values)
        return sums[counts > 0]

    def scorable(self, targets: Targets) -> tuple[Values, tuple[str, ...]]:
        """The numbers in the model's order, NaN of columns that the table lacks or training did."""
        names, table = targets.number_columns, targets.values()
        values = np.full((len(table), self.count), np.nan, dtype=np.float32)
        for index, column in enumerate(self.columns_of_table):
            if column.name in names and column.known:
                values[:, index] = table[:, names.index(column.name)]
        left_out = [
            name
            for name in names
            if name not in self.names or not self.columns_of_table[self.names.index(name)].known
        ]
        notes: tuple[str, ...] = ()
        if left_out:
            notes = (f"Columns that are not predicted do not count: {first_few(left_out)}.",)
        return values, notes

    def readable(self, predictions: Floats, values: Any) -> tuple[Any, tuple[str, ...]]:
        """The numbers unchanged: a prediction that is NaN makes the score NaN."""
        if np.isnan(values).all():
            raise ScoreError("nothing to score: the table has no number that the run predicts")
        return values, ()

    def noise_floor(self, values: Any, votes: float = VOTES) -> NoiseFloor | None:
        """The errors that the training table stated; None where it stated none."""
        columns = self.columns_of_table
        errors = [column.error for column in columns]
        entries = (~np.isnan(values)).sum(axis=0)
        stated = [i for i, error in enumerate(errors) if not math.isnan(error) and entries[i]]
        if not stated:
            return None
        squares = np.array([(errors[i] / columns[i].spread) ** 2 for i in stated])
        return NoiseFloor(
            value=float(np.sqrt(np.average(squares, weights=entries[stated]))),
            questions=(),
            answers=tuple(errors),
            votes=math.nan,
            counted=True,
            galaxies=int((~np.isnan(values[:, stated])).any(axis=1).sum()),
            entries=int(entries[stated].sum()),
            assumptions=(
                "the errors of the training table are standard errors: half the distance of its "
                "lower and upper limits",
                "they are as large for these galaxies",
            ),
        )

    # Scores in files and for people.

    def report_figures(self, report: ScoreReport) -> dict[str, Any]:
        """The scores in ``metrics.json`` of an evaluation."""
        return number_report_figures(self.columns_of_table, report)

    def report_rows(self, report: ScoreReport) -> list[tuple[object, ...]]:
        """The rows of ``scores.csv`` of an evaluation: all, each column."""
        return number_report_rows(self.columns_of_table, report)

    def print_report(self, report: ScoreReport) -> PrintedScores:
        """The scores as an evaluation prints them."""
        return print_number_report(self.columns_of_table, report)

    def figures(self, scores: NumberScores, subsets: Sequence[ScoredSubset]) -> dict[str, Any]:
        """The scores of a baseline in ``metrics.json``."""
        return number_figures(self.columns_of_table, scores)

    def rows(
        self, scores: NumberScores, subsets: Sequence[ScoredSubset]
    ) -> Iterator[tuple[str, str, str, Score, int]]:
        """All columns together, then the errors of each."""
        return number_rows(self.columns_of_table, scores)

    def compare(
        self, named: Sequence[tuple[str, Scores, Sequence[ScoredSubset]]]
    ) -> tuple[TextTable, ...]:
        """Errors, a predictor a row."""
        return compare_number_scores(self.columns_of_table, named)


def _column_of(missing: str) -> str:
    """The column that a value of `missing` is for; empty where it is for all."""
    return missing.rpartition("=")[0]
