"""What a model says of packed galaxies: embedding, answers, and image statistics."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.calibration.image_statistics import image_statistics
from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.finetuning.beginning import Beginning
from galaxyclass.finetuning.probe_inputs import ProbeInputs
from galaxyclass.model.answer_shares import answer_shares, same_question
from galaxyclass.model.backends.backend import is_concurrent, natural_batch_size
from galaxyclass.model.backends.probed_backend import see
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.probe import probe_columns
from galaxyclass.progress import Progress
from galaxyclass.tasks.task import Task
from galaxyclass.workers.ordered import ordered_pool
from galaxyclass.workers.processes import core_count


@dataclass(frozen=True)
class Embedded:
    """What a model says of galaxies, the mean over its test-time views and its frames.

    Attributes
    ----------
    inputs : ProbeInputs
    features : (galaxies, features) float32
    statistics : (galaxies, statistics) float32
        `galaxyclass.calibration.image_statistics` of the cutouts.
    """

    inputs: ProbeInputs
    features: NDArray[np.float32]
    statistics: NDArray[np.float32]


def embed_galaxies(beginning: Beginning, sample: Sample, progress: Progress) -> Embedded:
    """Run a model of one bundle on the cutouts of galaxies.

    Raises
    ------
    BundleError, DeviceError, MissingExtraError
        The network cannot be loaded, or does not fit its manifest.
    """
    model, manifest, frames = beginning.model, beginning.network, beginning.frames
    backend, images = model.ensemble.backend, sample.pack.images
    size = model.options.batch_size or natural_batch_size(backend, beginning.preprocessing)
    side = manifest.preprocessing.size
    rows = sample.rows
    batches = [rows[first : first + size] for first in range(0, len(rows), size)]

    def run(batch: NDArray[np.int64]) -> tuple[ModelOutput, NDArray[np.float32], Doubles]:
        cutouts = np.ascontiguousarray(images[batch])
        output, profile = see(backend, cutouts, frames, side)
        return output, image_statistics(cutouts), profile

    workers = (model.options.workers or core_count()) if is_concurrent(backend) else 1
    begin = backend.begin_thread if is_concurrent(backend) else None
    outputs, statistics, profiles, done = [], [], [], 0
    progress("embed", 0, len(rows))
    with closing(ordered_pool(run, batches, workers, begin)) as results:
        for output, of_images, profile in results:
            outputs.append(output)
            profiles.append(profile)
            statistics.append(of_images)
            done += len(output)
            progress("embed", done, len(rows))
    features = np.concatenate([output.features for output in outputs])
    values = np.concatenate([output.values for output in outputs])
    return Embedded(
        probe_inputs(manifest.task, features, values, np.concatenate(profiles)),
        features,
        np.concatenate(statistics),
    )


def probe_inputs(
    task: Task, features: NDArray[np.float32], values: NDArray[np.float32], profile: Doubles
) -> ProbeInputs:
    """The inputs of a probe, from a network's outputs.

    Parameters
    ----------
    task : Task
        What the network predicts.
    features : (galaxies, features) float32
    values : (galaxies, outputs) float32
    profile : (galaxies, profile) float64
        `brightness_profile` of the cutouts.
    """
    tree = task.decision_tree
    words = task.names if tree is None else tuple(each.name for each in tree.answers)
    shares = answer_shares(values, same_question(task))
    names, answers = task.names, np.where(task.known_mask, shares, 0.5)
    if not task.known_mask.any():  # an encoder alone
        names, words, answers = (), (), answers[:, :0]
    embedding = features.astype(np.float64)
    return ProbeInputs(embedding, probe_columns(answers), profile, names, words)
