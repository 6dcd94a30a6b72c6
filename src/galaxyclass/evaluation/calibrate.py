"""`calibrate`: measure how far a run can be trusted, on galaxies that it was not trained on."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Part, public
from galaxyclass.calibration.calibration import fit_calibration
from galaxyclass.calibration.files import calibration_json
from galaxyclass.calibration.image_statistics import image_statistics
from galaxyclass.calibration.intervals import COVERAGE_LEVEL
from galaxyclass.calibration.out_of_distribution import FALSE_ALARMS
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.dataset.scored import choose, read_galaxies
from galaxyclass.data.leakage import PARTS
from galaxyclass.errors import ArgumentError, RunError
from galaxyclass.evaluation.calibrated import Calibrated
from galaxyclass.evaluation.used_galaxies import used_galaxies
from galaxyclass.images.files import image_paths
from galaxyclass.images.inspect import digest_files
from galaxyclass.io.atomic import require_new, translated, write_text
from galaxyclass.io.reading import parse_toml, read_description
from galaxyclass.io.run_folder import BUNDLE, RECIPE, SPLIT, run_file
from galaxyclass.model.backends.backend import require_fit
from galaxyclass.model.bundle.load import SUFFIXES, Bundle, ExportedBundle, Role
from galaxyclass.model.bundle.save import BundleFileWriter, save_bundle
from galaxyclass.model.load import open_model, single_bundle
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.pretrained import is_pretrained
from galaxyclass.model.stream import predict_stream
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted

#: In-distribution images that are used at most; more would not change the fit.
_MOST_IMAGES = 20_000

_OPTIMISTIC = (
    "Validation galaxies are among them, and the best epoch was chosen by them: the intervals are "
    "slightly too narrow."
)


@public
def calibrate(
    model: str | Path | Model,
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path | None = None,
    part: Part = "unseen",
    in_distribution: str | Path | Sequence[str | Path] = (),
    level: float = COVERAGE_LEVEL,
    false_alarms: float = FALSE_ALARMS,
    options: InferenceOptions | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Calibrated:
    """Predict galaxies that a run was not trained on, and store its errors in its bundle.

    From then on predictions can include uncertainty and the out-of-distribution score. An earlier
    calibration is replaced. A network that was exported before does not have it: export again.

    Parameters
    ----------
    model : str, Path or Model
        The folder of a run, a bundle, an exported network or ``"pretrained"``; the last two with
        ``output``.
    images : Dataset, str or Path
        A data set; or the folder of the images.
    table : str, Path or a table in memory, optional
        With a folder: what is known of its images (see `Dataset`).
        Rows without an image are left out.
    output : str or Path, optional
        A folder for a calibrated copy of the run's model; the run itself stays as it is. The copy
        can be used as a run is. Without it the calibration becomes part of the run.
    part : {"unseen", "validation", "test", "all"}
        Which galaxies: by default those that the model was not trained on, neither under their id
        nor as the same image under another id. ``all`` is for galaxies that you know were not
        trained on; the pretrained model, which does not say what it was trained on, needs it.
    in_distribution : str, Path or a sequence of them
        More in-distribution images, which should not be flagged as strange: folders, or files; no
        votes are needed. Images that the model was trained on are left out. Of more than 20,000
        images 20,000 are drawn at random.
    level : float
        Share of true fractions between the bounds.
    false_alarms : float
        Share of in-distribution images that may be flagged as strange, above 0 and below 0.5. Of
        fewer than 1 / false_alarms images only those beyond all of them are flagged.
    options : InferenceOptions, optional
        How the network is run, as for `galaxyclass.model.predict`. Give the ``views`` that it will
        predict with: more views give smaller errors and narrower intervals.
    progress
        As for `galaxyclass.model.predict`.
    seed : int
        Of the folds, and of the images that are drawn.

    Returns
    -------
    Calibrated

    Raises
    ------
    InvalidCatalogError
        The table has errors, and ``skip_invalid`` is False.
    CatalogError
        The table cannot be understood, or does not have what the model predicts.
    RunError
        No galaxy or no in-distribution image is left; the run does not say which galaxies it
        was trained on; an exported network or the pretrained model without ``output``.
    ArgumentError, ArgumentTypeError
        A wrong argument, such as a ``part`` that the model was trained on; nothing is done then.
    ScoreError
        Too few galaxies.
    OutputError
        The bundle cannot be written; the earlier one stays. Something is in ``output`` already.
    BundleError, MissingExtraError, DeviceError
        As for `galaxyclass.model.predict`.
    """
    if part == "train":
        raise ArgumentError(
            "a calibration needs galaxies that the run was not trained on",
            argument="part",
            wanted=f"one of {', '.join(name for name in PARTS if name != 'train')}",
            got=part,
        )
    model = open_model(model, options)
    bundle, source = single_bundle(model, "calibrate"), model.sources[0]
    _require_place(bundle, source, output)
    more_paths = _image_paths(in_distribution)
    task, used = bundle.manifest.task, used_galaxies(model, part)
    _, catalog, notes = read_galaxies(task, (), as_dataset(images, table))
    catalog, parts, chosen = choose(catalog, used, part, model.options.workers, progress)
    paths: list[str] = catalog.paths.tolist()
    more = None
    if more_paths:
        trained = used.digests["train"] if used else frozenset[str]()
        if used and not trained and part != "all":
            raise _no_digests()
        unused, left_out = _unused_images(
            more_paths, paths, trained, seed=seed, workers=model.options.workers, progress=progress
        )
        seen = _predict(model, unused, "the images of `in_distribution`", progress)
        more = seen.output.features, seen.statistics
        notes += [*left_out, *seen.notes("in-distribution image")]
    seen = _predict(model, paths, "the images", progress)
    notes += seen.notes("image")
    counts = dict(Counter(parts[seen.decoded].tolist()))
    targets = catalog.take(np.flatnonzero(seen.decoded).astype(np.int64)).targets
    calibration = fit_calibration(
        task,
        seen.output.values,
        seen.output.features,
        None if targets is None else task.interval_truth(targets),
        seen.statistics,
        in_distribution=more,
        level=level,
        false_alarms=false_alarms,
        notes=(_OPTIMISTIC,) if counts.get("validation") and _validation_chose(source) else (),
        seed=seed,
    )

    def write(path: Path) -> None:
        path.write_text(calibration_json(calibration), encoding="utf-8")

    if output is None:
        saved = save_bundle(bundle.folder, bundle.manifest, {"calibration": write})
    else:
        saved = _save_copy(bundle, source, Path(output), write)
    return Calibrated(calibration, saved, counts, (*notes, *chosen))


def _require_place(bundle: Bundle, source: Path, output: str | Path | None) -> None:
    """Refuse a model that cannot be calibrated where it is, and a folder that is used."""
    if output is not None:
        require_new(Path(output))
    elif is_pretrained(source):
        raise RunError(
            "the pretrained model is part of the package, and stays as it is",
            wanted="a folder for a calibrated copy of it: `output`",
            hint='`output="runs/calibrated"`; that folder is then a model as any other',
        )
    elif isinstance(bundle, ExportedBundle):
        raise RunError(
            f"{source}: an exported network stays as it is",
            wanted="the folder of a run, or a folder for a calibrated copy: `output`",
            hint="calibrate the run, then export it again",
        )


def _save_copy(bundle: Bundle, source: Path, folder: Path, write: BundleFileWriter) -> Bundle:
    """Write a run's bundle with a new calibration to a folder, beside its split and recipe."""
    writers: dict[Role, BundleFileWriter] = {
        role: partial(shutil.copyfile, bundle.file(role))
        for role in SUFFIXES
        if role != "calibration" and bundle.has(role)
    }
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name in (SPLIT, RECIPE):
        file = None if is_pretrained(source) else run_file(source, name)
        if file is not None:
            write_text(folder / name, file.read_text(encoding="utf-8"))
    # The bundle is written last: a folder that has one is a model.
    return save_bundle(folder / BUNDLE, bundle.manifest, {**writers, "calibration": write})


