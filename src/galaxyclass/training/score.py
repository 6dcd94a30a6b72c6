"""The scores of a finished training: the kept network on all parts."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.networks.network import Network
from galaxyclass.networks.precision import compute_in_bfloat16
from galaxyclass.tasks.task import Task
from galaxyclass.training.data import Batches
from galaxyclass.training.diagnosis import Notice, diagnose
from galaxyclass.training.history import Row
from galaxyclass.training.job import TrainingJob
from galaxyclass.training.runtime_settings import RuntimeSettings

log = logging.getLogger(__name__)

#: Galaxies that are scored at a time.
_BATCH = 64


@dataclass(frozen=True)
class Metrics:
    """The content of `metrics.json`.

    Attributes
    ----------
    score : str
        The key of the task's `galaxyclass.tasks.metric.Metric`.
    kept_epoch, epochs : int
        The epoch whose weights were kept, and how many were trained.
    parts : mapping
        For each part its ``galaxies``, ``value`` with ``low`` and ``high`` (95 %
        bootstrap by galaxy), and ``reference``: the score of the training galaxies' mean vector,
        or of their largest class. The training part is scored without augmentation or
        dropout. Held-out votes also have ``noise_floor``: the score of a perfect model against the
        votes of some forty volunteers for each galaxy
        (`galaxyclass.tasks.scores.noise.noise_floor`).
    seconds : float
        Of all epochs together.
    images_per_second : float
        Median over the epochs, training alone.
    notices : sequence of Notice
        Problems of the training, in words.
    """

    score: str
    kept_epoch: int
    epochs: int
    parts: Mapping[str, Mapping[str, Any]]
    seconds: float
    images_per_second: float
    notices: Sequence[Notice] = ()


def score(
    network: Network,
    job: TrainingJob,
    history: Sequence[Row],
    *,
    epoch: int,
    runtime: RuntimeSettings,
) -> Metrics:
    """Score a network on the galaxies of a job, and log the problems of the training.

    Parameters
    ----------
    network : Network
        On the CPU.
    job : TrainingJob
        Its seed is also that of the bootstrap.
    history : sequence of rows
        Of the training.
    epoch : int
        Whose weights the network has.
    runtime : RuntimeSettings
        How the network was run in training, and is run here.
    """
    task, parts, seed = job.task, job.galaxies, job.seed
    if runtime.precision == "bf16":  # as prediction computes
        network = copy.deepcopy(network)
        compute_in_bfloat16(network)
    predictions = {part: predict_galaxies(network, galaxies) for part, galaxies in parts.items()}
    targets: dict[str, NDArray[Any]] = {part: galaxies.targets for part, galaxies in parts.items()}
    figures = {
        # The noise of the training galaxies can be learnt by heart, so there is no floor.
        part: score_part(task, predictions[part], targets[part], seed, floor=part != "train")
        for part in parts
    }
    notices = diagnose(
        task,
        predictions["validation"],
        targets["validation"],
        history,
        figures,
        kept_epoch=epoch,
        rate=job.recipe.optimizer.lr,
    )
    for notice in notices:
        log.warning("%s", notice.message)
    return Metrics(
        score=task.metric.key,
        kept_epoch=epoch,
        epochs=len(history),
        parts=figures,
        seconds=sum(row["seconds"] for row in history),
        images_per_second=float(np.median([row["images_per_second"] for row in history])),
        notices=notices,
    )


def score_part(
    task: Task,
    predictions: NDArray[np.float32],
    targets: NDArray[Any],
    seed: int,
    *,
    floor: bool = True,
) -> dict[str, float | int]:
    """The figures of a part in `Metrics`, with the noise floor where there is one.

    Parameters
    ----------
    task : Task
    predictions : (galaxies, outputs) float32
    targets : (galaxies, …)
        `Targets.values`.
    seed : int
        Of the bootstrap.
    floor : bool
        Compute the noise floor, too.
    """
    estimate, reference = task.score_beside_simplest(predictions, targets, seed=seed)
    figures = {
        "galaxies": len(targets),
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "reference": reference,
    }
    noise = task.noise_floor(targets) if floor else None
    return figures if noise is None else {**figures, "noise_floor": noise.value}


def predict_galaxies(
    network: Network, galaxies: Galaxies, device: str = "cpu", auxiliary: int | None = None
) -> NDArray[np.float32]:
    """(galaxies, outputs) float32: the predictions of a network that is on that device.

    Those of an auxiliary task if its number is given.
    """
    batches = []
    with torch.inference_mode():
        for batch in Batches(galaxies, _BATCH, seed=None):
            output = network.estimate(batch.cutouts.to(device))
            values = output.values if auxiliary is None else output.auxiliary[auxiliary]
            batches.append(values.cpu())
    return torch.cat(batches).numpy()
