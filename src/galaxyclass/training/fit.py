"""The training loop: Lightning, set up to be resumable after a kill and reproducible by seed."""

from __future__ import annotations

import logging
import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.loggers import TensorBoardLogger

from galaxyclass.errors import DeviceError, TrainingInterruptedError
from galaxyclass.io import run_folder
from galaxyclass.networks.network import Network
from galaxyclass.progress import Progress
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.training.batch_norm import BatchNormMomentum
from galaxyclass.training.callbacks import (
    DrawCurves,
    History,
    ReportProgress,
    StopOnNan,
    StopRequestedError,
    stoppable,
)
from galaxyclass.training.checkpoints import AtomicCheckpoints, does_not_fit, read_checkpoint
from galaxyclass.training.data import Batches, Replica
from galaxyclass.training.device_cache import cached_where_possible
from galaxyclass.training.devices import accelerator_of, replica_device
from galaxyclass.training.history import cut_history, draw_history
from galaxyclass.training.job import TrainingJob
from galaxyclass.training.kept_epochs import (
    Checkpoints,
    FullSizeEarlyStopping,
    moving_average,
    stopped_early,
)
from galaxyclass.training.module import GalaxyModule
from galaxyclass.training.pixel_statistics import fit_statistics
from galaxyclass.training.processes import place_of_process
from galaxyclass.training.runtime_settings import RuntimeSettings


@dataclass(frozen=True)
class Fitted:
    """The result of a training: the kept network (on the CPU) and its epoch, counted from 1."""

    network: Network
    epoch: int


def fit_network(
    folder: Path, job: TrainingJob, runtime: RuntimeSettings, progress: Progress
) -> Fitted:
    """Train until the recipe's last epoch, going on from the run's last checkpoint if it has one.

    Parameters
    ----------
    folder : Path
        The run.
    job : TrainingJob
        With several devices, Lightning starts the other processes by running the program again,
        or Slurm has started them (`galaxyclass.training.replicas`).
    runtime : RuntimeSettings
        How the network is run; the caller sets its threads.
    progress : Progress

    Raises
    ------
    TrainingInterruptedError
        Ctrl-C or SIGTERM; the last finished epoch is on the disk.
    DeviceError
        The device is absent or out of memory.
    RunError
        The checkpoint to go on from is damaged.
    """
    training, last = job.recipe.training, folder / run_folder.LAST
    epochs_done, stopped = _epochs_done(last, training.epochs)
    place = place_of_process(job.devices)
    replica = Replica(place.number, job.devices)
    if replica.number == 0:
        cut_history(folder / run_folder.HISTORY, epochs_done)
    with _quiet(), _own_randomness(), stoppable():
        sources = cached_where_possible(
            {part: job.galaxies[part] for part in ("train", "validation")},
            replica_device(job.device, place.local),
        )
        batches = Batches(
            sources["train"],
            training.batch_size,
            seed=job.seed,
            shuffle_buffer=training.shuffle_buffer,
            replica=replica,
        )
        validation = Batches(sources["validation"], training.batch_size, seed=None, replica=replica)
        with _explained_errors(folder, job.recipe):
            module = _module(job, runtime, len(batches))
            begun = _Begun()
            report = ReportProgress(progress, len(job.galaxies["train"]))
            trainer = _trainer(folder, job, module, runtime, (begun, report))
            if epochs_done < training.epochs and not stopped:
                try:
                    trainer.fit(
                        module, batches, validation, ckpt_path=str(last) if epochs_done else None
                    )
                except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
                    if begun.training or not epochs_done:
                        raise
                    raise does_not_fit(last, error) from error
            return _kept(folder, job)


def _epochs_done(last: Path, epochs: int) -> tuple[int, bool]:
    """How many epochs a run has behind it, and whether it was stopped early."""
    if not last.exists():
        return 0, False
    checkpoint = read_checkpoint(last)
    try:
        done, stopped = int(checkpoint["epoch"]) + 1, stopped_early(checkpoint)
    except (AttributeError, LookupError, TypeError) as error:
        raise does_not_fit(last, error) from error
    if done > epochs:
        raise does_not_fit(last, ValueError(f"epoch {done} of {epochs}"))
    return done, stopped


def _module(job: TrainingJob, runtime: RuntimeSettings, steps_per_epoch: int) -> GalaxyModule:
    """The network of a job before its first step, with the statistics of its training galaxies."""
    module = GalaxyModule(
        job.recipe, job.task, job.auxiliary, seed=job.seed, steps_per_epoch=steps_per_epoch
    )
    module.set_memory_format(runtime.memory_format)
    if job.recipe.model.normalisation == "per_feature":
        module.network.set_statistics(*fit_statistics(module.network, job.galaxies["train"]))
    return module


class _Begun(pl.Callback):
    """Whether the training itself has begun: errors before it are those of the checkpoint."""

    training = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.training = True


