"""Measuring how far a run can be trusted, on galaxies that it did not train on."""

from __future__ import annotations

import shutil
import tomllib
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import ChosenPrecision, Device, Part, public
from galaxyclass.calibration.calibration import Calibration, fit_calibration
from galaxyclass.calibration.files import calibration_json
from galaxyclass.calibration.image_statistics import image_statistics
from galaxyclass.calibration.intervals import COVERAGE_LEVEL
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.dataset.scored import choose, read_galaxies
from galaxyclass.data.leakage import PARTS
from galaxyclass.errors import ArgumentError, RunError
from galaxyclass.evaluation.used_galaxies import used_galaxies
from galaxyclass.images.files import image_paths
from galaxyclass.images.inspect import digest_files
from galaxyclass.io.atomic import require_new, translated, write_text
from galaxyclass.io.run_folder import BUNDLE, RECIPE, SPLIT, run_file
from galaxyclass.model.backends.backend import Backend, require_fit
from galaxyclass.model.bundle.load import SUFFIXES, Bundle, ExportedBundle, Role
from galaxyclass.model.bundle.save import BundleFileWriter, save_bundle
from galaxyclass.model.model import Model, open_model, single_bundle
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.pretrained import is_pretrained
from galaxyclass.model.stream import predict_stream
from galaxyclass.progress import Progress, silent
from galaxyclass.short import short_path, summary

#: Ordinary pictures that are looked at; more would not tell more.
_MOST = 20_000

_CHOSE = (
    "Validation galaxies are among them, and chose the epoch that was kept: the intervals are "
    "slightly too narrow."
)


@dataclass(frozen=True)
class Calibrated:
    """What `calibrate` made.

    Attributes
    ----------
    calibration : Calibration
    bundle : Bundle
        That now holds it.
    galaxies_by_part : dict of str to int
        What its galaxies were in the training, as of an `Evaluation`.
    notes : tuple of str
        Which galaxies were left out.
    """

    calibration: Calibration
    bundle: Bundle
    galaxies_by_part: dict[str, int]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(f"Calibrated {short_path(self.bundle.folder)}: {self.calibration.words}")


