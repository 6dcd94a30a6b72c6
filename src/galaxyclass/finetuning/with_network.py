"""The network stage of a finetuning: whether it pays, and the model with the trained network."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.finetuning.beginning import Beginning
from galaxyclass.finetuning.cross_validation import LabelledGalaxies
from galaxyclass.finetuning.finetuned import Rung, UnwrittenModel, scored_rung
from galaxyclass.finetuning.network import NETWORK_FOLDS, fastest_threads, train_on_all, try_network
from galaxyclass.finetuning.network_training import NetworkTraining
from galaxyclass.networks.probed import ProbedNetwork
from galaxyclass.networks.weights import load_weights, write_weights
from galaxyclass.progress import Progress
from galaxyclass.short import counted

log = logging.getLogger(__name__)


def with_network(
    unwritten: UnwrittenModel,
    beginning: Beginning,
    sample: Sample,
    labels: LabelledGalaxies,
    rungs: list[Rung],
    *,
    only_if_it_pays: bool,
    seed: int,
    progress: Progress,
) -> UnwrittenModel:
    """Cross-validate a training of the network; and train it on all galaxies where it pays.

    Parameters
    ----------
    unwritten : UnwrittenModel
        The model with a probe on the frozen network; returned where the training does not pay.
    beginning : Beginning
        The network beneath, and its frames.
    sample : Sample
    labels : LabelledGalaxies
    rungs : list of Rung
        That of the trained network is added.
    only_if_it_pays : bool
    seed, progress
        As for `finetune`.
    """
    options = beginning.model.options
    base = load_weights(beginning.model.bundles[0])
    assert not isinstance(base, ProbedNetwork), "`open_beginning` takes the probe away"
    training = NetworkTraining(
        labels=labels,
        images=sample.pack.images,
        rows=sample.rows,
        manifest=beginning.manifest,
        base=base,
        device=options.device,
        seed=seed,
    )
    with fastest_threads(training):
        return _trained(unwritten, training, rungs, only_if_it_pays, progress)


def _trained(
    unwritten: UnwrittenModel,
    training: NetworkTraining,
    rungs: list[Rung],
    only_if_it_pays: bool,
    progress: Progress,
) -> UnwrittenModel:
    labels, task = training.labels, training.labels.task
    trial = try_network(training, progress, give_up=only_if_it_pays)
    if trial.out_of_fold is None:
        log.info(
            "training the network does not pay: on %s of %d its mean error of a galaxy %s by %.2g "
            "at best, where the standard error is %.2g (%.0f s)",
            counted(trial.folds, "fold"),
            NETWORK_FOLDS,
            "rises" if trial.gain < 0 else "falls",
            abs(trial.gain),
            trial.error,
            trial.seconds,
        )
        return unwritten
    title = "the network, trained"
    rung = scored_rung(
        "network", title, trial.out_of_fold.score(training.seed), trial.seconds, task
    )
    rungs.append(rung)
    if only_if_it_pays and not trial.pays:
        log.info(
            "training the network does not pay: the mean error of a galaxy %s by %.2g, with a "
            "standard error of %.2g",
            "falls" if trial.gain > 0 else "rises",
            abs(trial.gain),
            trial.error,
        )
        return unwritten
    network = train_on_all(training, unwritten.probe, trial.epochs, trial.share, progress)
    link = task.fit_link(trial.raw, labels.values)
    return replace(
        unwritten,
        key="network",
        probe=network.read_probe().linked(*link),
        out_of_fold=trial.out_of_fold,
        features=training.features(network),
        write_weights=partial(write_weights, network.base),
    )