def _image_paths(sources: str | Path | Sequence[str | Path]) -> list[str]:
    several = [sources] if isinstance(sources, str | Path) else sources
    return image_paths(several) if several else []


def _unused_images(
    candidates: list[str],
    paths: Sequence[str],
    trained: frozenset[str],
    *,
    seed: int,
    workers: int | None,
    progress: Progress,
) -> tuple[list[str], list[str]]:
    """The candidates that are neither among `paths` nor were trained on, and notes.

    Images are compared by their digests: two folders may use one name for different galaxies.
    """
    notes = []
    if len(candidates) > _MOST_IMAGES:
        notes.append(f"Of {len(candidates):,} in-distribution images {_MOST_IMAGES:,} were drawn.")
        drawn = np.random.default_rng(seed).choice(len(candidates), _MOST_IMAGES, replace=False)
        candidates = [candidates[index] for index in np.sort(drawn)]
    known = set(digest_files(paths, workers, progress))
    unused, counts = [], Counter[str]()
    digests = digest_files(candidates, workers, progress)
    for path, digest in zip(candidates, digests, strict=True):
        if digest in trained:
            counts["that the run was trained on"] += 1
        elif digest in known:
            counts["that are calibrated on already, or are there twice"] += 1
        else:
            known.add(digest)
            unused.append(path)
    left_out = [f"{count:,} {reason}" for reason, count in counts.items()]
    if not unused:
        raise RunError(
            "none of the images of `in_distribution` can be used",
            wanted="images that the run was not trained on, and that are not calibrated on already",
            got=", ".join(left_out),
        )
    if left_out:
        notes.append(f"In-distribution images that are left out: {', '.join(left_out)}.")
    return unused, notes