@public
def calibrate(
    run: str | Path | Model,
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path | None = None,
    part: Part = "unseen",
    ordinary: str | Path | Sequence[str | Path] = (),
    level: float = COVERAGE_LEVEL,
    views: int | None = None,
    device: Device = "auto",
    precision: ChosenPrecision = "auto",
    batch_size: int | None = None,
    workers: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
    backend: Backend | None = None,
) -> Calibrated:
    """Predict galaxies that a run did not train on, and keep in its bundle how far it is off.

    From then on predictions can include uncertainty and strangeness. An earlier calibration is
    replaced. A network that was exported before does not have it: export again.

    Parameters
    ----------
    run : str, Path or Model
        The folder of a run, a bundle, or ``"pretrained"``.
    images : Dataset, str or Path
        A data set; or the folder of the images.
    table : str, Path or a table in memory, optional
        With a folder: what is known of its images (see `Dataset`).
        Rows without an image are left out.
    output : str or Path, optional
        A folder to write a calibrated copy of the run's model to, and to leave the run as it is.
        The pretrained model, which is part of the package, needs one. Where it is, it can be named
        as a run is.
    part : {"unseen", "validation", "test", "all"}
        Which galaxies: by default those that the run was not trained on, neither under their id
        nor as the same image under another id. ``all`` is for galaxies of which you know that;
        the pretrained model, which does not say what it was trained on, takes that alone.
    ordinary : str, Path or a sequence of them
        More pictures of galaxies that are not to be flagged as strange: folders, or files; votes
        are not looked at. Those that the run was trained on are left out; of more than 20,000 so
        many are drawn by the seed.
    level : float
        Share of true fractions between the bounds.
    views : int, optional
        Over how many views it will predict (`galaxyclass.model.predict`): the more, the nearer
        to the truth, and the narrower its intervals.
    device, precision, batch_size, workers, progress, backend
        As for `galaxyclass.model.predict`.
    seed : int
        Of the folds, and of what is drawn.

    Returns
    -------
    Calibrated

    Raises
    ------
    InvalidCatalogError
        The table has errors, and ``skip_invalid`` is False.
    CatalogError
        The table cannot be understood, or does not have what the run predicts.
    RunError
        No galaxy is left, or none of the ordinary pictures; the run does not say which galaxies it
        was trained on; ``run`` is an exported network, or the pretrained model without ``output``.
    ArgumentError, ArgumentTypeError
        A wrong argument, such as a ``part`` that the run was trained on; nothing is done then.
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
    options = InferenceOptions(views, device, precision, batch_size, workers)
    model = open_model(run, options, backend)
    bundle, source = single_bundle(model, "calibrate"), model.sources[0]
    if output is None and is_pretrained(source):
        raise RunError(
            "the pretrained model is part of the package, and stays as it is",
            wanted="a folder for a calibrated copy of it: `output`",
            hint='`output="runs/calibrated"`, which can then be named as a run is',
        )
    if output is not None:
        require_new(Path(output))
    if isinstance(bundle, ExportedBundle):
        raise RunError(
            f"{source}: an exported network stays as it is",
            wanted="the folder of a run, or a bundle",
            hint="calibrate the run, then export it again",
        )
    others = _paths(ordinary)
    task, seen = bundle.manifest.task, used_galaxies(model, part)
    _, catalog, notes = read_galaxies(task, (), as_dataset(images, table))
    network, workers = model.ensemble.backend, model.options.workers
    catalog, parts, chosen = choose(catalog, seen, part, workers, progress)
    paths: list[str] = catalog.paths.tolist()
    predict = partial(
        _predict,
        bundle,
        network,
        batch_size=model.options.batch_size,
        workers=workers,
        progress=progress,
    )
    more = None
    if others:
        trained = seen.digests["train"] if seen else frozenset[str]()
        if seen and not trained and part != "all":
            raise _no_digests()
        fresh, left_out = _ordinary(
            others, paths, trained, seed=seed, workers=workers, progress=progress
        )
        also, its_looks, readable = predict(fresh, "the pictures of `ordinary`")
        more = also.features, its_looks
        notes += left_out
        if not readable.all():
            notes.append(f"{(~readable).sum():,} ordinary pictures cannot be decoded.")
    said, described, decoded = predict(paths, "the images")
    if not decoded.all():
        notes.append(f"{(~decoded).sum():,} images cannot be decoded and are left out.")
    counts = dict(Counter(parts[decoded].tolist()))
    targets = catalog.take(np.flatnonzero(decoded).astype(np.int64)).targets
    calibration = fit_calibration(
        task,
        said.values,
        said.features,
        None if targets is None else targets.joint_fractions,
        described,
        ordinary=more,
        level=level,
        notes=(_CHOSE,) if counts.get("validation") and _validation_chose(source) else (),
        seed=seed,
    )

    def write(path: Path) -> None:
        path.write_text(calibration_json(calibration), encoding="utf-8")

    if output is None:
        saved = save_bundle(bundle.folder, bundle.manifest, {"calibration": write})
    else:
        saved = _save_copy(bundle, source, Path(output), write)
    return Calibrated(calibration, saved, counts, (*notes, *chosen))


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
    # Last of all: what has a bundle is a model.
    return save_bundle(folder / BUNDLE, bundle.manifest, {**writers, "calibration": write})


def _paths(places: str | Path | Sequence[str | Path]) -> list[str]:
    given = [places] if isinstance(places, str | Path) else places
    return image_paths(given) if given else []


def _ordinary(
    found: list[str],
    paths: Sequence[str],
    trained: frozenset[str],
    *,
    seed: int,
    workers: int | None,
    progress: Progress,
) -> tuple[list[str], list[str]]:
    """Those of the pictures found that are neither among `paths` nor were trained on; notes.

    Told by the digest of the image: the name of a galaxy may be that of another in another folder.
    """
    notes = []
    if len(found) > _MOST:
        notes.append(f"Of {len(found):,} ordinary pictures {_MOST:,} were drawn.")
        drawn = np.random.default_rng(seed).choice(len(found), _MOST, replace=False)
        found = [found[place] for place in np.sort(drawn)]
    known = set(digest_files(paths, workers, progress))
    fresh, counts = [], Counter[str]()
    for path, digest in zip(found, digest_files(found, workers, progress), strict=True):
        if digest in trained:
            counts["that the run was trained on"] += 1
        elif digest in known:
            counts["that are measured anyway, or twice there"] += 1
        else:
            known.add(digest)
            fresh.append(path)
    told = [f"{count:,} {what}" for what, count in counts.items()]
    if not fresh:
        raise RunError(
            "none of the pictures of `ordinary` can tell what is not strange",
            wanted="some that the run was not trained on, beside those that are measured",
            got=", ".join(told),
        )
    if told:
        notes.append(f"Of the ordinary pictures are left out: {', '.join(told)}.")
    return fresh, notes


def _no_digests() -> RunError:
    return RunError(
        "this run's split.csv has no digests of its images, to tell what it was trained on",
        hint="leave out `ordinary`; or pass `part='all'`, if you know that it was trained on none "
        "of them",
    )


def _predict(
    bundle: Bundle,
    backend: Backend,
    paths: Sequence[str],
    what: str,
    *,
    batch_size: int | None,
    workers: int | None,
    progress: Progress,
) -> tuple[ModelOutput, NDArray[np.float32], NDArray[np.bool_]]:
    """What the network says of images and what they look like, and which could be decoded."""
    manifest = bundle.manifest
    progress("predict", 0, len(paths))
    said, described, decoded = [], [], []
    stream = predict_stream(
        paths, manifest.preprocessing, backend, batch_size, workers, describe=image_statistics
    )
    with closing(stream):
        for batch in stream:
            decoded.append(batch.decoded)
            if batch.output is not None and batch.image_statistics is not None:
                galaxies = int(batch.decoded.sum())
                require_fit(batch.output, galaxies, manifest.task, manifest.auxiliary)
                said.append(batch.output)
                described.append(batch.image_statistics)
            progress("predict", batch.start + len(batch.paths), len(paths))
    if not said:
        raise RunError(f"none of {what} could be decoded", got=f"such as {paths[0]}")
    whole = ModelOutput(
        np.concatenate([one.values for one in said]),
        (),
        np.concatenate([one.features for one in said]),
    )
    return whole, np.concatenate(described), np.concatenate(decoded)


def _validation_chose(run: Path) -> bool:
    """Whether the run kept its best epoch; of a bundle without its run nothing is known."""
    file = run_file(run, "recipe.toml")
    if file is None:
        return False
    try:
        # This one setting, so that a run of another version can be calibrated.
        training = tomllib.loads(file.read_text(encoding="utf-8")).get("training", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RunError(f"{file}: not the recipe of a run", got=str(error)) from error
    return bool(training.get("keep") == "best")
