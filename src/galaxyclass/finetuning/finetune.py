"""`finetune`: from a model and some labels to a model that predicts these labels."""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from galaxyclass.arguments import NetworkUse, Settings, public
from galaxyclass.calibration.calibration import fit_calibration
from galaxyclass.calibration.files import calibration_json
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.dataset.parts import write_left_out, write_split
from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.data.leakage import OUT_OF_FOLD
from galaxyclass.errors import ScoreError
from galaxyclass.extras import require_installed
from galaxyclass.finetuning.beginning import Beginning, open_beginning
from galaxyclass.finetuning.cross_validation import (
    LabelledGalaxies,
    cross_validate,
    label_curve,
)
from galaxyclass.finetuning.embed import Embedded, embed_galaxies
from galaxyclass.finetuning.finetuned import (
    Finetuned,
    Rung,
    UnwrittenModel,
    describe_curve,
    scored_rung,
)
from galaxyclass.finetuning.fit_probe import fit_best_answer
from galaxyclass.finetuning.labels import read_labels
from galaxyclass.finetuning.mirror_images import mirror_notes
from galaxyclass.finetuning.rule import rule_in_words
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import require_new, write_text, writing_folder
from galaxyclass.io.result_files import metrics_json
from galaxyclass.model.bundle.load import Bundle, Role
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.bundle.save import BundleFileWriter, save_bundle
from galaxyclass.model.columns import columns_of, mask_unknown, tabulate
from galaxyclass.model.frames import frame_sides
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.predictions import Predictions
from galaxyclass.model.probe import NetworkProbe
from galaxyclass.model.provenance import make_provenance, with_provenance
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted
from galaxyclass.tasks.task import Task
from galaxyclass.version import __version__

log = logging.getLogger(__name__)

#: The name that stands where a training has the name of its recipe.
FINETUNED = "finetuned"

#: LabelledGalaxies from which on a training of the network is tried.
FEWEST_FOR_NETWORK = 100


@public
def finetune(
    model: str | Path | Model,
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path,
    network: NetworkUse = "auto",
    balanced: bool = False,
    settings: Settings = (),
    options: InferenceOptions | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
    progress: Progress = silent,
) -> Finetuned:
    """Make a model of one's own labels, from a model and as few as fifty labels.

    First a probe, in seconds and without torch: linear regressions on the model's embedding and on
    its own answers, averaged by how well each predicts galaxies that it has not learnt. Then, with
    torch and only where cross-validation says that it pays, the network itself. The result predicts
    with all labels learnt; its score comes from cross-validation within the labels. It is a model
    as any other, calibrated by its out-of-fold predictions.

    Parameters
    ----------
    model : str, Path or Model
        The model to begin with: ``"pretrained"``, the folder of a run, a bundle, or an exported
        network. Or the name or TOML file of a recipe whose encoder has weights
        (`model.weights`, `model.pretrained`), such as those of timm: its embedding alone is used.
    images : Dataset, str or Path
        A data set; or the folder of the images.
    table : str, Path or a table in memory, optional
        With a folder: the labels, classes or votes (see `Dataset`). A galaxy that the table says
        is for test is not used.
    output : str or Path
        A new folder, usable as a run: ``bundle/``; ``out_of_fold.csv``, each galaxy as predicted by
        models that have not learnt it; ``split.csv``; ``metrics.json``.
    network : {"auto", "never", "always"}
        Whether the network itself is trained: ``auto`` where it pays and torch is installed.
    balanced : bool
        Each class counts as much as any other, however many galaxies it has.
    settings : mapping or sequence of str
        Changes to the recipe, as for `galaxyclass.train`. Of a model ``images.frame`` alone: the
        side of the part of each image that it sees, in pixels, or several of them, such as
        ``[290, 205, 145]``. By default three frames: √2 times the model's own, its own, and 1/√2
        times its own; of a smaller image all, 71 % and half of it.
    options : InferenceOptions, optional
        How the network is run. The ``views`` of the model are those of its predictions.
    seed : int
        Of folds and intervals.
    cache : str or Path, optional
        The folder for packed images, as for `galaxyclass.train`.
    progress : Progress

    Returns
    -------
    Finetuned

    Raises
    ------
    CatalogError
        The table cannot be understood, has fewer than 10 labels, a single class, or no classes.
    InvalidCatalogError
        The table has errors, and ``skip_invalid`` is False.
    BundleError
        ``model`` is none, or several.
    RecipeError
        The encoder of a recipe has no weights; or settings that no model has.
    OutputError
        The folder is not empty; no room, no permission.
    MissingExtraError, DeviceError
        As for `galaxyclass.model.predict`.
    """
    folder, dataset = Path(output), as_dataset(images, table)
    require_new(folder)
    choices = _Choices(network, balanced, seed, cache)
    with open_beginning(model, options, settings) as beginning:
        return _finetune(beginning, dataset, folder, choices, progress)


