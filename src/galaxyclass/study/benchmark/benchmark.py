"""The public function `benchmark`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from galaxyclass.arguments import Device, Settings, public
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.samples import prepare_all
from galaxyclass.io.atomic import temporary_folder
from galaxyclass.io.output import require_free
from galaxyclass.model.backends.open_backend import open_backend
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.manifest import Precision
from galaxyclass.networks.precision import has_bfloat16
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.read import as_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.study.benchmark.ceilings import matrix_product
from galaxyclass.study.benchmark.galaxies import galaxies_to_measure
from galaxyclass.study.benchmark.measures import Bench
from galaxyclass.study.benchmark.results import (
    FILE,
    Benchmark,
    Share,
    Speed,
    one_after_the_other,
    share,
)
from galaxyclass.training.choose_runtime import try_runtimes
from galaxyclass.training.devices import accelerator_of
from galaxyclass.training.job import make_job
from galaxyclass.training.run import installed_versions, this_machine
from galaxyclass.training.train import train

COUNT = 1000
REPEATS = 3
#: In the output's folder, while it is measured.
_SCRATCH = ".benchmark.tmp"


@public
def benchmark(
    images: str | Path | None = None,
    table: str | Path | None = None,
    *,
    output: str | Path,
    recipe: str | Path | Recipe = "fast",
    settings: Settings = (),
    count: int = COUNT,
    repeats: int = REPEATS,
    device: Device = "auto",
    overwrite: bool = False,
    progress: Progress = silent,
) -> Benchmark:
    """Measure how fast a recipe packs, trains and predicts here, and how fast it could.

    Everything is measured several times, in turns, so that other work of the machine affects all
    measures alike; medians are given with the smallest and the largest value.

    Parameters
    ----------
    images : str or Path, optional
        Folder of images; without it, galaxies are simulated.
    table : str or Path, optional
        Votes or classes of the images; without it random votes are used.
    output : str or Path
        Folder for `benchmark.json`; temporary files are removed at the end.
    recipe : str, Path or Recipe
    settings : mapping or sequence of str
        Changes to the recipe: setting -> its value, or ``section.key=value`` each.
    count : int
        Galaxies to use, at most.
    repeats : int
    device : {"auto", "cpu", "cuda", "mps"}
    overwrite : bool
        Replace an earlier `benchmark.json`.
    progress : Progress

    Returns
    -------
    Benchmark

    Raises
    ------
    OutputError
        There is a benchmark already, or it cannot be written.
    RecipeError, CatalogError, DeviceError
        As for `train`.
    """
    output = Path(output)
    require_free(output / FILE, overwrite=overwrite)
    recipe = as_recipe(recipe, settings)
    kind = accelerator_of(device)
    output.mkdir(parents=True, exist_ok=True)
    with temporary_folder(output / _SCRATCH) as folder:
        dataset = galaxies_to_measure(
            None if images is None else Path(images),
            None if table is None else Path(table),
            count,
            folder,
            progress,
        )
        bench, trials = _set_up(folder, dataset, recipe, device=kind, progress=progress)
        speeds = _measure(bench, repeats, progress)
        result = _result(bench, trials, speeds, repeats)
    result.write(output)
    return result


def _set_up(
    work: Path, dataset: Dataset, recipe: Recipe, *, device: Device, progress: Progress
) -> tuple[Bench, dict[str, float]]:
    cache = work / "cache"
    samples = prepare_all(dataset, recipe.images, cache=cache, workers=None, progress=progress)
    parts = samples.split(recipe.split, 0)
    job = make_job(recipe, samples, parts, seed=0, device=device)
    recipe, chosen = job.recipe, try_runtimes(job)
    # One epoch, for a bundle to predict with and to warm up.
    settings = {"epochs": 1, "precision": chosen.runtime.precision}
    training = recipe.training.model_copy(update=settings)
    with _silent("galaxyclass"):  # so short a training would give notices
        run = train(
            recipe.model_copy(update={"training": training}),
            dataset,
            output=work / "run",
            device=device,
            cache=cache,
        )
    bundle = load_bundle(run.folder)
    return (
        Bench(
            job,
            [record.path for record in samples.first.pack.records],
            bundle,
            open_backend(bundle, device),
            chosen.runtime,
            work,
        ),
        chosen.images_per_second,
    )


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Hide everything below an error from a logger."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _measure(bench: Bench, repeats: int, progress: Progress) -> dict[str, list[float]]:
    measures = bench.measures()
    speeds: dict[str, list[float]] = {name: [] for name in measures}
    total = repeats * len(measures)
    for repeat in range(repeats):
        for index, (name, measure) in enumerate(measures.items()):
            finished = repeat * len(measures) + index
            progress("benchmark", finished, total, unit="measures", note=name.replace("_", " "))
            speeds[name].append(measure())
    progress("benchmark", total, total, unit="measures")
    speeds.setdefault("train_fp32", speeds["train"])
    return speeds


def _result(
    bench: Bench, trials: dict[str, float], speeds: dict[str, list[float]], repeats: int
) -> Benchmark:
    precisions: list[Precision] = ["fp32", "bf16"] if has_bfloat16("cpu") else ["fp32"]
    gflop = bench.steps(replace(bench.runtime, precision="fp32")).gflop()
    gflop |= {precision: matrix_product(precision) for precision in precisions}
    return Benchmark(
        recipe=bench.job.recipe.name,
        images=len(bench.paths),
        repeats=repeats,
        runtime={**vars(bench.runtime), "images_per_second": trials},
        speeds={name: Speed(tuple(values)) for name, values in speeds.items()},
        shares=_shares(speeds, gflop, bench.runtime.precision),
        augmentation=float(np.median(bench.augmentation)),
        gflop=gflop,
        memory=bench.memory,
        machine=this_machine(),
        versions=installed_versions(),
    )


def _shares(
    speeds: dict[str, list[float]], gflop: dict[str, float], precision: Precision
) -> list[Share]:
    total = [
        one_after_the_other(prepare, network)
        for prepare, network in zip(speeds["prepare"], speeds["network"], strict=True)
    ]
    product = gflop.get(precision, gflop["fp32"])
    training = [product / gflop["training"]] * len(speeds["train"])
    return [
        share("prepare", "decoding every pixel alone", speeds["prepare"], speeds["decode"]),
        share("pack", "a bare loop that writes nothing", speeds["pack"], speeds["prepare_loop"]),
        share("predict", "prepare and network, each alone", speeds["predict"], total),
        share("train", "the network's steps alone", speeds["train"], speeds["train_network"]),
        share("train_network", "a matrix product's speed", speeds["train_network"], training),
    ]
