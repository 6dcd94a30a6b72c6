"""A kind of target that the package does not have goes its whole way, from one class and one line.

Magnitudes that are learnt and scored as they are. All that the package does with a
table and with predictions is asked here of a kind that no file outside this one has heard of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Self, cast

import numpy as np
import pyarrow as pa
import pytest
import torch
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.data.catalog.catalog import Catalog, Ids
from galaxyclass.data.checks.checks import check
from galaxyclass.data.checks.report import ValidationReport
from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.data.dataset.samples import Samples
from galaxyclass.images.packs.read import Pack
from galaxyclass.model.bundle.manifest import Manifest, manifest_json, parse_manifest
from galaxyclass.model.checks import describe_problems, measure
from galaxyclass.model.columns import columns_of, tabulate
from galaxyclass.networks.heads import activation, resolve_head
from galaxyclass.networks.losses.masked import build_loss, resolve_loss
from galaxyclass.networks.step_scores import build_step_score
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import Head, Loss, NetworkSettings, Split, Training
from galaxyclass.tasks.cells import file_cells, interval_cell
from galaxyclass.tasks.kinds import TASKS, metric_named, metric_of_history
from galaxyclass.tasks.metric import Metric
from galaxyclass.tasks.report import PrintedScores, ScoredSubset, ScoreReport, TextTable
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.scores import Scores
from galaxyclass.tasks.scores.votes import errors_by_galaxy, rmse, score_all_votes
from galaxyclass.tasks.targets import Targets
from galaxyclass.tasks.task import Task

GALAXIES = 40


@dataclass(frozen=True)
class MagnitudeScores(Scores):
    error: Score
    galaxies: int

    @property
    def main(self) -> Score:
        return self.error


@dataclass(frozen=True)
class MagnitudeTask(Task):
    kind: ClassVar[str] = "magnitudes"
    metric: ClassVar[Metric] = Metric("error", "error", True, "mean", "mean_error")
    heads: ClassVar[tuple[Head, ...]] = ("sigmoid",)
    losses: ClassVar[tuple[Loss, ...]] = ("mse",)
    step_score: ClassVar[str] = "rmse"
    score_columns: ClassVar[tuple[str, str]] = ("error", "galaxies")
    bounds: ClassVar[tuple[float, float]] = (-np.inf, np.inf)

    column: str
    mean: float

    @classmethod
    def fit(cls, targets: MagnitudeTargets, training: NDArray[np.int64]) -> Self:
        return cls(targets.column, float(np.nanmean(targets.numbers[training])))

    @property
    def names(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def wanted(self) -> str:
        return f"a column {self.column!r} of numbers"

    @property
    def identity(self) -> object:
        return self.kind, self.column

    def describe(self, beside: Task) -> str:
        return f"the number {self.column!r}"

    def common(self, tasks: Sequence[Task]) -> Self:
        return self

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], source: str) -> Self:
        return cls(data["column"], data["mean"])

    def simplest(self, galaxies: int) -> Floats:
        return np.full((galaxies, 1), self.mean)

    def score(self, predictions: Any, values: Any, *, seed: int) -> MagnitudeScores:
        known = int((~np.isnan(values)).sum())
        return MagnitudeScores(score_all_votes(predictions, values, seed=seed), known)

    def main_value(self, predictions: Any, values: Any) -> float:
        return rmse(predictions, values)

    def losses_by_galaxy(self, predictions: Any, values: Any) -> NDArray[np.float64]:
        return errors_by_galaxy(predictions, values, [slice(None)])[0][:, 0]

    def scorable(self, targets: Targets) -> tuple[Any, tuple[str, ...]]:
        return targets.values(), ()

    def report_figures(self, report: ScoreReport) -> dict[str, Any]:
        return {"score": self.metric.key, "error": asdict(report.scores.error)}

    def report_rows(self, report: ScoreReport) -> list[tuple[object, ...]]:
        return [("name", "error", "low", "high"), (self.column, *file_cells(report.scores.error))]

    def print_report(self, report: ScoreReport) -> PrintedScores:
        (table,) = self.compare([("model", report.scores, ()), ("mean", report.reference, ())])
        return PrintedScores(table, (), f"error {report.scores.error.value:.4f}")

    def figures(self, scores: MagnitudeScores, subsets: Sequence[ScoredSubset]) -> dict[str, Any]:
        return {"error": asdict(scores.error)}

    def rows(
        self, scores: MagnitudeScores, subsets: Sequence[ScoredSubset]
    ) -> Iterator[tuple[str, str, str, Score, int]]:
        yield "all", "", self.column, scores.error, scores.galaxies

    def compare(
        self, named: Sequence[tuple[str, Scores, Sequence[ScoredSubset]]]
    ) -> tuple[TextTable, ...]:
        rows = tuple((name, interval_cell(scores.main)) for name, scores, _ in named)
        return (TextTable(("", "error"), rows),)


@dataclass(frozen=True)
class MagnitudeTargets(Targets):
    kind: ClassVar[str] = "magnitudes"

    column: str
    numbers: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.asarray(~np.isnan(self.numbers[:, 0]))

    def take(self, places: NDArray[np.int64]) -> Self:
        return replace(self, numbers=self.numbers[places])

    def values(self, places: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        return self.numbers if places is None else self.numbers[places]

    def blank(self, galaxies: int) -> NDArray[np.float32]:
        return np.full((galaxies, 1), np.nan, dtype=np.float32)

    def combine(
        self, values: Any, others: Sequence[tuple[NDArray[np.int64], Any]]
    ) -> NDArray[np.float32]:
        for places, more in others:
            values[places] = np.where(np.isnan(values[places]), more, values[places])
        return np.asarray(values)

    def same_task(self, other: Targets) -> bool:
        return self.summary() == other.summary()

    @property
    def words(self) -> str:
        return f"numbers, in column {self.column!r}"

    def describe(self) -> str:
        return self.words

    def summary(self) -> dict[str, Any]:
        return {"kind": self.kind, "column": self.column}


@pytest.fixture(autouse=True)
def line_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, MagnitudeTask.kind, MagnitudeTask)


@pytest.fixture
def sample() -> Sample:
    ids = np.array([str(number) for number in range(GALAXIES)], dtype=object)
    numbers = np.random.default_rng(0).normal(3, 1, (GALAXIES, 1)).astype(np.float32)
    numbers[7] = np.nan
    catalog = Catalog(
        ids=Ids("id", ids, integer=True),
        paths=np.array([f"{name}.jpg" for name in ids], dtype=object),
        rows=np.arange(GALAXIES, dtype=np.int64),
        targets=MagnitudeTargets("redshift", numbers),
        other=None,
        problems=(),
        unlisted=(),
        images=Path("images"),
        table=Path("redshifts.csv"),
    )
    digests = np.array([f"{number:016d}" for number in range(GALAXIES)], dtype="S16")
    places = np.arange(GALAXIES, dtype=np.int64)
    pack = SimpleNamespace(images=np.zeros((GALAXIES, 1, 1, 3), np.uint8))
    return Sample(catalog, (), cast(Pack, pack), places, digests)


def test_a_table_of_them_is_checked_and_described(sample: Sample) -> None:
    assert {finding.code for finding in check(sample.catalog)} == {"few_galaxies"}
    assert sample.catalog.known.sum() == GALAXIES - 1
    report = ValidationReport(sample.catalog, ())
    assert json.loads(report.to_json())["target"] == {"kind": "magnitudes", "column": "redshift"}


def test_their_values_are_part_of_the_fingerprint(sample: Sample) -> None:
    other = np.array(sample.values(sample.rows))
    other[3] += 1
    changed = replace(sample, catalog=replace(sample.catalog, targets=MagnitudeTargets("z", other)))
    assert changed.fingerprint != sample.fingerprint


def test_they_are_split_and_gathered(sample: Sample) -> None:
    samples = Samples((sample, sample))
    assert samples.auxiliary == ()
    parts = samples.split(Split(validation=0.25, test=0), seed=0)
    assert (parts[0] == "validation").sum() == GALAXIES // 4
    training = samples.galaxies(parts, "train")
    assert training.targets.shape == (GALAXIES * 3 // 4, 1)
    known = np.flatnonzero(parts[0] == "train")
    np.testing.assert_array_equal(training.targets, sample.values(known))
    assert samples.task(parts) == samples.first.task(known)


def test_its_manifest_is_written_and_read(sample: Sample) -> None:
    manifest = Manifest(
        recipe="fast",
        preprocessing=Preprocessing(size=32),
        model=NetworkSettings(encoder="residual", head="sigmoid"),
        task=sample.task(sample.rows),
        id_column="id",
        id_integer=True,
        weights_digest="",
        version="0.1.0",
    )
    assert parse_manifest(manifest_json(manifest), "test") == manifest


def test_its_predictions_are_laid_out_and_watched(sample: Sample) -> None:
    task = sample.task(sample.rows)
    columns = columns_of(task, "id", id_integer=True)
    values = np.linspace(-2, 9, 500, dtype=np.float32)[:, None]
    table = tabulate(task, columns, [str(number) for number in range(500)], values)
    assert table.schema == pa.schema({"id": pa.int64(), "redshift": pa.float32()})
    assert describe_problems(task, measure(task, values)) == ()
    (problem,) = describe_problems(task, measure(task, np.full_like(values, 3)))
    assert problem.startswith("Collapsed: the predictions of all 500 galaxies are exactly the same")


def test_a_network_learns_them(sample: Sample) -> None:
    task = sample.task(sample.rows)
    assert resolve_head("auto", task) == "sigmoid"
    assert resolve_loss("auto", task) == "mse"
    raw = torch.zeros((2, 1))
    predictions = activation("sigmoid", task)(raw)
    loss = build_loss(Training(loss="mse"), task)
    targets = torch.tensor([[1.5], [torch.nan]])
    assert float(loss(raw, predictions, targets)) == 1.0
    total, count = build_step_score(task).entries(predictions, targets)
    assert (float(total), int(count)) == (1.0, 1)


def test_its_predictions_are_scored_beside_the_simplest(sample: Sample) -> None:
    task = sample.task(sample.rows)
    truth = np.array(sample.values(sample.rows), dtype=np.float64)
    report = task.evaluate(truth + 0.5, sample.targets, seed=0)
    assert report.scores.main.value == pytest.approx(0.5)
    assert report.reference.main.value == pytest.approx(np.nanstd(truth))
    assert report.noise == {}
    assert task.report_rows(report)[1][:2] == ("redshift", "0.500000")
    assert task.print_report(report).summary == "error 0.5000"
    score, reference = task.score_beside_simplest(truth + 0.5, truth, seed=0)
    assert (score, reference) == (report.scores.main, report.reference.main.value)
    gain = task.gain(truth, truth)
    assert isinstance(task, MagnitudeTask)
    np.testing.assert_allclose(gain.sum(), np.nansum((truth - task.mean) ** 2))


def test_its_metric_is_found_by_its_key() -> None:
    assert metric_named("error") is MagnitudeTask.metric
    assert metric_of_history({"epoch": 1, "train_error": 0.5}) is MagnitudeTask.metric
