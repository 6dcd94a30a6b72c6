"""The public functions: `train` a recipe, or `resume` a run."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyclass.arguments import Device, Settings, public
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.dataset.parts import read_split, write_left_out, write_split
from galaxyclass.data.dataset.samples import Parts, Samples, prepare_all
from galaxyclass.data.unused import Unused
from galaxyclass.errors import CatalogError, RecipeError, RunError, StoppedError
from galaxyclass.images.survey_limits import with_survey_limits
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import discard_folder, require_new, write_text, writing_folder
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.networks.weights import write_weights
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.read import as_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.recipes.settings import as_assignments
from galaxyclass.short import short_path, summary
from galaxyclass.training.devices import accelerator_of
from galaxyclass.training.history import draw_history, read_history
from galaxyclass.training.job import TrainingJob, make_job
from galaxyclass.training.processes import place_of_process
from galaxyclass.training.resolve import require_encoder
from galaxyclass.training.run import (
    RunInfo,
    begun_run,
    read_run,
    remove_lone_recipe,
    require_same_recipe,
    write_run,
)
from galaxyclass.training.runtime_settings import RuntimeSettings, using
from galaxyclass.training.score import Metrics, score
from galaxyclass.version import __version__

if TYPE_CHECKING:
    from galaxyclass.training.fit import Fitted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A finished training: its folder and the scores of the kept epoch.

    ``unused`` is what of files, columns and rows was not used, and why.
    """

    folder: Path
    metrics: Metrics
    unused: tuple[Unused, ...] = ()

    def __repr__(self) -> str:
        metrics = self.metrics
        parts = "; ".join(
            f"{part} {metrics.score} {figures['value']:.4f} "
            f"[{figures['low']:.4f}, {figures['high']:.4f}]"
            for part, figures in metrics.parts.items()
        )
        epochs = f"epoch {metrics.kept_epoch} of {metrics.epochs}"
        return summary(f"Trained {short_path(self.folder)}, {epochs}: {parts}")