@dataclass(frozen=True)
class _Choices:
    """How a finetuning is done; see `finetune`."""

    network: NetworkUse
    balanced: bool
    seed: int
    cache: str | Path | None


def _finetune(
    beginning: Beginning, dataset: Dataset, folder: Path, choices: _Choices, progress: Progress
) -> Finetuned:
    seed, model = choices.seed, beginning.model
    sample, notes = read_labels(
        dataset,
        beginning.preprocessing,
        cache=choices.cache,
        workers=model.options.workers,
        progress=progress,
    )
    embedded = _embed(beginning, sample, progress)
    labels, target_notes = LabelledGalaxies.of(embedded.inputs, sample, balanced=choices.balanced)
    task = labels.task
    rungs = _simple_rungs(labels, seed, model)
    began = time.perf_counter()
    out_of_fold = cross_validate(labels, seed)
    mirrors = mirror_notes(out_of_fold, beginning, sample)
    fitted = labels.fit_without_link()
    unwritten = UnwrittenModel(
        "probe", labels.fit(), out_of_fold, embedded.features, embedded.statistics
    )
    rungs.append(
        scored_rung(
            "probe", "the probe", out_of_fold.score(seed), time.perf_counter() - began, task
        )
    )
    curve = label_curve(labels, out_of_fold, seed)
    if curve is not None:
        log.info("%s", describe_curve(curve, task.metric, len(labels)))
    if _tries_network(choices.network, len(labels)):
        from galaxyclass.finetuning.with_network import with_network

        unwritten = with_network(
            unwritten,
            beginning,
            sample,
            labels,
            rungs,
            only_if_it_pays=choices.network == "auto",
            seed=seed,
            progress=progress,
        )
    with writing_folder(folder) as temporary:
        if sample.left_out:
            name = run_folder.LEFT_OUT
            write_left_out(temporary / name, sample.left_out, named=folder / name)
        saved = _write(temporary, beginning, sample, task, unwritten, seed=seed)
        result = Finetuned(
            folder=folder,
            bundle=replace(saved, folder=folder / run_folder.BUNDLE),
            metric=task.metric,
            galaxies=len(labels),
            rungs=tuple(rungs),
            chosen=unwritten.key,
            shares=fitted.shares,
            curve=curve,
            notes=(*notes, *target_notes, *mirrors),
            unused=sample.unused,
        )
        write_text(temporary / run_folder.METRICS, metrics_json(result.to_json()))
    return result


def _embed(beginning: Beginning, sample: Sample, progress: Progress) -> Embedded:
    """Embed the labelled galaxies, and log how long it took."""
    began = time.perf_counter()
    embedded = embed_galaxies(beginning, sample, progress)
    took = time.perf_counter() - began
    embedded_by = [beginning.model.name, counted(beginning.model.views, "view")]
    if beginning.frames:
        embedded_by.append(frame_sides(beginning.preprocessing, beginning.frames))
    log.info("%d galaxies embedded by %s: %.1f s", len(sample.rows), ", ".join(embedded_by), took)
    return embedded


