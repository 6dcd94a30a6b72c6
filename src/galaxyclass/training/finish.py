"""From a begun run to a finished one: train, then write the bundle, the scores and the curves."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Device
from galaxyclass.data.dataset.several import Parts, Samples
from galaxyclass.errors import StoppedError
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import write_text
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.networks.weights import write_weights
from galaxyclass.plots.curves import curves
from galaxyclass.plots.style import save
from galaxyclass.progress import Progress
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.short import short_path, summary
from galaxyclass.tasks.outputs import Outputs, VoteOutputs
from galaxyclass.training.data import galaxies_by_part
from galaxyclass.training.fit import Fitted, fit_network
from galaxyclass.training.history import read_history
from galaxyclass.training.runtime_settings import RuntimeSettings
from galaxyclass.training.score import Metrics, score
from galaxyclass.version import __version__


@dataclass(frozen=True)
class Trained:
    """A finished training: its folder and the scores of the epoch that was kept."""

    folder: Path
    metrics: Metrics

    def __repr__(self) -> str:
        metrics = self.metrics
        parts = "; ".join(
            f"{part} {metrics.score} {figures['value']:.4f} [{figures['low']:.4f}, {figures['high']:.4f}]"
            for part, figures in metrics.parts.items()
        )
        epochs = f"epoch {metrics.kept_epoch} of {metrics.epochs}"
        return summary(f"Trained {short_path(self.folder)}, {epochs}: {parts}")


def finish(
    folder: Path,
    recipe: Recipe,
    samples: Samples,
    parts: Parts,
    *,
    seed: int,
    device: Device,
    devices: int,
    runtime: RuntimeSettings,
    progress: Progress,
) -> Trained:
    """Train to the end and write what a run ends with."""
    outputs, auxiliary = samples.outputs(parts), samples.auxiliary_outputs(parts)
    galaxies = galaxies_by_part(samples, parts)
    try:
        fitted = fit_network(
            folder,
            recipe,
            outputs,
            galaxies,
            auxiliary=auxiliary,
            seed=seed,
            device=device,
            devices=devices,
            runtime=runtime,
            progress=progress,
        )
    except StoppedError:
        if read_history(folder / run_folder.HISTORY):
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
        precision=runtime.precision,
        auxiliary=auxiliary,
        mirrors=isinstance(outputs, VoteOutputs)
        or (recipe.augmentation.flip != "none" and not recipe.augmentation.mirror_pairs),
    )
    save_bundle(
        folder / run_folder.BUNDLE,
        manifest,
        {"weights": lambda path: write_weights(fitted.network, path)},
    )
    metrics = score(
        fitted.network,
        outputs,
        galaxies,
        epoch=fitted.epoch,
        history=read_history(folder / run_folder.HISTORY),
        seed=seed,
        runtime=runtime,
    )
    _draw(folder, outputs, fitted, metrics)
    # Last of all: a run that has this file is finished.
    write_text(folder / run_folder.METRICS, json.dumps(asdict(metrics), indent=1) + "\n")
    return Trained(folder, metrics)


def _draw(folder: Path, outputs: Outputs, fitted: Fitted | None, metrics: Metrics | None) -> None:
    name = "rmse" if isinstance(outputs, VoteOutputs) else "accuracy"
    reference: Any = None
    if metrics is not None:
        label = "mean vector" if name == "rmse" else "largest class"
        reference = (label, metrics.parts["validation"]["reference"])
    figure = curves(
        read_history(folder / run_folder.HISTORY),
        name,
        kept_epoch=None if fitted is None else fitted.epoch,
        reference=reference,
    )
    save(figure, folder / run_folder.CURVES)
