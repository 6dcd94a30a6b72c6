"""From a begun run to a finished one: train, then write the bundle, the scores and the curves."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import galaxyclass.training.run as files
from galaxyclass.atomic import write_text
from galaxyclass.bundles import Manifest, Outputs, VoteOutputs, save_bundle
from galaxyclass.errors import StoppedError
from galaxyclass.models import write_weights
from galaxyclass.plots import curves, save
from galaxyclass.progress import Progress
from galaxyclass.recipes import Recipe
from galaxyclass.samples import Parts, Samples
from galaxyclass.training.data import galaxies_by_part
from galaxyclass.training.devices import Device
from galaxyclass.training.fit import Fitted, fit
from galaxyclass.training.history import read_history
from galaxyclass.training.score import Metrics, score
from galaxyclass.training.ways import Way
from galaxyclass.version import __version__


@dataclass(frozen=True)
class Trained:
    """A finished training: its folder and the scores of the epoch that was kept."""

    folder: Path
    metrics: Metrics


def finish(
    folder: Path,
    recipe: Recipe,
    samples: Samples,
    parts: Parts,
    *,
    seed: int,
    device: Device,
    devices: int,
    way: Way,
    progress: Progress,
) -> Trained:
    """Train to the end and write what a run ends with."""
    outputs, further = samples.outputs(parts), samples.further_outputs(parts)
    galaxies = galaxies_by_part(samples, parts)
    try:
        fitted = fit(
            folder,
            recipe,
            outputs,
            galaxies,
            further=further,
            seed=seed,
            device=device,
            devices=devices,
            way=way,
            progress=progress,
        )
    except StoppedError:
        if read_history(folder / files.HISTORY):
            _draw(folder, outputs, None, None)
        raise
    ids = samples.first.catalog.ids
    manifest = Manifest(
        recipe=recipe.name,
        preprocessing=recipe.images,
        model=recipe.model.model_copy(update={"weights": None, "pretrained": False}),
        outputs=outputs,
        id_column=ids.column,
        id_integer=ids.integer,
        weights_digest="",
        version=__version__,
        name_parts=samples.first.catalog.name_parts,
        precision=way.precision,
        further=further,
        mirrors=isinstance(outputs, VoteOutputs)
        or (recipe.augmentation.flip != "none" and not recipe.augmentation.mirror_pairs),
    )
    save_bundle(
        folder / files.BUNDLE,
        manifest,
        {"weights": lambda path: write_weights(fitted.network, path)},
    )
    metrics = score(
        fitted.network,
        outputs,
        galaxies,
        epoch=fitted.epoch,
        history=read_history(folder / files.HISTORY),
        seed=seed,
        way=way,
    )
    _draw(folder, outputs, fitted, metrics)
    # Last of all: a run that has this file is finished.
    write_text(folder / files.METRICS, json.dumps(asdict(metrics), indent=1) + "\n")
    return Trained(folder, metrics)


def _draw(folder: Path, outputs: Outputs, fitted: Fitted | None, metrics: Metrics | None) -> None:
    name = "rmse" if isinstance(outputs, VoteOutputs) else "accuracy"
    reference: Any = None
    if metrics is not None:
        label = "mean vector" if name == "rmse" else "largest class"
        reference = (label, metrics.parts["validation"]["reference"])
    figure = curves(
        read_history(folder / files.HISTORY),
        name,
        kept_epoch=None if fitted is None else fitted.epoch,
        reference=reference,
    )
    save(figure, folder / files.CURVES)
