"""The public functions: `train` a recipe, or `resume` a run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import galaxyclass.training.run as files
from galaxyclass.errors import RecipeError, RunError
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
from galaxyclass.training.data import galaxies_by_part
from galaxyclass.training.devices import Device, accelerator_of
from galaxyclass.training.finish import Trained, finish
from galaxyclass.training.probe import Probe, probe
from galaxyclass.training.replicas import join, this_replica
from galaxyclass.training.resolve import resolve
from galaxyclass.training.run import RunInfo, new_run, read_run, refuse_used
from galaxyclass.training.ways import using


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
    classes: str | None = None,
    seed: int = 0,
    device: Device = "auto",
    devices: int = 1,
    workers: int | None = None,
    cache: str | Path | None = None,
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
    classes : str, optional
        Make classes of the votes: ``five`` or ``argmax:QUESTION`` (`catalogs.derive_classes`).
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
        Something that was given cannot be used; nothing is written then.
    InvalidCatalogError
        Galaxies with errors, and `skip_invalid` is off.
    TrainingInterruptedError
        Ctrl-C or SIGTERM; `resume` goes on.
    """
    folder = Path(output)
    if this_replica() > 0:
        join(folder, device=device, devices=devices, cache=cache)
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
        classes,
    )
    sample = prepare(source, recipe.images, cache=cache, workers=workers, progress=progress)
    parts = split_parts(sample, recipe.split, seed)
    training = np.flatnonzero(parts == "train")
    recipe = resolve(recipe, sample.outputs(training), settings)
    probed = _probe(recipe, sample, parts, device=accelerator, devices=devices, seed=seed)
    new_run(
        folder,
        recipe,
        RunInfo(
            images=str(source.images.resolve()),
            table=None if source.table is None else str(source.table.resolve()),
            id_column=id_column,
            target_column=target_column,
            skip_invalid=skip_invalid,
            classes=classes,
            seed=seed,
            fingerprint=sample.fingerprint,
            galaxies={part: int((parts == part).sum()) for part in dict.fromkeys(parts)},
            device=accelerator,
            devices=devices,
            command=sys.argv,
            way=probed.to_json(),
        ),
    )
    if sample.left_out:
        write_left_out(folder / files.LEFT_OUT, sample.left_out)
    write_split(folder / files.SPLIT, sample, parts)
    try:
        with using(probed.way):
            return finish(
                folder,
                recipe,
                sample,
                parts,
                seed=seed,
                device=device,
                devices=devices,
                way=probed.way,
                progress=progress,
            )
    except RecipeError:
        # The network cannot be built: there is nothing to resume, and the name is free again.
        shutil.rmtree(folder)
        raise


def resume(
    run: str | Path,
    *,
    device: Device | None = None,
    devices: int | None = None,
    workers: int | None = None,
    cache: str | Path | None = None,
    progress: Progress = silent,
) -> Trained:
    """Go on with a training that was stopped; its metrics become those of an uninterrupted one.

    Parameters
    ----------
    run : str or Path
        The run's folder.
    device, devices : optional
        Those that the run was begun with, unless told otherwise.
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
    if this_replica() > 0:
        join(folder, device=device, devices=devices, cache=cache)
    accelerator = accelerator_of(device)
    if (folder / files.METRICS).exists():
        raise RunError(
            f"{folder}: this training is finished",
            todo="to train for longer, train again with --set training.epochs=N and another "
            "--output",
        )
    sample = prepare(info.source, recipe.images, cache=cache, workers=workers, progress=progress)
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
    way = info.chosen_way if accelerator == info.device else None
    if way is not None and devices > 1:
        # The other processes read the way from the run: here it is the same, but for the threads.
        way = replace(way, threads=0)
    if way is None or not way.possible(accelerator):
        way = _probe(recipe, sample, parts, device=accelerator, devices=devices, seed=info.seed).way
    with using(way):
        return finish(
            folder,
            recipe,
            sample,
            parts,
            seed=info.seed,
            device=device,
            devices=devices,
            way=way,
            progress=progress,
        )


def _probe(
    recipe: Recipe,
    sample: Sample,
    parts: NDArray[np.object_],
    *,
    device: Device,
    devices: int,
    seed: int,
) -> Probe:
    """How this machine trains the network fastest."""
    outputs = sample.outputs(np.flatnonzero(parts == "train"))
    galaxies = galaxies_by_part(sample, parts)["train"]
    return probe(recipe, outputs, galaxies, device=device, devices=devices, seed=seed)