@public
def train(
    recipe: str | Path | Recipe,
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path,
    settings: Settings = (),
    device: Device = "auto",
    devices: int = 1,
    workers: int | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train a recipe on galaxies.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A shipped recipe's name, a TOML file, or a recipe.
    images : Dataset, str or Path
        A data set; or a folder of images, searched with its sub-folders.
    table : str, Path or a table in memory, optional
        With a folder of images: their votes or classes (see `Dataset`); without it each sub-folder
        of `images` is a class.
    output : str or Path
        The run's folder; must be empty or absent. If the same call was stopped, it goes on.
    settings : mapping or sequence of str
        Changes to the recipe: setting -> value, or ``section.key=value``.
    seed : int
        Of the split, the initial weights, the order, dropout and augmentation. The same seed,
        data, settings and machine give the same metrics.
    device : {"auto", "cpu", "cuda", "mps"}
    devices : int
        How many devices train together; each takes ``training.batch_size`` galaxies a step.
    workers : int, optional
        Processes that decode images; all cores by default.
    cache : str or Path, optional
        Where packs are kept; the user's cache folder by default.
    progress : Progress

    Returns
    -------
    Trained

    Raises
    ------
    RecipeError, CatalogError, OutputError, DeviceError
        An argument cannot be used; nothing is written then.
    InvalidCatalogError
        Galaxies with errors, and `skip_invalid` is off.
    TrainingInterruptedError
        Ctrl-C or SIGTERM; `resume` goes on.
    """
    folder = Path(output)
    if place_of_process(devices).number > 0:
        from galaxyclass.training.replicas import join_training, wait_for_run

        wait_for_run(folder)
        join_training(folder, device=device, devices=devices, cache=cache)
    dataset = as_dataset(images, table)
    arguments: dict[str, Any] = {
        "data": dataset.with_files(folder).to_json(),
        "seed": seed,
        "devices": devices,
    }
    begun = begun_run(folder, arguments)
    if str(recipe) == str(folder / run_folder.RECIPE):
        require_new(folder)  # the run would replace the user's own recipe
    recipe = as_recipe(recipe, settings)
    accelerator = accelerator_of(device)
    if begun is None:
        require_encoder(recipe)  # before all images are packed
    if recipe.images.limits == "survey":
        measured = with_survey_limits(recipe.images, dataset.as_read.files()[0])
        recipe = recipe.model_copy(update={"images": measured})
    samples = prepare_all(dataset, recipe.images, cache=cache, workers=workers, progress=progress)
    parts = samples.split(recipe.split, seed)
    job = make_job(
        recipe,
        samples,
        parts,
        settings=as_assignments(settings),
        seed=seed,
        device=accelerator,
        devices=devices,
    )
    if begun is not None:
        require_same_recipe(folder, job.recipe)
        log.info("%s was begun before with the same arguments, and goes on", folder)
        samples.require_same(begun[1].fingerprint, folder)
        trained = _go_on(folder, job, begun[1], progress)
        return replace(trained, unused=samples.unused)
    # Lightning takes seconds to import: what is wrong with a table or a recipe is told before.
    from galaxyclass.training.choose_runtime import choose_runtime

    chosen = choose_runtime(job)
    info = RunInfo(
        **arguments,
        fingerprint=samples.fingerprint,
        galaxies=_counts(parts),
        device=accelerator,
        command=sys.argv,
        runtime=chosen.to_json(),
    )
    _begin(folder, job, info, dataset, samples=samples, parts=parts)
    try:
        with using(chosen.runtime):
            trained = _train_to_the_end(folder, job, chosen.runtime, progress)
            return replace(trained, unused=samples.unused)
    except RecipeError:
        # The network cannot be built: there is nothing to resume.
        discard_folder(folder)
        raise


def _begin(
    folder: Path,
    job: TrainingJob,
    info: RunInfo,
    dataset: Dataset,
    *,
    samples: Samples,
    parts: Parts,
) -> None:
    """Write what a run is begun with. A kill leaves no run, or one that can be resumed."""
    left_out = [finding for sample in samples.tables for finding in sample.left_out]
    remove_lone_recipe(folder)
    with writing_folder(folder) as new:
        write_run(new, job.recipe, info)
        dataset.save_tables(new)
        if left_out:
            name = run_folder.LEFT_OUT
            write_left_out(new / name, left_out, named=folder / name)
        write_split(new / run_folder.SPLIT, samples.tables, parts)


@public
def resume(
    run: str | Path,
    *,
    device: Device | None = None,
    devices: int | None = None,
    workers: int | None = None,
    cache: str | Path | None = None,
    progress: Progress = silent,
) -> Trained:
    """Go on with a stopped training; its metrics become those of an uninterrupted one.

    Parameters
    ----------
    run : str or Path
        The run's folder.
    device, devices : optional
        By default those that the run was begun with.
    workers, cache, progress
        As in `train`.

    Raises
    ------
    RunError
        Not a run; finished already; its images or table have changed since.
    TrainingInterruptedError
        Ctrl-C or SIGTERM once more.
    """
    folder = Path(run)
    recipe, info = read_run(folder)
    device, devices = device or info.device, devices or info.devices
    if place_of_process(devices).number > 0:
        from galaxyclass.training.replicas import join_training

        join_training(folder, device=device, devices=devices, cache=cache)
    accelerator = accelerator_of(device)
    if (folder / run_folder.METRICS).exists():
        raise RunError(
            f"{folder}: this training is finished",
            hint="to train for longer, train again with `training.epochs=…` and another `output`",
        )
    try:
        samples = prepare_all(
            info.dataset, recipe.images, cache=cache, workers=workers, progress=progress
        )
    except CatalogError:
        info.require_sources(folder)
        raise
    samples.require_same(info.fingerprint, folder)
    parts = read_split(folder / run_folder.SPLIT, samples.tables)
    job = make_job(recipe, samples, parts, seed=info.seed, device=accelerator, devices=devices)
    return replace(_go_on(folder, job, info, progress), unused=samples.unused)


def _go_on(folder: Path, job: TrainingJob, info: RunInfo, progress: Progress) -> Trained:
    """Go on with a run whose galaxies are ready."""
    runtime = info.runtime_settings if job.device == info.device else None
    if runtime is not None and job.devices > 1:
        # The other processes read the settings from the run; only the threads may differ.
        runtime = replace(runtime, threads=0)
    if runtime is None or not runtime.possible(job.device):
        from galaxyclass.training.choose_runtime import choose_runtime

        runtime = choose_runtime(job).runtime
    with using(runtime):
        return _train_to_the_end(folder, job, runtime, progress)


def _counts(parts: Parts) -> dict[str, int]:
    """How many galaxies of the first table, and of the others for training, are in each part."""
    counts = {part: int((parts[0] == part).sum()) for part in dict.fromkeys(parts[0])}
    if len(parts) > 1:
        counts["also"] = sum(int((part_of == "train").sum()) for part_of in parts[1:])
    return counts


def _train_to_the_end(
    folder: Path, job: TrainingJob, runtime: RuntimeSettings, progress: Progress
) -> Trained:
    """Train, then write the bundle, the scores and the curves."""
    from galaxyclass.training.fit import fit_network

    try:
        fitted = fit_network(folder, job, runtime, progress)
    except StoppedError:
        if read_history(folder / run_folder.HISTORY):
            _draw(folder, job, None, None)
        raise
    recipe, task, ids = job.recipe, job.task, job.catalog.ids
    manifest = Manifest(
        recipe=recipe.name,
        preprocessing=recipe.images,
        model=recipe.model.model_copy(update={"weights": None, "pretrained": False}),
        task=task,
        id_column=ids.column,
        id_integer=ids.integer,
        weights_digest="",
        version=__version__,
        name_parts=job.catalog.name_parts,
        precision=runtime.precision,
        auxiliary=job.auxiliary,
        mirrors=not task.class_names
        or (recipe.augmentation.flip != "none" and not recipe.augmentation.mirror_pairs),
    )
    save_bundle(
        folder / run_folder.BUNDLE,
        manifest,
        {"weights": lambda path: write_weights(fitted.network, path)},
    )
    metrics = score(
        fitted.network,
        job,
        read_history(folder / run_folder.HISTORY),
        epoch=fitted.epoch,
        runtime=runtime,
    )
    _draw(folder, job, fitted, metrics)
    # Last: a run with this file is finished.
    write_text(folder / run_folder.METRICS, json.dumps(asdict(metrics), indent=1) + "\n")
    return Trained(folder, metrics)


def _draw(folder: Path, job: TrainingJob, fitted: Fitted | None, metrics: Metrics | None) -> None:
    metric, reference = job.task.metric, None
    if metrics is not None:
        reference = (metric.simplest, metrics.parts["validation"]["reference"])
    draw_history(folder, metric, None if fitted is None else fitted.epoch, reference)