def _no_digests() -> RunError:
    return RunError(
        "this run's split.csv has no digests of its images, to tell what it was trained on",
        hint="leave out `in_distribution`; or pass `part='all'`, if you know that it was trained "
        "on none of them",
    )


@dataclass(frozen=True)
class _Seen:
    """What was predicted and measured of images, some of which could not be decoded.

    Attributes
    ----------
    output : ModelOutput
        Of the decoded images.
    statistics : (decoded images, statistics) float32
    decoded : (images,) bool
    """

    output: ModelOutput
    statistics: NDArray[np.float32]
    decoded: NDArray[np.bool_]

    def notes(self, noun: str) -> list[str]:
        """How many images could not be decoded."""
        lost = int((~self.decoded).sum())
        return [f"Left out, since not decodable: {counted(lost, noun)}."] if lost else []


def _predict(model: Model, paths: Sequence[str], images_word: str, progress: Progress) -> _Seen:
    manifest, backend = model.bundles[0].manifest, model.ensemble.backend
    progress("predict", 0, len(paths))
    outputs, statistics, decoded = [], [], []
    stream = predict_stream(
        paths, manifest.preprocessing, backend, model.options, describe=image_statistics
    )
    with closing(stream):
        for batch in stream:
            decoded.append(batch.decoded)
            if batch.output is not None and batch.image_statistics is not None:
                galaxies = int(batch.decoded.sum())
                require_fit(batch.output, galaxies, manifest.task, manifest.auxiliary)
                outputs.append(batch.output)
                statistics.append(batch.image_statistics)
            progress("predict", batch.start + len(batch.paths), len(paths))
    if not outputs:
        raise RunError(f"none of {images_word} could be decoded", got=f"such as {paths[0]}")
    output = ModelOutput(
        np.concatenate([output.values for output in outputs]),
        (),
        np.concatenate([output.features for output in outputs]),
    )
    return _Seen(output, np.concatenate(statistics), np.concatenate(decoded))


def _validation_chose(run: Path) -> bool:
    """Whether the run kept its best epoch; False for a bundle without its run."""
    file = run_file(run, RECIPE)
    if file is None:
        return False
    try:
        # Only this setting is read, so that a run of another version can be calibrated.
        training = parse_toml(read_description(file)).get("training", {})
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"{file}: not the recipe of a run", got=str(error)) from error
    return bool(training.get("keep") == "best")
