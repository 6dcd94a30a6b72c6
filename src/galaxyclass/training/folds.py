"""`train_folds`: networks that each leave out one fold of the training galaxies.

Together they predict every training galaxy by a network that was not taught it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Device, Settings, public
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.dataset.samples import prepare_all
from galaxyclass.data.leakage import OUT_OF_FOLD
from galaxyclass.errors import OutputError, RecipeError, StoppedError
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import require_new
from galaxyclass.io.journal import job_key, key_of_journal
from galaxyclass.io.output import UNFINISHED, FolderOutput
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.read import as_recipe, recipe_toml
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.recipes.settings import as_assignments
from galaxyclass.short import counted, short_path, summary, verb
from galaxyclass.tasks.kinds import metric_named
from galaxyclass.training.devices import accelerator_of
from galaxyclass.training.out_of_fold import FoldedSamples, FoldMetrics, write_out_of_fold
from galaxyclass.training.resolve import require_encoder
from galaxyclass.training.run import read_run
from galaxyclass.training.train import train

log = logging.getLogger(__name__)

#: The folder of the networks' runs, each named by the number of the fold that it leaves out.
RUNS = "runs"


@dataclass(frozen=True)
class TrainedFolds:
    """Networks that each left out one fold, and their out-of-fold predictions.

    Attributes
    ----------
    folder : Path
        Usable wherever a run is: the model of all networks, which predicts their mean.
    runs : tuple of Path
        The run of each network, in the order of the folds.
    tables : tuple of Path
        The out-of-fold predictions for each table of the data set, in their order.
    metrics : FoldMetrics
    """

    folder: Path
    runs: tuple[Path, ...]
    tables: tuple[Path, ...]
    metrics: FoldMetrics

    def __repr__(self) -> str:
        figures = self.metrics.parts[OUT_OF_FOLD]
        return summary(
            f"TrainedFolds {short_path(self.folder)}, {counted(len(self.runs), 'network')}: "
            f"out of fold {self.metrics.score} {figures['value']:.4f} "
            f"[{figures['low']:.4f}, {figures['high']:.4f}]"
        )


@public
def train_folds(
    recipe: str | Path | Recipe,
    images: Dataset | str | Path,
    table: Any = None,
    *,
    folds: int,
    output: str | Path,
    settings: Settings = (),
    device: Device = "auto",
    workers: int | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
    progress: Progress = silent,
) -> TrainedFolds:
    """Cross-validation: train networks that each leave out one fold of the training galaxies.

    The galaxies held out for validation and test are those of `train` with the same recipe, data
    set and seed; no network is taught them. The other galaxies with votes (or classes) are dealt to
    the folds, equal images to one fold. After an interruption the same call goes on.

    Parameters
    ----------
    recipe, images, table, settings, device, workers, seed, cache, progress
        As for `train`.
    folds : int
        How many folds, and so networks.
    output : str or Path
        A new folder, or that of the same call to go on with. It gets ``out_of_fold.csv``: in the
        layout of the training table, each galaxy as predicted by the network that was not taught
        it, and by the mean of all networks where none was. Further tables of the data set have
        ``out_of_fold_2.csv`` and so on, in their own labelling where they have one. ``runs/`` has
        the run of each network; the folder itself is usable as a run, that of the networks' mean.

    Returns
    -------
    TrainedFolds

    Raises
    ------
    RecipeError, CatalogError, InvalidCatalogError, DeviceError
        As for `train`.
    OutputError
        The folder holds something else, or was begun with other arguments.
    RunError
        The images or the table have changed since it was begun.
    StoppedError
        Ctrl-C or SIGTERM; the same call goes on.
    """
    folder, dataset = Path(output), as_dataset(images, table)
    whole = as_recipe(recipe, settings)
    if whole.split.fold is not None:
        raise RecipeError(
            f"split.fold={list(whole.split.fold)}: all folds are trained, one after the other",
            hint="leave out split.fold, or train that fold alone by `galaxyclass.train`",
        )
    key = job_key(
        "train_folds", recipe=recipe_toml(whole), dataset=dataset.identity, folds=folds, seed=seed
    )
    _require_free(folder, key)
    accelerator = accelerator_of(device)
    require_encoder(whole)
    samples = prepare_all(dataset, whole.images, cache=cache, workers=workers, progress=progress)
    parts = samples.split(whole.split, seed)
    galaxies = FoldedSamples(samples, parts, samples.folds(parts, folds, whole.split, seed))
    runs = tuple(folder / RUNS / str(number + 1) for number in range(folds))
    results = (f"{RUNS}/1", *galaxies.table_names, run_folder.METRICS)
    with FolderOutput(folder, results, key, overwrite=False).claim():
        for number, run in enumerate(runs, 1):
            if (run / run_folder.METRICS).is_file():
                samples.require_same(read_run(run)[1].fingerprint, run)
                continue
            try:
                trained = train(
                    whole,  # read once: a file may change meanwhile
                    dataset,
                    output=run,
                    settings=[*as_assignments(settings), f"split.fold=[{number}, {folds}]"],
                    device=accelerator,
                    workers=workers,
                    seed=seed,
                    cache=cache,
                    progress=_of_fold(progress, number, folds),
                )
            except StoppedError as error:
                raise StoppedError(
                    f"stopped; {number - 1} of {folds} networks {verb(number - 1, 'is')} trained",
                    hint="the same again goes on from there",
                ) from error
            figures = trained.metrics.parts[OUT_OF_FOLD]
            label = metric_named(trained.metrics.score).label
            log.info("fold %d of %d, out of fold: %s %.4f", number, folds, label, figures["value"])
        metrics = write_out_of_fold(folder, galaxies, runs, device=accelerator, seed=seed)
    tables = tuple(folder / name for name in galaxies.table_names)
    return TrainedFolds(folder, runs, tables, metrics)


def _require_free(folder: Path, key: str) -> None:
    """Refuse a folder that is used, unless by the same call that was stopped."""
    journal = folder / UNFINISHED
    if not journal.is_file():
        require_new(folder)
    elif (folder / RUNS).exists() and key_of_journal(journal) != key:
        raise OutputError(
            f"{folder}: folds were begun here with other arguments",
            hint="give the same arguments to go on, or choose another `output`",
        )


def _of_fold(progress: Progress, number: int, folds: int) -> Progress:
    """Progress of one of the trainings, as a stage of its own."""

    def show(
        stage: str, done: int, total: int | None, *, unit: str = "images", note: str = ""
    ) -> None:
        stage = f"fold {number}/{folds}" if stage == "train" else stage
        progress(stage, done, total, unit=unit, note=note)

    return show
