"""The public functions: `train` a recipe, or `resume` a run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from galaxyclass.arguments import Device, Settings, public
from galaxyclass.data.dataset.parts import read_split, write_left_out, write_split
from galaxyclass.data.dataset.prepare import Source
from galaxyclass.data.dataset.several import Parts, Samples, prepare_all
from galaxyclass.errors import RecipeError, RunError
from galaxyclass.io import run_folder
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.read import as_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.recipes.settings import assignments
from galaxyclass.training.data import galaxies_by_part
from galaxyclass.training.devices import accelerator_of
from galaxyclass.training.finish import Trained, finish
from galaxyclass.training.probe import Probe, probe
from galaxyclass.training.replicas import join_training, this_replica
from galaxyclass.training.resolve import resolve
from galaxyclass.training.run import RunInfo, auxiliary_source, new_run, read_run, refuse_used
from galaxyclass.training.runtime_settings import using


@public
def train(
    recipe: str | Path | Recipe,
    images: str | Path,
    table: str | Path | None = None,
    *,
    output: str | Path,
    settings: Settings = (),
    also: Sequence[tuple[str | Path, str | Path]] = (),
    id_column: str | None = None,
    target_column: str | None = None,
    skip_invalid: bool = False,
    classes: str | None = None,
    device: Device = "auto",
    devices: int = 1,
    workers: int | None = None,
    seed: int = 0,
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
    settings : mapping or sequence of str
        Changes to the recipe: setting -> its value, or ``section.key=value`` each.
    id_column, target_column : str, optional
        Columns of the table, where the rule of `read_catalog` does not find them.
    skip_invalid : bool
        Leave out galaxies with errors (listed in ``left_out.csv``) instead of refusing them all.
    classes : str, optional
        Make classes of the votes: ``five`` or ``argmax:QUESTION`` (`catalogs.derive_classes`).
    also : sequence of (images, table)
        Further galaxies to learn from. A table of votes on the same tree adds whatever it knows
        of the tree (other questions, other galaxies, conditional fractions); a table of classes
        becomes a auxiliary output beside the votes. Each table has its validation and test part,
        and an image that stands in several is in one part only; the scores of the run are those
        of the first table.
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
        join_training(folder, device=device, devices=devices, cache=cache)
    refuse_used(folder)
    recipe = as_recipe(recipe, settings)
    accelerator = accelerator_of(device)
    source = Source(
        Path(images),
        None if table is None else Path(table),
        id_column,
        target_column,
        skip_invalid,
        classes,
    )
    others = [auxiliary_source(Path(a), Path(b), skip_invalid) for a, b in also]
    samples = prepare_all(
        [source, *others], recipe.images, cache=cache, workers=workers, progress=progress
    )
    parts = samples.split(recipe.split, seed)
    recipe = resolve(recipe, samples.outputs(parts), assignments(settings))
    probed = _probe(recipe, samples, parts, device=accelerator, devices=devices, seed=seed)
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
            fingerprint=samples.fingerprint,
            galaxies=_counts(parts),
            device=accelerator,
            devices=devices,
            command=sys.argv,
            also=[[str(Path(path).resolve()) for path in pair] for pair in also],
            runtime=probed.to_json(),
        ),
    )
    left_out = [finding for sample in samples.tables for finding in sample.left_out]
    if left_out:
        write_left_out(folder / run_folder.LEFT_OUT, left_out)
    write_split(folder / run_folder.SPLIT, samples.tables, parts)
    try:
        with using(probed.runtime):
            return finish(
                folder,
                recipe,
                samples,
                parts,
                seed=seed,
                device=device,
                devices=devices,
                runtime=probed.runtime,
                progress=progress,
            )
    except RecipeError:
        # The network cannot be built: there is nothing to resume, and the name is free again.
        shutil.rmtree(folder)
        raise


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
        join_training(folder, device=device, devices=devices, cache=cache)
    accelerator = accelerator_of(device)
    if (folder / run_folder.METRICS).exists():
        raise RunError(
            f"{folder}: this training is finished",
            hint="to train for longer, train again with `training.epochs=…` and another `output`",
        )
    samples = prepare_all(
        info.sources, recipe.images, cache=cache, workers=workers, progress=progress
    )
    if samples.fingerprint != info.fingerprint:
        raise RunError(
            f"{folder}: its images or table have changed since it was begun",
            wanted=f"data with the fingerprint {info.fingerprint}",
            got=samples.fingerprint,
            hint="put the data back, or train again to another `output`",
        )
    if (folder / run_folder.SPLIT).exists():
        parts = read_split(folder / run_folder.SPLIT, samples.tables)
    else:  # killed in the moment between the two files: the seed gives the same split
        parts = samples.split(recipe.split, info.seed)
        write_split(folder / run_folder.SPLIT, samples.tables, parts)
    runtime = info.runtime_settings if accelerator == info.device else None
    if runtime is not None and devices > 1:
        # The other processes read the way from the run: here it is the same, but for the threads.
        runtime = replace(runtime, threads=0)
    if runtime is None or not runtime.possible(accelerator):
        runtime = _probe(
            recipe, samples, parts, device=accelerator, devices=devices, seed=info.seed
        ).runtime
    with using(runtime):
        return finish(
            folder,
            recipe,
            samples,
            parts,
            seed=info.seed,
            device=device,
            devices=devices,
            runtime=runtime,
            progress=progress,
        )


def _probe(
    recipe: Recipe,
    samples: Samples,
    parts: Parts,
    *,
    device: Device,
    devices: int,
    seed: int,
) -> Probe:
    """How this machine trains the network fastest."""
    outputs, auxiliary = samples.outputs(parts), samples.auxiliary_outputs(parts)
    galaxies = galaxies_by_part(samples, parts)["train"]
    return probe(recipe, outputs, auxiliary, galaxies, device=device, devices=devices, seed=seed)


def _counts(parts: Parts) -> dict[str, int]:
    """How many galaxies of the first table, and of the others for training, are in each part."""
    counts = {part: int((parts[0] == part).sum()) for part in dict.fromkeys(parts[0])}
    if len(parts) > 1:
        counts["also"] = sum(int((drawn == "train").sum()) for drawn in parts[1:])
    return counts
