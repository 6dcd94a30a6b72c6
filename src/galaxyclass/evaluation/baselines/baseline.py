"""The public function: fit every baseline on a training's galaxies, score it on the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Settings, public
from galaxyclass.data.dataset.parts import split_parts, write_left_out, write_split
from galaxyclass.data.dataset.prepare import Sample, Source, prepare
from galaxyclass.evaluation.baselines.colours import PATCH, Colours, measure_colours
from galaxyclass.evaluation.baselines.files import LEFT_OUT, SPLIT, require_free, write_baselines
from galaxyclass.evaluation.baselines.methods import CLASS_METHODS, VOTE_METHODS
from galaxyclass.evaluation.score_predictions import leave_out
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.read import as_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.short import short_path, summary
from galaxyclass.tasks.outputs import ClassOutputs, Outputs, VoteOutputs
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.classes import ClassScores, score_classes
from galaxyclass.tasks.scores.complete_subsets import Extent, score_extents
from galaxyclass.tasks.scores.noise import noise_floor
from galaxyclass.tasks.scores.votes import VoteScores, score_votes
from galaxyclass.tasks.targets import ClassTargets, VoteTargets

#: The parts of a split; all but the first are scored.
SPLIT_PARTS = ("train", "validation", "test")

#: What reads and checks the galaxies makes a pack; the smallest there is, as colours do not use it.
_SMALL = Preprocessing(cutout="centre", frame=PATCH, size=PATCH)


@dataclass(frozen=True)
class BaselineScores:
    """The scores of one baseline on one part of the galaxies.

    ``extents`` are those of `score_extents`; none where nothing is missing, and
    none for classes.
    """

    key: str
    name: str
    part: str
    scores: VoteScores | ClassScores
    extents: tuple[tuple[Extent, Score], ...]

    def __repr__(self) -> str:
        return summary(f"BaselineScores of {self.name} on {self.part}: {self.scores.words}")

    @property
    def overall(self) -> Score:
        """The root mean square error, or the accuracy."""
        if isinstance(self.scores, VoteScores):
            return self.scores.overall
        return self.scores.accuracy


@dataclass(frozen=True)
class Baselines:
    """The scores of all baselines.

    Attributes
    ----------
    folder : Path
        Where they were written.
    outputs : VoteOutputs or ClassOutputs
    galaxies : mapping of str to int
        How many are in each part.
    scores : tuple of BaselineScores
        Part by part, the simplest baseline first.
    noise_floors : mapping of str to float
        Of votes, by part: the root mean square error of a perfect model, if some forty volunteers
        looked at each galaxy (`galaxyclass.tasks.scores.noise.noise_floor`).
    notes : tuple of str
        What was left out.
    """

    folder: Path
    outputs: Outputs
    galaxies: Mapping[str, int]
    scores: tuple[BaselineScores, ...]
    noise_floors: Mapping[str, float]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        parts = "; ".join(f"{part} {count:,} galaxies" for part, count in self.galaxies.items())
        last = self.scores[-1]
        return summary(
            f"Baselines in {short_path(self.folder)}: {parts}; {last.name} on {last.part}: "
            f"{last.scores.words}"
        )


@public
def baseline(
    images: str | Path,
    table: str | Path | None = None,
    *,
    output: str | Path,
    recipe: str | Path | Recipe = "fast",
    settings: Settings = (),
    id_column: str | None = None,
    target_column: str | None = None,
    skip_invalid: bool = False,
    classes: str | None = None,
    workers: int | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Baselines:
    """Score what needs no network, on the very galaxies that a training is scored on.

    Of vote fractions: all zeros (what a collapsed model comes to), the mean vector of the training
    galaxies, linear regression on the colour of the central pixel, or on the mean colour of the
    image, and the challenge's central-pixel benchmark (`Likeness`). Of classes: the largest class,
    logistic regression on the same two colours, and the most frequent class among galaxies alike.
    Colours are those of the image before any cutout.

    Writes ``scores.csv``, ``split.csv``, ``left_out.csv`` where galaxies were, and, last,
    ``metrics.json``.

    Parameters
    ----------
    images, table, id_column, target_column, classes, skip_invalid
        As for `galaxyclass.train`.
    output : str or Path
        A folder.
    recipe : str, Path or Recipe
        Its ``[split]`` says how many galaxies are held out: with the recipe, the settings and the
        seed of a training, they are the same galaxies.
    settings : sequence of str
        Changes to the recipe, for instance ``split.test=0.2``.
    seed : int
        Of the split and of the bootstrap.
    workers, cache, progress
        As for `galaxyclass.train`.
    overwrite : bool
        Replace the files in ``output`` where they exist.

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
    >>> done = baseline(sky.images, sky.table, output=folder / "scores", cache=folder / "cache")
    >>> [one.name for one in done.scores][:2]
    ['all zeros', 'mean vector']
    """
    folder = Path(output)
    require_free(folder, overwrite=overwrite)
    recipe = as_recipe(recipe, settings)
    source = Source(
        Path(images),
        None if table is None else Path(table),
        id_column,
        target_column,
        skip_invalid,
        classes,
    )
    sample = prepare(source, _SMALL, cache=cache, workers=workers, progress=progress)
    parts = split_parts(sample, recipe.split, seed)
    colours = measure_colours(sample.catalog.paths.tolist(), workers=workers, progress=progress)
    places = {part: np.flatnonzero(parts == part) for part in SPLIT_PARTS if (parts == part).any()}
    outputs = sample.outputs(places["train"])
    if isinstance(outputs, VoteOutputs):
        scores, floors, notes = _score_votes(outputs, sample, places, colours, seed)
    else:
        scores, floors, notes = _score_classes(outputs, sample, places, colours, seed), {}, ()
    galaxies = {part: len(where) for part, where in places.items()}
    done = Baselines(folder, outputs, galaxies, scores, floors, notes)
    if sample.left_out:
        write_left_out(folder / LEFT_OUT, sample.left_out)
    write_split(folder / SPLIT, [sample], [parts])
    write_baselines(done)
    return done


def _score_votes(
    outputs: VoteOutputs,
    sample: Sample,
    places: Mapping[str, NDArray[np.int64]],
    colours: Colours,
    seed: int,
) -> tuple[tuple[BaselineScores, ...], dict[str, float], tuple[str, ...]]:
    targets = sample.catalog.targets
    assert isinstance(targets, VoteTargets), "the outputs are of votes"
    train, known, columns = places["train"], np.array(outputs.known), outputs.layout.columns
    scored, floors, notes = [], {}, []
    for part, where in list(places.items())[1:]:
        target, lost = leave_out(targets.fractions[where], known, columns)
        notes += [f"{part}: {note}" for note in lost]
        floors[part] = noise_floor(outputs.tree, target).value
        for key, (name, method) in VOTE_METHODS.items():
            given = colours.take(train), targets.fractions[train], colours.take(where)
            predicted = method(*given)
            scores = score_votes(outputs.tree, predicted, target, seed=seed)
            apart = score_extents(predicted, target, seed=seed)
            scored.append(BaselineScores(key, name, part, scores, apart))
    return tuple(scored), floors, tuple(notes)


def _score_classes(
    outputs: ClassOutputs,
    sample: Sample,
    places: Mapping[str, NDArray[np.int64]],
    colours: Colours,
    seed: int,
) -> tuple[BaselineScores, ...]:
    targets = sample.catalog.targets
    assert isinstance(targets, ClassTargets), "the outputs are of classes"
    train, count, scored = places["train"], len(outputs.classes), []
    for part, where in list(places.items())[1:]:
        for key, (name, method) in CLASS_METHODS.items():
            called = method(colours.take(train), targets.labels[train], colours.take(where))
            scores = score_classes(called, targets.labels[where], count, seed=seed)
            scored.append(BaselineScores(key, name, part, scores, ()))
    return tuple(scored)
