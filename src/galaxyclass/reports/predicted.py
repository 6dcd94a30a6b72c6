"""`PredictedFolder`: a model's predictions of images without labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from galaxyclass.arrays import Doubles
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.evaluation.read_predictions import read_outputs, read_predicted
from galaxyclass.model.image_source import ImageSource
from galaxyclass.model.job import PredictionSummary, predict_to_table
from galaxyclass.model.model import Model
from galaxyclass.model.rows import open_rows
from galaxyclass.progress import Progress
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.reports.scored import picture_settings, strangeness_of
from galaxyclass.tasks.task import Task


@dataclass(frozen=True)
class PredictedFolder:
    """Images, and what a model predicts of those that could be decoded.

    Attributes
    ----------
    name : str
        Of the model.
    model : Model
    catalog : Catalog
        Of the images with a prediction, in order.
    predictions : (images, outputs) float64
        As a network gives them; NaN unknown.
    strangeness : (images,) float64 or None
        The out-of-distribution score; None of a model without one.
    summary : PredictionSummary
    """

    name: str
    model: Model
    catalog: Catalog
    predictions: Doubles
    strangeness: Doubles | None
    summary: PredictionSummary

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.model.task

    @property
    def preprocessing(self) -> Preprocessing:
        """From an image to a picture of what the model sees."""
        return picture_settings(self.model)

    def __len__(self) -> int:
        return len(self.predictions)


def extra_columns(model: Model) -> tuple[str, ...]:
    """The extra columns that a report wants of a model, as far as it has them."""
    from galaxyclass.calibration.files import parse_calibration

    bundle = model.bundles[0]
    if len(model.bundles) > 1 or not bundle.has("calibration") or model.bundles != model.originals:
        return ()
    calibration = parse_calibration(bundle.read_calibration(), str(bundle.calibration))
    return () if calibration.out_of_distribution is None else ("strangeness",)


def predict_folder(
    name: str,
    model: Model,
    catalog: Catalog,
    output: Path,
    progress: Progress,
    *,
    quote_formulas: bool,
) -> PredictedFolder:
    """Predict the images of a catalog into a file, and read the numbers.

    Raises
    ------
    ImageError
        None of the images could be decoded.
    OutputError, BundleError, MissingExtraError, DeviceError, PredictionInterruptedError
        As for `galaxyclass.predict`.
    """
    source = ImageSource(catalog.paths.tolist(), catalog.ids.values.tolist())
    summary = predict_to_table(
        open_rows(model.ensemble, source, extra_columns(model), name=model.name),
        output,
        model.options,
        progress=progress,
        keep_journal=True,
        quote_formulas=quote_formulas,
    )
    task, id_column = model.task, model.bundles[0].manifest.id_column
    table, rows = read_predicted(
        output, task, id_column, catalog.ids.values.tolist(), quoted=quote_formulas
    )
    columns, _ = task.columns(id_column)
    return PredictedFolder(
        name,
        model,
        catalog.take(rows),
        task.from_shown(read_outputs(table, columns, output)),
        strangeness_of(table),
        summary,
    )
