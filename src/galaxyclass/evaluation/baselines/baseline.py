"""`baseline`: fit every baseline to the training galaxies, and score it on the others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Settings, public
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.dataset.parts import split_parts, write_left_out, write_split
from galaxyclass.data.dataset.prepare import Sample, prepare
from galaxyclass.evaluation.baselines.colours import PATCH, Colours, measure_colours
from galaxyclass.evaluation.baselines.files import (
    BASELINE_FILES,
    require_no_run,
    write_baselines,
)
from galaxyclass.evaluation.baselines.methods import METHODS
from galaxyclass.evaluation.baselines.scores import Baselines, BaselineScores
from galaxyclass.io.journal import job_key
from galaxyclass.io.output import FolderOutput
from galaxyclass.io.run_folder import LEFT_OUT, SPLIT
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.read import as_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.tasks.task import Task

#: The parts of a split; all but the first are scored.
SPLIT_PARTS = ("train", "validation", "test")

#: Reading and checking galaxies makes a pack; colours do not use it, so it is as small as can be.
_SMALL = Preprocessing(cutout="centre", frame=PATCH, size=PATCH)


@public
def baseline(
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path,
    recipe: str | Path | Recipe = "fast",
    settings: Settings = (),
    workers: int | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
    overwrite: bool = False,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> Baselines:
    """Score predictors without a network, on the same galaxies that a training is scored on.

    Of vote fractions: all zeros (the output of a collapsed model), the mean vector of the training
    galaxies, linear regression on the colour of the central pixel, or on the mean colour of the
    image, and the challenge's central-pixel benchmark (`CentralPixelBenchmark`). Of classes: the
    largest class, logistic regression on the same two colours, and the most frequent class of
    galaxies of like colour. Of numbers: their mean and their median, and the same regressions on
    colour. Colours are those of the image before any cutout.

    Writes ``scores.csv``, ``split.csv``, ``left_out.csv`` where galaxies were, and, last,
    ``metrics.json``.

    Parameters
    ----------
    images, table
        As for `galaxyclass.train`.
    output : str or Path
        A folder.
    recipe : str, Path or Recipe
        Its ``[split]`` says how many galaxies are held out. With the recipe, the settings and the
        seed of a training, these are the galaxies that the training holds out.
    settings : sequence of str
        Changes to the recipe, for instance ``split.test=0.2``.
    seed : int
        Of the split and of the bootstrap.
    workers, cache, progress
        As for `galaxyclass.train`.
    overwrite : bool
        Replace the files in ``output`` where they exist.
    quote_formulas : bool
        As for `galaxyclass.predict`, of every CSV that is written.

    Returns
    -------
    Baselines

    Raises
    ------
    RecipeError, CatalogError, InvalidCatalogError
        As for `galaxyclass.train`.
    OutputError
        The files exist already, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from galaxyclass.simulation.folders import simulate
    >>> folder = Path(tempfile.mkdtemp())
    >>> sky = simulate(10, output=folder / "sky", size=32, workers=1)
    >>> output, cache = folder / "scores", folder / "cache"
    >>> baselines = baseline(sky.images, sky.table, output=output, cache=cache)
    >>> [scored.name for scored in baselines.scores][:2]
    ['all zeros', 'mean vector']
    """
    folder = Path(output)
    require_no_run(folder)
    recipe = as_recipe(recipe, settings, used=("split.",))
    dataset = as_dataset(images, table)
    key = job_key(
        "baseline",
        dataset=dataset.identity,
        split=recipe.split,
        seed=seed,
        quote_formulas=quote_formulas,
    )
    results = FolderOutput(folder, BASELINE_FILES, key, overwrite)
    results.require_free()
    sample = prepare(dataset, _SMALL, cache=cache, workers=workers, progress=progress)
    parts = split_parts(sample, recipe.split, seed)
    colours = measure_colours(sample.catalog.paths.tolist(), workers=workers, progress=progress)
    indices = {part: np.flatnonzero(parts == part) for part in SPLIT_PARTS if (parts == part).any()}
    task = sample.task(indices["train"])
    scores, floors, notes = _score(task, sample, indices, colours, seed)
    galaxies = {part: len(of_part) for part, of_part in indices.items()}
    baselines = Baselines(folder, task, galaxies, scores, floors, notes)
    with results.claim():
        if sample.left_out:
            write_left_out(folder / LEFT_OUT, sample.left_out, quote_formulas=quote_formulas)
        write_split(folder / SPLIT, [sample], [parts], quote_formulas=quote_formulas)
        write_baselines(baselines, quote_formulas=quote_formulas)
    return baselines


def _score(
    task: Task,
    sample: Sample,
    indices: Mapping[str, NDArray[np.int64]],
    colours: Colours,
    seed: int,
) -> tuple[tuple[BaselineScores, ...], dict[str, float], tuple[str, ...]]:
    """Scores of all baselines, part by part; noise floors by part; what was left out."""
    train = indices["train"]
    scored, floors, notes = [], {}, []
    for part, others in list(indices.items())[1:]:
        values, left_out = task.scorable(sample.targets.take(others))
        notes += [f"{part}: {note}" for note in left_out]
        if (floor := task.noise_floor(values)) is not None:
            floors[part] = floor.value
        for key, (name, method) in METHODS[task.kind](task).items():
            predicted = method(colours.take(train), sample.values(train), colours.take(others))
            scores = task.score(predicted, values, seed=seed)
            subsets = task.complete_subsets(predicted, values, seed=seed)
            scored.append(BaselineScores(key, name, part, scores, subsets))
    return tuple(scored), floors, tuple(notes)