def _trainer(
    folder: Path,
    job: TrainingJob,
    module: GalaxyModule,
    runtime: RuntimeSettings,
    listeners: Sequence[pl.Callback],
) -> pl.Trainer:
    """Lightning's trainer of a job, with callbacks that listen to this call."""
    place, settings = place_of_process(job.devices), job.recipe.training
    return pl.Trainer(
        accelerator=accelerator_of(job.device),
        devices=job.devices // place.machines,
        num_nodes=place.machines,
        strategy="ddp" if job.devices > 1 else "auto",
        precision="bf16-mixed" if runtime.precision == "bf16" else "32-true",
        max_epochs=settings.epochs,
        gradient_clip_val=settings.gradient_clip or None,
        callbacks=[*listeners, *_callbacks(folder, module)],
        plugins=[AtomicCheckpoints(), place.environment()],
        logger=TensorBoardLogger(folder, name=run_folder.LOGS, version=""),
        log_every_n_steps=min(10, module.steps_per_epoch),
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )


def _callbacks(folder: Path, module: GalaxyModule) -> list[pl.Callback]:
    """What writes down a training, keeps its epochs and ends it."""
    settings, metric = module.recipe.training, module.task.metric
    score, mode = f"validation_{module.score_name}", "min" if metric.lower_is_better else "max"
    checkpoints = folder / "checkpoints"
    callbacks: list[pl.Callback] = [
        StopOnNan(),
        BatchNormMomentum(),
        History(folder / run_folder.HISTORY),
        DrawCurves(partial(draw_history, folder, metric)),
        Checkpoints(
            checkpoints,
            Path(run_folder.BEST).stem,
            monitor=score,
            mode=mode,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        ),
    ]
    if settings.early_stopping:
        callbacks.append(
            FullSizeEarlyStopping(
                score,
                mode=mode,
                patience=settings.early_stopping,
                min_delta=0.0,
                check_on_train_epoch_end=True,
            )
        )
    if settings.ema:
        callbacks.append(moving_average(settings.ema))
    # Last, so that it saves the state of the callbacks before it.
    callbacks.append(
        Checkpoints(
            checkpoints,
            Path(run_folder.LAST).stem,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
    )
    return callbacks


def _kept(folder: Path, job: TrainingJob) -> Fitted:
    """The network of the epoch that the recipe keeps."""
    path = folder / (run_folder.BEST if job.recipe.training.keep == "best" else run_folder.LAST)
    checkpoint = read_checkpoint(path)
    recipe = job.recipe
    network = Network(recipe.model, recipe.images, job.task, job.auxiliary, fresh=False)
    state: dict[str, Any] = checkpoint["state_dict"]
    prefix = "network."
    try:
        network.load_state_dict(
            {
                name.removeprefix(prefix): value
                for name, value in state.items()
                if name.startswith(prefix)
            }
        )
    except RuntimeError as error:
        raise does_not_fit(path, error) from error
    return Fitted(network.eval(), int(checkpoint["epoch"]) + 1)


@contextmanager
def _explained_errors(folder: Path, recipe: Recipe) -> Iterator[None]:
    """Of a stopped training say what is kept, of one without memory which setting to lower."""
    try:
        yield
    except StopRequestedError as error:
        raise _interrupted(folder) from error
    except RuntimeError as error:
        raise _explained(error, recipe) from error


def _interrupted(folder: Path) -> TrainingInterruptedError:
    last = folder / run_folder.LAST
    if not last.exists():
        return TrainingInterruptedError(
            "stopped before the first epoch was finished",
            hint=f"`galaxyclass.resume({str(folder)!r})` begins it again",
        )
    epoch = int(read_checkpoint(last)["epoch"]) + 1
    return TrainingInterruptedError(
        f"stopped; epoch {epoch} is safe in {folder}",
        hint=f"`galaxyclass.resume({str(folder)!r})` goes on from there",
    )


#: What the libraries say when memory runs out; the last two are those of oneDNN.
_OUT_OF_MEMORY = (
    *("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc"),
    *("could not create a primitive", "could not create a memory object"),
)


def _explained(error: RuntimeError, recipe: Recipe) -> Exception:
    """An error that says which setting to lower when memory runs out; others are unchanged."""
    text = str(error).lower()
    if any(words in text for words in _OUT_OF_MEMORY):
        size = recipe.training.batch_size
        return DeviceError(
            "out of memory during training",
            got=f"training.batch_size={size}, images.size={recipe.images.size}",
            hint=f"try `training.batch_size={max(1, size // 2)}` (halve it until it fits), or a "
            "smaller images.size",
        )
    return error


@contextmanager
def _own_randomness() -> Iterator[None]:
    """Restore the user's random states and number of threads afterwards."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - Lightning uses it
    threads = torch.get_num_threads()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
            torch.set_num_threads(threads)  # with several processes each has set its share


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide Lightning's messages: what matters is in this package's log."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # A GPU that the user chose not to use; the folder of a resumed run.
            warnings.filterwarnings("ignore", message=".*available but not used.*")
            # A cluster's `srun`, which a training on one machine does without.
            warnings.filterwarnings("ignore", message="The `srun` command is available.*")
            warnings.filterwarnings("ignore", message="Checkpoint directory .* exists.*")
            # Lightning 2.6 uses a check that newer versions of torch deprecate.
            warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