def _tries_network(network: NetworkUse, galaxies: int) -> bool:
    """Whether the network itself is to be cross-validated.

    Raises
    ------
    MissingExtraError
        It is asked for, and torch is not installed.
    """
    if network == "always":
        require_installed("torch", "timm", "safetensors", "onnx")
        return True
    if network == "never":
        return False
    if galaxies < FEWEST_FOR_NETWORK:
        log.info(
            "the network itself is not trained: that takes %d labels or more", FEWEST_FOR_NETWORK
        )
        return False
    if not all(find_spec(module) for module in ("torch", "timm", "safetensors", "onnx")):
        log.info(
            "the network itself is not trained: torch is not installed (%s)",
            'pip install "galaxyclass[train]"',
        )
        return False
    return True


def _simple_rungs(labels: LabelledGalaxies, seed: int, model: Model) -> list[Rung]:
    """The simplest predictor, and the rule on one answer of the network."""
    task, values = labels.task, labels.values
    simplest = task.main_score(task.simplest(len(labels)), values, seed=seed)
    rungs = [scored_rung("simplest", f"the {task.metric.simplest}", simplest, 0.0, task)]
    answer = fit_best_answer(labels.inputs, task.linear_targets(values), labels.weights)
    if answer is not None:
        began = time.perf_counter()

        def fit(part: LabelledGalaxies) -> NetworkProbe:
            alone = part.fit_best_answer()
            assert alone is not None, "the network has answers"
            return alone

        score = cross_validate(labels, seed, fit).score(seed)
        beneath = model.bundles[0].manifest.task
        title = f"one answer of {model.name}: {rule_in_words(answer, task, beneath)}"
        rungs.append(scored_rung("one_answer", title, score, time.perf_counter() - began, task))
    return rungs


def _write(
    folder: Path,
    beginning: Beginning,
    sample: Sample,
    task: Task,
    unwritten: UnwrittenModel,
    *,
    seed: int,
) -> Bundle:
    """Write split, out-of-fold predictions and, last, the bundle."""
    model = beginning.model
    bundle = model.bundles[0]
    parts = np.full(len(sample.rows), "train", dtype=object)
    write_split(folder / run_folder.SPLIT, [sample], [parts])
    predictions = unwritten.out_of_fold.mean.astype(np.float32)
    writers: dict[Role, BundleFileWriter] = {}
    if unwritten.write_weights is not None:
        writers["weights"] = unwritten.write_weights
    else:
        for role in ("weights", "network"):
            if bundle.has(role):
                writers[role] = partial(shutil.copyfile, bundle.file(role))
    writers["probe"] = _text_writer(
        unwritten.probe.with_answers(bundle.manifest.task.count).to_json()
    )
    truth = task.interval_truth(sample.targets)
    try:
        calibration = fit_calibration(
            task, predictions, unwritten.features, truth, unwritten.statistics, seed=seed
        )
    except ScoreError as error:
        log.info("Not calibrated. %s", " ".join((error.got or error.what).splitlines()))
    else:
        writers["calibration"] = _text_writer(calibration_json(calibration))
    manifest = _manifest(beginning, sample, task)
    if unwritten.write_weights is not None:
        # The weights are no longer those of the rounded network.
        manifest = replace(manifest, quantisation=None)
    saved = save_bundle(folder / run_folder.BUNDLE, manifest, writers)
    provenance = make_provenance([saved], folder.name, model.views, model.precision)
    ids = sample.catalog.ids
    columns = columns_of(task, ids.column, id_integer=ids.integer)
    rows = tabulate(task, columns, ids.values.tolist(), mask_unknown(task, predictions))
    rows = with_provenance(rows, provenance)
    table = Predictions(rows, task, columns, np.arange(len(predictions)))
    table.write(folder / f"{OUT_OF_FOLD}.csv", overwrite=True)
    return saved


def _manifest(beginning: Beginning, sample: Sample, task: Task) -> Manifest:
    catalog = sample.catalog
    return replace(
        beginning.manifest,
        recipe=FINETUNED,
        task=task,
        id_column=catalog.ids.column,
        id_integer=catalog.ids.integer,
        name_parts=catalog.name_parts,
        version=__version__,
        weights_digest="",
        network_digest="",
        calibration_digest="",
        views=beginning.model.views,
    )


def _text_writer(text: str) -> BundleFileWriter:
    return lambda path: path.write_text(text, encoding="utf-8")
