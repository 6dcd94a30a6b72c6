"""`evaluate`: score a run on galaxies of known votes or classes, beside the simplest predictor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Part, public
from galaxyclass.arrays import Doubles
from galaxyclass.calibration.coverage import Coverage
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.dataset.scored import choose, read_galaxies
from galaxyclass.evaluation.calibrated_coverage import calibrated_coverage
from galaxyclass.evaluation.evaluation import Evaluation, ScoredGalaxies
from galaxyclass.evaluation.files import EVALUATION_FILES, write_evaluation
from galaxyclass.evaluation.read_predictions import read_outputs, read_predicted
from galaxyclass.evaluation.used_galaxies import used_galaxies
from galaxyclass.io.journal import job_key
from galaxyclass.io.output import FolderOutput
from galaxyclass.io.result_files import PREDICTIONS
from galaxyclass.model.auxiliary import in_task
from galaxyclass.model.chunks import forget_predictions
from galaxyclass.model.ensemble import Ensemble, Member, common_auxiliary, common_task
from galaxyclass.model.extra_columns import check_include
from galaxyclass.model.image_source import ImageSource
from galaxyclass.model.job import PredictionSummary, predict_to_table
from galaxyclass.model.load import ModelSource, open_model
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.rows import open_rows
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted
from galaxyclass.tasks.scores.noise import VOTES
from galaxyclass.tasks.targets import Targets
from galaxyclass.tasks.task import Task

#: Galaxies on which the model's other labellings are tried, and how much smaller the error must be.
_TRIED, _CLEARLY = 200, 0.97


@public
def evaluate(
    model: ModelSource,
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path,
    part: Part = "unseen",
    votes: float = VOTES,
    include: Sequence[str] = (),
    options: InferenceOptions | None = None,
    seed: int = 0,
    overwrite: bool = False,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> Evaluation:
    """Predict galaxies whose votes or classes are known, and score the predictions.

    Writes ``predictions.csv`` (and ``predictions_failed.csv``), ``scores.csv`` and, last,
    ``metrics.json`` to the folder ``output``. When it is stopped, the same call goes on from there.
    Where the model has conformal intervals, the share of the true fractions that they hold is
    measured too.

    Parameters
    ----------
    model : str, Path, Model or a sequence of them
        The folder of a run, a bundle, an exported network, or ``"pretrained"``; several are an
        ensemble.
    images : Dataset, str or Path
        A data set; or the folder of the images.
    table : str, Path or a table in memory, optional
        With a folder: what is known of its images (see `Dataset`).
        Rows without an image are left out.
    output : str or Path
        A folder.
    part : {"unseen", "train", "validation", "test", "all"}
        Which galaxies: by default those that the model was not trained on, neither under their id
        nor as the same image under another id. Of an ensemble no member was. The pretrained
        model does not say what it was trained on: it needs ``all``, for galaxies that you know
        were not.
    include : sequence of {"five_classes", "uncertainty", "strangeness", "embedding"}
        Extra columns of ``predictions.csv``, as for `galaxyclass.predict`.
    options, progress
        As for `galaxyclass.model.predict`.
    overwrite : bool
        Replace the files in ``output`` where they exist.
    quote_formulas : bool
        As for `galaxyclass.predict`, of every CSV that is written.
    seed : int
        Of the bootstrap intervals.
    votes : float
        Volunteers of a galaxy, from which the noise floor is computed.

    Raises
    ------
    OutputError
        Its files exist already, or cannot be written.
    InvalidCatalogError
        The table has errors, and ``skip_invalid`` is False.
    CatalogError
        The table cannot be understood, or does not have what the model predicts.
    ArgumentError
        A wrong argument.
    RunError
        No galaxy is left; or the model does not say which galaxies it was trained on.
    ImageError
        No image could be decoded: the list of failures alone is written.
    ScoreError
        Nothing is known of any of the galaxies.
    BundleError, MissingExtraError, DeviceError, PredictionInterruptedError
        As for `galaxyclass.model.predict`.
    """
    include = check_include(include)
    dataset, output = as_dataset(images, table), Path(output)
    model = open_model(model, options)
    key = job_key(
        "evaluate",
        models=[str(source.absolute()) for source in model.sources],
        dataset=dataset.identity,
        part=part,
        views=model.views,
        labelling=model.options.labelling,
        seed=seed,
        votes=votes,
        include=include,
        **({"quote_formulas": True} if quote_formulas else {}),
    )
    results = FolderOutput(output, EVALUATION_FILES, key, overwrite)
    results.require_free()
    bundles, used = model.bundles, used_galaxies(model, part)
    task, catalog, notes = read_galaxies(common_task(bundles), common_auxiliary(bundles), dataset)
    catalog, parts, chosen = choose(catalog, used, part, model.options.workers, progress)
    members, of_members = _members(model, task)
    with results.claim():
        images_and_ids = ImageSource(catalog.paths.tolist(), catalog.ids.values.tolist())
        prediction = predict_to_table(
            open_rows(Ensemble(members, model.options.views), images_and_ids, include),
            output / PREDICTIONS,
            model.options,
            progress=progress,
            keep_journal=True,
            quote_formulas=quote_formulas,
        )
        id_column = bundles[0].manifest.id_column
        galaxies, failed = _read(task, id_column, catalog, prediction, parts, quoted=quote_formulas)
        predictions, targets = galaxies.predictions, galaxies.catalog.targets
        assert targets is not None, "read_galaxies refuses catalogs without targets"
        report = task.evaluate(predictions, targets, seed=seed, votes=votes)
        coverage, not_measured = _coverage(model, task, predictions, targets)
        others = _other_labellings(model, task, galaxies)
        evaluation = Evaluation(
            models=model.sources,
            digests=tuple(bundle.manifest.digest for bundle in bundles),
            dataset=dataset,
            task=task,
            part=part,
            report=report,
            galaxies_by_part=dict(Counter(galaxies.parts.tolist())),
            prediction=prediction,
            notes=(*notes, *of_members, *chosen, *failed, *report.notes, *not_measured, *others),
            coverage=coverage,
            galaxies=galaxies,
        )
        write_evaluation(evaluation, output, quote_formulas=quote_formulas)
        forget_predictions(prediction.output)
    return evaluation


def _coverage(
    model: Model, task: Task, predictions: Doubles, targets: Targets
) -> tuple[Coverage | None, list[str]]:
    """What the intervals hold; none of another labelling, of which `predict` gives none either."""
    if model.bundles != model.originals:
        calibrated = any(bundle.has("calibration") for bundle in model.originals)
        note = "The model's intervals are those of its own labelling, and are not measured here."
        return None, [note] if calibrated else []
    return calibrated_coverage(model.bundles, task, predictions, targets)


def _members(model: Model, task: Task) -> tuple[list[Member], list[str]]:
    """The networks that predict a task, and notes where it is not what the model is asked for."""
    members, notes = list(model.members), []
    if task in common_auxiliary(model.bundles):
        members = [in_task(member, task) for member in members]
        kind = common_task(model.bundles).kind
        notes.append(f"The {task.kind} are an auxiliary task of the run, beside its {kind}.")
    if (labelling := model.options.labelling) is not None:
        notes.append(f"Predicted in the labelling {labelling!r}.")
    return members, notes


def _read(
    task: Task,
    id_column: str,
    catalog: Catalog,
    prediction: PredictionSummary,
    parts: NDArray[np.object_],
    *,
    quoted: bool,
) -> tuple[ScoredGalaxies, list[str]]:
    """Read the predictions from their file, quoted or not; and notes on what is left out."""
    notes = []
    if prediction.failed:
        notes.append(f"Not scored, since not decodable: {counted(prediction.failed, 'image')}.")
    table, scored = read_predicted(
        prediction.output, task, id_column, catalog.ids.values.tolist(), quoted=quoted
    )
    columns, label = task.columns(id_column)
    predictions = task.from_shown(read_outputs(table, columns, prediction.output))
    predicted_columns = {id_column, *columns, label}
    included = table.select([name for name in table.column_names if name not in predicted_columns])
    return ScoredGalaxies(catalog.take(scored), parts[scored], predictions, included), notes


def _other_labellings(model: Model, task: Task, galaxies: ScoredGalaxies) -> list[str]:
    """Labellings that fit a table better than the predicted one: tried on some galaxies."""
    if model.options.labelling is not None or task != common_task(model.bundles):
        return []
    chosen = np.arange(min(len(galaxies.catalog), _TRIED))
    catalog, targets = galaxies.catalog.take(chosen), galaxies.catalog.take(chosen).targets
    assert targets is not None, "read_galaxies refuses catalogs without targets"
    values, _ = task.scorable(targets)
    predicted_value = task.main_value(galaxies.predictions[chosen], values)
    notes = []
    for labelling in model.labellings:
        options = replace(model.options, labelling=labelling)
        other = Model(model.sources, model.originals, options, model.backends)
        predictions = other.predict([Path(path) for path in catalog.paths])
        if len(predictions) < len(chosen):
            continue
        value = task.main_value(task.from_shown(predictions.values.astype(np.float64)), values)
        if task.metric.error(value) < _CLEARLY * task.metric.error(predicted_value):
            notes.append(
                f"In the labelling {labelling!r}, which the model has learnt too, the "
                f"{task.metric.label} of the first {counted(len(chosen), 'galaxy')} is {value:.4f} "
                f"instead of {predicted_value:.4f}: if that is how the table was made, pass "
                f"`labelling={labelling!r}`."
            )
    return notes
