"""Out-of-fold predictions: each galaxy as predicted by the network that was not taught it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Device
from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.data.dataset.parts import write_split
from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.data.dataset.samples import Parts, Samples
from galaxyclass.data.leakage import OUT_OF_FOLD
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import write_text
from galaxyclass.model.bundle.load import Bundle, load_bundle
from galaxyclass.model.columns import columns_of, mask_unknown, tabulate
from galaxyclass.model.ensemble import common_auxiliary, common_task
from galaxyclass.model.predictions import Predictions
from galaxyclass.model.provenance import Provenance, make_provenance, with_provenance
from galaxyclass.networks.precision import compute_in_bfloat16, has_bfloat16
from galaxyclass.networks.weights import load_weights
from galaxyclass.recipes.read import recipe_toml
from galaxyclass.tasks.task import Task
from galaxyclass.training.combine import save_ensemble
from galaxyclass.training.run import read_run
from galaxyclass.training.score import predict_galaxies, score_part


@dataclass(frozen=True)
class FoldMetrics:
    """The content of `metrics.json`.

    Attributes
    ----------
    score : str
        The key of the task's `galaxyclass.tasks.metric.Metric`.
    parts : mapping
        Figures as in `galaxyclass.training.score.Metrics`. ``out_of_fold``: the training galaxies
        of the first table, each predicted by the network that was not taught it; its score is the
        score of the cross-validation. ``validation`` and, if there is one, ``test``: predicted by
        the mean of all networks.
    folds : sequence of mapping
        The figures of ``out_of_fold``, fold by fold.
    """

    score: str
    parts: Mapping[str, Mapping[str, Any]]
    folds: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class FoldedSamples:
    """The galaxies of a cross-validation.

    Attributes
    ----------
    samples : Samples
    parts : tuple of (galaxies,) of str
        ``train``, ``validation`` or ``test``, table by table.
    folds : tuple of (galaxies,) int64
        See `galaxyclass.data.dataset.folds.draw_folds`.
    """

    samples: Samples
    parts: Parts
    folds: tuple[NDArray[np.int64], ...]

    @property
    def table_names(self) -> tuple[str, ...]:
        """The files of the out-of-fold predictions, table by table."""
        count = len(self.samples.tables)
        others = (f"{OUT_OF_FOLD}_{number}.csv" for number in range(2, count + 1))
        return (f"{OUT_OF_FOLD}.csv", *others)


def write_out_of_fold(
    folder: Path, galaxies: FoldedSamples, runs: Sequence[Path], *, device: Device, seed: int
) -> FoldMetrics:
    """Predict and score the galaxies, and write tables, split, recipe, bundle and metrics.

    Parameters
    ----------
    folder : Path
    galaxies : FoldedSamples
    runs : sequence of Path
        Finished runs, in the order of the folds that they leave out.
    device : {"cpu", "cuda", "mps"}
    seed : int
        Of the bootstrap.
    """
    samples, parts, folds = galaxies.samples, galaxies.parts, galaxies.folds
    bundles = [load_bundle(run) for run in runs]
    task = common_task(bundles)
    predictions = _predict(samples, folds, bundles, device)
    auxiliary = common_auxiliary(bundles)
    for name, sample, number, values in zip(
        galaxies.table_names, samples.tables, _labellings(samples), predictions, strict=True
    ):
        of_table = task if number is None else auxiliary[number]
        provenance = make_provenance(bundles, folder.name, 1, bundles[0].manifest.precision)
        _write_table(folder / name, of_table, sample, values, provenance)
    write_split(folder / run_folder.SPLIT, samples.tables, parts, folds)
    recipe = read_run(runs[0])[0]
    split = recipe.split.model_copy(update={"fold": None})
    recipe = recipe.model_copy(update={"split": split})
    write_text(folder / run_folder.RECIPE, recipe_toml(recipe))
    save_ensemble(folder / run_folder.BUNDLE, bundles)
    metrics = _score(task, samples.first, parts[0], folds[0], predictions[0], seed=seed)
    write_text(folder / run_folder.METRICS, json.dumps(asdict(metrics), indent=1) + "\n")
    return metrics


def _labellings(samples: Samples) -> list[int | None]:
    """For each table in another labelling of the task, the number of that auxiliary task."""
    numbers: list[int | None] = [None] * len(samples.tables)
    for number, tables in enumerate(samples.auxiliary):
        for table in tables:
            if samples.first.targets.same_task(samples.tables[table].targets):
                numbers[table] = number
    return numbers


def _predict(
    samples: Samples,
    folds: Sequence[NDArray[np.int64]],
    bundles: Sequence[Bundle],
    device: Device,
) -> list[NDArray[np.float32]]:
    """The out-of-fold predictions (galaxies, outputs), table by table."""
    count = bundles[0].manifest.task.count
    predictions = [np.zeros((len(fold), count), dtype=np.float32) for fold in folds]
    for number, bundle in enumerate(bundles, 1):
        network = load_weights(bundle).networks[0].to(device)
        if bundle.manifest.precision == "bf16" and has_bfloat16(device):
            compute_in_bfloat16(network)
        for sample, fold, auxiliary, values in zip(
            samples.tables, folds, _labellings(samples), predictions, strict=True
        ):
            for rows, share in ((fold == number, 1), (fold == 0, len(bundles))):
                indices = np.flatnonzero(rows)
                if len(indices):
                    galaxies = Galaxies(
                        sample.pack.images, sample.rows[indices], sample.values(indices)
                    )
                    values[indices] += (
                        predict_galaxies(network, galaxies, device, auxiliary) / share
                    )
    return predictions


def _write_table(
    path: Path, task: Task, sample: Sample, values: NDArray[np.float32], provenance: Provenance
) -> None:
    ids = sample.catalog.ids
    columns = columns_of(task, ids.column, id_integer=ids.integer)
    table = tabulate(task, columns, ids.values.tolist(), mask_unknown(task, values))
    table = with_provenance(table, provenance)
    Predictions(table, task, columns, np.arange(len(values))).write(path, overwrite=True)


def _score(
    task: Task,
    sample: Sample,
    parts: NDArray[np.object_],
    folds: NDArray[np.int64],
    predictions: NDArray[np.float32],
    *,
    seed: int,
) -> FoldMetrics:
    """The scores of the first table."""
    values, _ = task.scorable(sample.targets)

    def figures(rows: NDArray[np.bool_]) -> dict[str, float | int]:
        return score_part(task, predictions[rows], values[rows], seed)

    out_of_fold = (parts == "train") & (folds > 0)
    scored = {OUT_OF_FOLD: figures(out_of_fold)}
    for part in ("validation", "test"):
        if (parts == part).any():
            scored[part] = figures(parts == part)
    numbers = np.unique(folds[out_of_fold]).tolist()
    by_fold = [{"fold": n, **figures(out_of_fold & (folds == n))} for n in numbers]
    return FoldMetrics(task.metric.key, scored, by_fold)
