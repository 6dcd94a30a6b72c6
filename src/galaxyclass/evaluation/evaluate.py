"""Scoring a run on galaxies with known votes or classes, beside the simplest predictor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import ChosenPrecision, Device, Part, public
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.dataset.galaxies import choose, read_galaxies
from galaxyclass.data.leakage import require_seen
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import ScoreError
from galaxyclass.evaluation.files import PREDICTIONS, require_free, write_evaluation
from galaxyclass.evaluation.read_predictions import ids_of, read_fractions
from galaxyclass.evaluation.score_predictions import leave_out
from galaxyclass.model.auxiliary import classes_of
from galaxyclass.model.backends.backend import Backend
from galaxyclass.model.columns import columns_of
from galaxyclass.model.ensemble import common_auxiliary, common_outputs
from galaxyclass.model.job import PredictionSummary, predict_files
from galaxyclass.model.predict import open_bundles, open_members
from galaxyclass.progress import Progress, silent
from galaxyclass.short import short_names, summary
from galaxyclass.tasks.outputs import ClassOutputs, Outputs, VoteOutputs
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.classes import ClassScores, score_classes
from galaxyclass.tasks.scores.complete_subsets import Extent, score_extents
from galaxyclass.tasks.scores.noise import VOTES, NoiseFloor, noise_floor
from galaxyclass.tasks.scores.votes import VoteScores, score_votes
from galaxyclass.tasks.targets import ClassTargets, VoteTargets

#: An extent, the model's score over it, and that of the simplest predictor.
Extents = tuple[tuple[Extent, Score, Score], ...]

_Votes = tuple[VoteScores, VoteScores, Extents, dict[str, NoiseFloor]]
_Classes = tuple[ClassScores, ClassScores, Extents, dict[str, NoiseFloor]]


@dataclass(frozen=True)
class Evaluation:
    """The scores of a run.

    Attributes
    ----------
    runs : tuple of Path
        What was scored: one, or several whose mean it is.
    models : tuple of str
        The digest of each one's bundle, in hex (`Manifest.digest`).
    images : Path
    table : Path or None
    outputs : VoteOutputs or ClassOutputs
    part : str
        Which galaxies were scored: ``unseen``, ``train``, ``validation``, ``test`` or ``all``.
    scores : VoteScores or ClassScores
        The run's.
    reference : VoteScores or ClassScores
        Those of the simplest predictor on the same entries: the training's mean vector, or its
        largest class, for every galaxy.
    extents : tuple of (Extent, Score, Score)
        Where the table has gaps, the run's score and the mean vector's over each of the parts that
        have none (`galaxyclass.tasks.scores.complete_subsets.extents`).
    noise : dict of str to NoiseFloor
        The score that a perfect model would have: ``all``, and by the extents' keys; of classes
        there is none.
    galaxies_by_part : dict of str to int
        What the scored galaxies were in the training: ``train``, ``validation``, ``test``; ``new``
        for those that it did not have at all, ``unknown`` where the run does not say.
    prediction : PredictionSummary
    notes : tuple of str
        What was left out, and what the scores do not say.
    """

    runs: tuple[Path, ...]
    models: tuple[str, ...]
    images: Path
    table: Path | None
    outputs: Outputs
    part: Part
    scores: VoteScores | ClassScores
    reference: VoteScores | ClassScores
    extents: Extents
    noise: dict[str, NoiseFloor]
    galaxies_by_part: dict[str, int]
    prediction: PredictionSummary
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(
            f"Evaluation of {short_names(self.runs)}: {self.scores.words} on "
            f"{self.scores.galaxies:,} galaxies ({self.scores.simplest} "
            f"{self.reference.main.value:.4f})"
        )


@public
def evaluate(
    run: str | Path | Sequence[str | Path],
    images: str | Path,
    table: str | Path | None = None,
    *,
    output: str | Path,
    part: Part = "unseen",
    votes: float = VOTES,
    id_column: str | None = None,
    target_column: str | None = None,
    skip_invalid: bool = False,
    views: int | None = None,
    device: Device = "auto",
    precision: ChosenPrecision = "auto",
    batch_size: int | None = None,
    workers: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = silent,
    backend: Backend | Sequence[Backend] | None = None,
) -> Evaluation:
    """Predict galaxies whose votes or classes are known, and score the predictions.

    Writes ``predictions.csv`` (and ``predictions_failed.csv``), ``scores.csv`` and, last,
    ``metrics.json`` to the folder ``output``. When it is stopped while it predicts, the same call
    goes on from there.

    Parameters
    ----------
    run : str, Path or a sequence of them
        The folder of a run, a bundle, or an exported network; several are an ensemble.
    images, table, id_column, target_column
        As for `galaxyclass.read_catalog`; rows without an image are left out.
    output : str or Path
        A folder.
    part : {"unseen", "train", "validation", "test", "all"}
        Which galaxies: by default those that the run was not trained on, neither under their id
        nor as the same image under another id. Of an ensemble no member was.
    skip_invalid : bool
        Leave out galaxies with errors (`galaxyclass.validation`), rather than refuse.
    views, device, precision, batch_size, workers, progress, backend
        As for `galaxyclass.model.predict`.
    overwrite : bool
        Replace the files in ``output`` where they exist.
    seed : int
        Of the bootstrap intervals.
    votes : float
        Volunteers of a galaxy, of which the floor of the noise is made.

    Raises
    ------
    OutputError
        Its files exist already, or cannot be written.
    InvalidCatalogError
        The table has errors, and ``skip_invalid`` is False.
    CatalogError
        The table cannot be understood, or does not have what the run predicts.
    RunError
        No galaxy is left; or the run does not say which galaxies it was trained on.
    ScoreError
        No image could be decoded, or nothing is known of any of them.
    BundleError, MissingExtraError, DeviceError, PredictionInterruptedError
        As for `galaxyclass.model.predict`.
    """
    runs = [Path(one) for one in ([run] if isinstance(run, str | Path) else run)]
    images, output = Path(images), Path(output)
    table = None if table is None else Path(table)
    require_free(output, overwrite=overwrite)
    bundles = open_bundles(runs)
    outputs = common_outputs(bundles)
    seen = require_seen(runs, part)
    outputs, catalog, notes = read_galaxies(
        outputs,
        common_auxiliary(bundles),
        images,
        table,
        id_column=id_column,
        target_column=target_column,
        skip_invalid=skip_invalid,
    )
    catalog, parts, chosen = choose(catalog, seen, part, workers, progress)
    members = open_members(bundles, device, precision, backend)
    if isinstance(outputs, ClassOutputs) and outputs in common_auxiliary(bundles):
        members = [classes_of(member, outputs) for member in members]
        notes.append("The classes are those that the run learnt beside its votes.")
    prediction = predict_files(
        members,
        catalog.paths.tolist(),
        catalog.ids.values.tolist(),
        output / PREDICTIONS,
        views=views,
        batch_size=batch_size,
        workers=workers,
        progress=progress,
    )
    id_column = bundles[0].manifest.id_column
    scored, scores, scoring = _score(
        outputs, id_column, catalog, prediction, seed=seed, votes=votes
    )
    evaluation = Evaluation(
        runs=tuple(runs),
        models=tuple(bundle.manifest.digest for bundle in bundles),
        images=images,
        table=table,
        outputs=outputs,
        part=part,
        scores=scores[0],
        reference=scores[1],
        extents=scores[2],
        noise=scores[3],
        galaxies_by_part=dict(Counter(parts[scored].tolist())),
        prediction=prediction,
        notes=(*notes, *chosen, *scoring),
    )
    write_evaluation(evaluation, output)
    return evaluation


def _score(
    outputs: Outputs,
    id_column: str,
    catalog: Catalog,
    prediction: PredictionSummary,
    *,
    seed: int,
    votes: float,
) -> tuple[NDArray[np.int64], _Votes | _Classes, list[str]]:
    """Score the predictions as they stand in their file.

    Returns
    -------
    scored : (galaxies,) int64
        Those of the catalog that were predicted.
    scores : VoteScores or ClassScores, twice
        Of the model and of the simplest predictor.
    notes : list of str
    """
    if prediction.predicted == 0:
        raise ScoreError(
            "nothing to score: none of the images could be decoded",
            hint=f"see {prediction.failed_file}",
        )
    notes = []
    if prediction.failed:
        notes.append(f"{prediction.failed:,} images cannot be decoded and are not scored.")
    table = read_table(prediction.output)
    place = {name: row for row, name in enumerate(catalog.ids.values)}
    names = ids_of(table, id_column, prediction.output)
    scored = np.array([place[str(name)] for name in names], dtype=np.int64)
    targets = catalog.take(scored).targets
    if isinstance(outputs, VoteOutputs):
        assert isinstance(targets, VoteTargets)
        predicted = read_fractions(table, outputs.tree, outputs.layout, prediction.output)
        scores, more = _score_votes(outputs, targets, predicted, seed, votes)
        return scored, scores, notes + more
    assert isinstance(targets, ClassTargets)
    label = columns_of(outputs, id_column, id_integer=False).label
    classes, more = _score_classes(outputs, targets, table[label].to_pylist(), seed)
    return scored, classes, notes + more


def _score_votes(
    outputs: VoteOutputs,
    targets: VoteTargets,
    predicted: NDArray[np.float64],
    seed: int,
    votes: float,
) -> tuple[_Votes, list[str]]:
    known = np.array(outputs.known)
    target, notes = leave_out(targets.fractions, known, outputs.layout.columns)
    target = np.where(known, target, np.float32(np.nan))
    if np.isnan(target).all():
        raise ScoreError("nothing to score: no vote is known that the run predicts")
    mean = np.broadcast_to(np.array(outputs.mean), target.shape)
    mine = score_votes(outputs.tree, predicted, target, seed=seed)
    theirs = score_votes(outputs.tree, mean, target, seed=seed)
    extents = tuple(
        (extent, estimate, reference)
        for (extent, estimate), (_, reference) in zip(
            score_extents(predicted, target, seed=seed),
            score_extents(mean, target, seed=seed),
            strict=True,
        )
    )
    noise = {"all": noise_floor(outputs.tree, target, votes)}
    for extent, *_ in extents:
        within = np.where(extent.known, target, np.nan)
        noise[extent.key] = noise_floor(outputs.tree, within, votes)
    return (mine, theirs, extents, noise), list(notes)


def _score_classes(
    outputs: ClassOutputs, targets: ClassTargets, called: list[str | None], seed: int
) -> tuple[_Classes, list[str]]:
    index = {name: place for place, name in enumerate(outputs.classes)}
    of_table = np.array([index.get(name, -1) for name in targets.classes] + [-1], dtype=np.int64)
    labels = of_table[targets.labels]  # -1, unknown, stays -1
    notes = []
    strange = [name for name in targets.classes if name not in index]
    if strange:
        count = int((np.isin(targets.labels, [targets.classes.index(s) for s in strange])).sum())
        notes.append(
            f"{count:,} galaxies of classes that the run does not know are not scored: "
            f"{', '.join(strange[:5])}."
        )
    unclear = np.array([name is None for name in called], dtype=bool)
    if unclear.any():
        notes.append(f"{unclear.sum():,} galaxies whose predictions are NaN are not scored.")
    labels = np.where(unclear, -1, labels)
    predicted = np.array([index[name] if name else 0 for name in called], dtype=np.int64)
    largest = np.full(len(labels), int(np.argmax(outputs.shares)), dtype=np.int64)
    count = len(outputs.classes)
    mine = score_classes(predicted, labels, count, seed=seed)
    return (mine, score_classes(largest, labels, count, seed=seed), (), {}), notes
