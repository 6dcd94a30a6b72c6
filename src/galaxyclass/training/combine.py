"""Making one model of several runs: an ensemble of networks that differ only in their weights."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from galaxyclass.arguments import public
from galaxyclass.errors import BundleError, RunError
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import require_new, write_text, writing_folder
from galaxyclass.io.csv_text import csv_text
from galaxyclass.io.run_folder import run_file
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.model.ensemble import common_task
from galaxyclass.model.load import open_model, require_own_labelling
from galaxyclass.model.model import Model
from galaxyclass.model.pretrained import is_pretrained, shown_folder
from galaxyclass.networks.network import EnsembleNetwork
from galaxyclass.networks.weights import load_weights, write_weights
from galaxyclass.short import counted, first_line, short_path, summary


@dataclass(frozen=True)
class Combined:
    """A model that was made of several runs.

    Attributes
    ----------
    folder : Path
        Usable wherever a run is.
    bundle : Bundle
    split : bool
        Whether the galaxies that it was trained on are known for all members.
    """

    folder: Path
    bundle: Bundle
    split: bool

    def __repr__(self) -> str:
        members = self.bundle.manifest.members
        return summary(f"Combined {counted(members, 'network')} in {short_path(self.folder)}")


@public
def combine(models: Sequence[str | Path | Model], *, output: str | Path) -> Combined:
    """Make one model of several: an ensemble, which predicts their mean.

    It predicts as `predict` does for several models, and can be calibrated and exported. They may
    differ in seeds, galaxies, epochs or learning rates, but have the same cutouts and the same
    network. The embedding is that of the first.

    Parameters
    ----------
    models : sequence of str, Path or Model
        Two or more folders of runs, bundles, exported networks or ``"pretrained"``. The galaxies
        that exported networks and the pretrained model were trained on are not known. A combined
        model counts as its members.
    output : str or Path
        The folder to make: a bundle, the recipe of the first, and ``split.csv``, in which a
        galaxy counts as trained on if any of them was trained on it.

    Raises
    ------
    RunError
        Fewer than two, or the same network twice.
    BundleError
        Not a model, or not finished; they differ in outputs, cutouts or networks.
    OutputError
        The folder is not empty; no room, no permission.
    MissingExtraError
        torch is not installed, or onnx, which reads exported networks.

    Examples
    --------
    >>> combine(["runs/a"], output="runs/mean")
    Traceback (most recent call last):
    galaxyclass.errors.RunError: nothing to combine
      wanted: two models or more
      got:    1
    """
    folder = Path(output)
    if len(models) < 2:
        raise RunError("nothing to combine", wanted="two models or more", got=str(len(models)))
    model = open_model(models)
    require_own_labelling(model, "combine")
    bundles = model.bundles
    _require_alike(bundles)
    _require_different(model.sources, bundles)
    require_new(folder)
    split = None if any(map(is_pretrained, model.sources)) else _split(model.sources)
    first = model.sources[0]
    recipe = None if is_pretrained(first) else run_file(first, run_folder.RECIPE)
    with writing_folder(folder) as temporary:
        if split is not None:
            write_text(temporary / run_folder.SPLIT, split)
        if recipe is not None:
            write_text(temporary / run_folder.RECIPE, recipe.read_text(encoding="utf-8"))
        bundle = save_ensemble(temporary / run_folder.BUNDLE, bundles)
    bundle = replace(bundle, folder=folder / run_folder.BUNDLE)
    return Combined(folder, bundle, split is not None)


def save_ensemble(folder: Path, bundles: Sequence[Bundle]) -> Bundle:
    """Write a bundle whose networks are those of several bundles, built alike."""
    networks = [network for bundle in bundles for network in load_weights(bundle).networks]
    manifests = [bundle.manifest for bundle in bundles]
    manifest = replace(
        manifests[0],
        task=common_task(bundles),
        precision="bf16" if any(each.precision == "bf16" for each in manifests) else "fp32",
        members=len(networks),
        views=max(each.views for each in manifests),
        weights_digest="",
        network_digest="",
        calibration_digest="",
        quantisation=None,
    )
    ensemble = EnsembleNetwork(networks)
    return save_bundle(folder, manifest, {"weights": lambda path: write_weights(ensemble, path)})


def _require_different(sources: Sequence[Path], bundles: Sequence[Bundle]) -> None:
    """Refuse a network that would count twice in the mean.

    Raises
    ------
    RunError
    """
    first: dict[str, Path] = {}
    for source, bundle in zip(sources, bundles, strict=True):
        digest = bundle.manifest.digest
        if digest in first:
            raise RunError(
                "the same network twice, which would count twice in the mean",
                wanted="networks of several trainings",
                got=f"{first[digest]} and {source}",
                hint="name each model once",
            )
        first[digest] = source


def _require_alike(bundles: Sequence[Bundle]) -> None:
    """Refuse networks that are not built alike."""
    first, *others = (bundle.manifest for bundle in bundles)
    for bundle in bundles:
        if bundle.manifest.network_outputs is not None:
            raise BundleError(
                f"{shown_folder(bundle.folder)}: a finetuned model cannot be combined with others",
                wanted="networks alone: the folders of trainings",
                got="a network with a probe",
                hint="predict with all of them: `galaxyclass.predict(['MODEL', 'MODEL'], …)`",
            )
    for bundle, other in zip(bundles[1:], others, strict=True):
        for name in ("preprocessing", "model", "auxiliary", "mirrors"):
            first_value, other_value = getattr(first, name), getattr(other, name)
            if name == "auxiliary":
                first_value, other_value = (
                    [(table.labelling, table.class_names) for table in tables]
                    for tables in (first_value, other_value)
                )
            if first_value != other_value:
                raise BundleError(
                    f"{shown_folder(bundles[0].folder)} and {shown_folder(bundle.folder)} cannot "
                    "be combined: they are not alike",
                    wanted=f"the same {name}: {first_value}",
                    got=str(other_value),
                    hint="predict with both: `galaxyclass.predict(['MODEL', 'MODEL'], …)`",
                )
        if not np.array_equal(first.task.known_mask, other.task.known_mask):
            raise BundleError(
                f"{shown_folder(bundles[0].folder)} and {shown_folder(bundle.folder)} cannot be "
                "combined: they were trained on other answers",
                hint="predict with both: `galaxyclass.predict(['MODEL', 'MODEL'], …)`",
            )


def _split(runs: Sequence[Path]) -> str | None:
    """The lines of all runs' ``split.csv``, each once; None if a run has none."""
    files = [run_file(run, run_folder.SPLIT) for run in runs]
    tables = []
    for file in files:
        if file is None:
            return None
        try:
            with file.open(encoding="utf-8", newline="") as stream:
                tables.append(list(csv.DictReader(stream)))
        except (OSError, ValueError, csv.Error) as error:
            raise RunError(
                f"{file}: not a list of a run's galaxies, or damaged", got=first_line(error)
            ) from error
    columns = list(dict.fromkeys(name for rows in tables for row in rows for name in row))
    lines = (tuple(row.get(name, "") for name in columns) for rows in tables for row in rows)
    # Read again: the ids are exact.
    return csv_text([columns, *dict.fromkeys(lines)], quote_formulas=False)
