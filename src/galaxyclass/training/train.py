"""The public functions: `train` a recipe, or `resume` a run."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import galaxyclass.training.run as files
from galaxyclass.atomic import write_text
from galaxyclass.bundles import Manifest, Outputs, VoteOutputs, save_bundle
from galaxyclass.errors import RecipeError, RunError, StoppedError
from galaxyclass.losses import Task, resolve_loss
from galaxyclass.models import resolve_head, write_weights
from galaxyclass.plots import curves, save
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes import Recipe, load_recipe
from galaxyclass.samples import (
    Sample,
    Source,
    prepare,
    read_split,
    split_parts,
    write_left_out,
    write_split,
)
from galaxyclass.training.data import Galaxies
from galaxyclass.training.devices import Device, accelerator_of
from galaxyclass.training.fit import Fitted, fit
from galaxyclass.training.history import read_history
from galaxyclass.training.run import RunInfo, new_run, read_run, refuse_used
from galaxyclass.training.score import Metrics, score
from galaxyclass.version import __version__

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A finished training: its folder and the scores of the epoch that was kept."""

    folder: Path
    metrics: Metrics


def train(
    recipe: str | Path | Recipe,
    images: str | Path,
    table: str | Path | None = None,
    *,
    output: str | Path,
    settings: Sequence[str] = (),
    id_column: str | None = None,
    target_column: str | None = None,
    skip_invalid: bool = False,
    seed: int = 0,
    device: Device = "auto",
    workers: int | None = None,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train a recipe on images and a table.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A shipped recipe's name, a TOML file, or a recipe.
    images : str or Path
        Folder of images, searched with its sub-folders.
    table : str or Path, optional
        CSV or parquet; without it each sub-folder of `images` is a class.
    output : str or Path
        The run's folder; must be empty or absent.
    settings : sequence of str
        Changes to the recipe, ``section.key=value`` each.
    id_column, target_column : str, optional
        Columns of the table, where the rule of `read_catalog` does not find them.
    skip_invalid : bool
        Leave out galaxies with errors (listed in ``left_out.csv``) instead of refusing them all.
    seed : int
        Of the split, the initial weights, the order, dropout and augmentation. The same seed,
        data, settings and machine give the same metrics.
    device : {"auto", "cpu", "cuda", "mps"}
    workers : int, optional
        Processes that decode images; all cores by default.
    cache : Path, optional
        Where packs are kept; the user's cache folder by default.
    progress : Progress

    Returns
    -------
    Trained

    Raises
    ------
    RecipeError, CatalogError, OutputError, DeviceError
        Something that was given cannot be used; nothing is written then.
    InvalidCatalogError
        Galaxies with errors, and `skip_invalid` is off.
    TrainingInterruptedError
        Ctrl-C or SIGTERM; `resume` goes on.
    """
    folder = Path(output)
    refuse_used(folder)
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, settings)
    accelerator = accelerator_of(device)
    source = Source(
        Path(images),
        None if table is None else Path(table),
        id_column,
        target_column,
        skip_invalid,
    )
    sample = prepare(source, recipe.images, cache=cache, workers=workers, progress=progress)
    parts = split_parts(sample, recipe.split, seed)
    recipe = _resolved(recipe, sample.outputs(_where(parts, "train")), settings)
    new_run(
        folder,
        recipe,
        RunInfo(
            images=str(source.images.resolve()),
            table=None if source.table is None else str(source.table.resolve()),
            id_column=id_column,
            target_column=target_column,
            skip_invalid=skip_invalid,
            seed=seed,
            fingerprint=sample.fingerprint,
            galaxies={part: int((parts == part).sum()) for part in dict.fromkeys(parts)},
            device=accelerator,
            command=sys.argv,
        ),
    )
    if sample.left_out:
        write_left_out(folder / files.LEFT_OUT, sample.left_out)
    write_split(folder / files.SPLIT, sample, parts)
    return _finish(folder, recipe, sample, parts, seed=seed, device=device, progress=progress)


def resume(
    run: str | Path,
    *,
    device: Device = "auto",
    workers: int | None = None,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Trained:
    """Go on with a training that was stopped; its metrics become those of an uninterrupted one.

    Parameters
    ----------
    run : str or Path
        The run's folder.
    device, workers, cache, progress
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
    if (folder / files.METRICS).exists():
        raise RunError(
            f"{folder}: this training is finished",
            todo="to train for longer, train again with --set training.epochs=N and another "
            "--output",
        )
    source = Source(
        Path(info.images),
        None if info.table is None else Path(info.table),
        info.id_column,
        info.target_column,
        info.skip_invalid,
    )
    sample = prepare(source, recipe.images, cache=cache, workers=workers, progress=progress)
    if sample.fingerprint != info.fingerprint:
        raise RunError(
            f"{folder}: its images or table have changed since it was begun",
            wanted=f"data with the fingerprint {info.fingerprint}",
            got=sample.fingerprint,
            todo="put the data back, or train again to another --output",
        )
    if (folder / files.SPLIT).exists():
        parts = read_split(folder / files.SPLIT, sample)
    else:  # killed in the moment between the two files: the seed gives the same split
        parts = split_parts(sample, recipe.split, info.seed)
        write_split(folder / files.SPLIT, sample, parts)
    return _finish(folder, recipe, sample, parts, seed=info.seed, device=device, progress=progress)


def _finish(
    folder: Path,
    recipe: Recipe,
    sample: Sample,
    parts: NDArray[np.object_],
    *,
    seed: int,
    device: Device,
    progress: Progress,
) -> Trained:
    """Train to the end and write what a run ends with."""
    places = {part: _where(parts, part) for part in dict.fromkeys(parts)}
    outputs = sample.outputs(places["train"])
    galaxies = {
        part: Galaxies(
            sample.pack.images, sample.rows[where], torch.from_numpy(sample.values(where))
        )
        for part, where in places.items()
    }
    try:
        fitted = fit(folder, recipe, outputs, galaxies, seed=seed, device=device, progress=progress)
    except StoppedError:
        if read_history(folder / files.HISTORY):
            _draw(folder, outputs, None, None)
        raise
    _save(folder, recipe, outputs, sample, fitted)
    metrics = score(
        fitted.network,
        outputs,
        {part: galaxies[part] for part in galaxies if part != "train"},
        epoch=fitted.epoch,
        history=read_history(folder / files.HISTORY),
        seed=seed,
    )
    _draw(folder, outputs, fitted, metrics)
    # Last of all: a run that has this file is finished.
    write_text(folder / files.METRICS, json.dumps(asdict(metrics), indent=1) + "\n")
    return Trained(folder, metrics)


def _resolved(recipe: Recipe, outputs: Outputs, settings: Sequence[str]) -> Recipe:
    """The recipe with its head and loss as the table needs them; says where they differ.

    Raises
    ------
    RecipeError
        The user asked for a head or a loss that does not suit the table.
    """
    task: Task = "votes" if isinstance(outputs, VoteOutputs) else "classes"
    head = resolve_head(recipe.model.head, outputs)
    loss = resolve_loss(recipe.training.loss, task)
    asked_for = {setting.partition("=")[0].strip() for setting in settings}
    for key, stated, taken in (
        ("model.head", recipe.model.head, head),
        ("training.loss", recipe.training.loss, loss),
    ):
        if stated in ("auto", taken):
            continue
        if key in asked_for:
            raise RecipeError(
                f"--set {key}={stated} does not suit a table of {task}",
                wanted=f"{key}={taken}",
                todo=f"leave --set {key} out, or use another table",
            )
        log.warning("the table has %s: %s is %s, not the recipe's %s", task, key, taken, stated)
    return recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"head": head}),
            "training": recipe.training.model_copy(update={"loss": loss}),
        }
    )


def _save(folder: Path, recipe: Recipe, outputs: Outputs, sample: Sample, fitted: Fitted) -> None:
    ids = sample.catalog.ids
    manifest = Manifest(
        recipe=recipe.name,
        preprocessing=recipe.images,
        model=recipe.model.model_copy(update={"weights": None, "pretrained": False}),
        outputs=outputs,
        id_column=ids.column,
        id_integer=ids.integer,
        weights_digest="",
        version=__version__,
    )
    save_bundle(folder / files.BUNDLE, manifest, lambda path: write_weights(fitted.network, path))


def _draw(folder: Path, outputs: Outputs, fitted: Fitted | None, metrics: Metrics | None) -> None:
    name = "rmse" if isinstance(outputs, VoteOutputs) else "accuracy"
    reference: Any = None
    if metrics is not None:
        label = "mean vector" if name == "rmse" else "largest class"
        reference = (label, metrics.parts["validation"]["reference"])
    figure = curves(
        read_history(folder / files.HISTORY),
        name,
        kept_epoch=None if fitted is None else fitted.epoch,
        reference=reference,
    )
    save(figure, folder / files.CURVES)


def _where(parts: NDArray[np.object_], part: str) -> NDArray[np.int64]:
    return np.flatnonzero(parts == part)
