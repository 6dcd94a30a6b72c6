"""The model that was finetuned on the labels of the page, while the page uses it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from galaxyclass.io.reading import parse_json, read_description
from galaxyclass.io.run_folder import METRICS
from galaxyclass.model.model import Model
from galaxyclass.serving.batches import Upload, predict_uploads
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.remembered import Remembered
from galaxyclass.serving.views import GalaxyView, view_of

#: Galaxies whose predictions are remembered.
_REMEMBERED = 2_000


@dataclass(frozen=True)
class LabelRun:
    """A model that was finetuned on the labels: where it lies, and how good it is.

    Attributes
    ----------
    folder : Path
    galaxies : int
        With labels.
    label : str
        What the score is called.
    value, low, high : float
        Its score by cross-validation, and the 95 % interval.
    simplest : str
        The predictor that any model has to beat, in words.
    reference : float
        Its score.
    """

    folder: Path
    galaxies: int
    label: str
    value: float
    low: float
    high: float
    simplest: str
    reference: float

    @property
    def words(self) -> str:
        """Its score in a sentence."""
        return (
            f"{self.galaxies:,} labelled galaxies; {self.label} {self.value:.2f} "
            f"({self.low:.2f} to {self.high:.2f}) on galaxies that it had not learnt, by "
            f"cross-validation. The {self.simplest} alone has {self.reference:.2f}"
        )


def label_run(folder: Path, model: Model) -> LabelRun:
    """What a folder that `galaxyclass.finetune` wrote says of its model."""
    part = parse_json(read_description(folder / METRICS))["parts"]["out_of_fold"]
    metric = model.task.metric
    return LabelRun(
        folder=folder,
        galaxies=part["galaxies"],
        label=metric.label,
        value=part["value"],
        low=part["low"],
        high=part["high"],
        simplest=metric.simplest,
        reference=part["reference"],
    )


@dataclass(frozen=True)
class ViewsByLabels:
    """What the model of the labels says of some pictures.

    Attributes
    ----------
    run : LabelRun
    views : tuple of (GalaxyView or None)
        None where there is no picture, or it cannot be decoded.
    table : pyarrow.Table
        A row for each picture.
    """

    run: LabelRun
    views: tuple[GalaxyView | None, ...]
    table: pa.Table


class LabelModel:
    """The model of the labels; there is none at first."""

    def __init__(self) -> None:
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._used: tuple[Model, LabelRun] | None = None
        self._views = Remembered[GalaxyView | None](_REMEMBERED)

    @property
    def run(self) -> LabelRun | None:
        """What is used; None where nothing is."""
        with self._lock:
            return None if self._used is None else self._used[1]

    def use(self, model: Model, run: LabelRun) -> None:
        """Use a model from now on."""
        with self._lock:
            self._used = (model, run)

    def release(self) -> None:
        """Use none from now on."""
        with self._lock:
            self._used = None

    def of_uploads(self, uploads: Sequence[Upload], limits: Limits) -> ViewsByLabels | None:
        """What it says of pictures that were sent; None where no model is used."""
        with self._lock:
            used = self._used
        if used is None:
            return None
        model, run = used
        answers = predict_uploads(model, uploads, (), limits, self._turn)
        table = answers.table
        if table.num_columns:  # a row without a number is null in all columns
            table = table.take(pa.array(answers.rows, pa.int64()))
        cells = table.to_pylist()
        views = tuple(
            None if row is None else view_of(model.task, "", cells[number])
            for number, row in enumerate(answers.rows)
        )
        return ViewsByLabels(run, views, table)

    def of_files(self, paths: Sequence[Path | None]) -> tuple[GalaxyView | None, ...]:
        """What it says of files; None where there is no file, no picture in it, or no model."""
        with self._lock:
            used = self._used
        if used is None:
            return (None,) * len(paths)
        model, run = used
        keys = {path: f"{run.folder} {path}" for path in paths if path is not None}
        missing = [path for path, key in keys.items() if self._views.find(key) is None]
        found: dict[Path, GalaxyView] = {}
        if missing:
            with self._turn:
                predictions = model.predict(list(map(str, missing)))
            rows = predictions.table.drop_columns([predictions.columns.id_column]).to_pylist()
            for index, cells in zip(predictions.indices.tolist(), rows, strict=True):
                found[missing[index]] = view_of(model.task, "", cells)
                self._views.put(keys[missing[index]], found[missing[index]])
        return tuple(
            None if path is None else found.get(path) or self._views.find(keys[path])
            for path in paths
        )
