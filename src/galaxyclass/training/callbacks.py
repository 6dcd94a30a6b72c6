"""Callbacks: history, progress, and an orderly end on Ctrl-C or NaN."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from galaxyclass.errors import GalaxyclassError, RunError
from galaxyclass.progress import Progress
from galaxyclass.training.history import append_history
from galaxyclass.training.module import GalaxyModule
from galaxyclass.workers.signals import stopping_with

log = logging.getLogger(__name__)


class History(pl.Callback):
    """One row of `history.csv` and one line of the log after each epoch."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.began = 0.0
        self.images = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.began = time.perf_counter()
        self.images = 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        self.images += len(batch[0])

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.seconds = time.perf_counter() - self.began

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, GalaxyModule)
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        score = pl_module.score_name
        row = {
            "epoch": float(trainer.current_epoch + 1),
            "train_loss": figures["train_loss"],
            f"train_{score}": figures[f"train_{score}"],
            "validation_loss": figures["validation_loss"],
            f"validation_{score}": figures[f"validation_{score}"],
            "lr": float(trainer.optimizers[0].param_groups[0]["lr"]),
            "seconds": time.perf_counter() - self.began,
            "images_per_second": self.images * trainer.world_size / self.seconds,
        }
        if not trainer.is_global_zero:
            return
        append_history(self.path, row)
        log.info(
            "epoch %d/%s: %s %.4f while it learned (augmented), %.4f on validation galaxies, "
            "%.0f images/s",
            row["epoch"],
            trainer.max_epochs,
            pl_module.score_label,
            row[f"train_{score}"],
            row[f"validation_{score}"],
            row["images_per_second"],
        )


class ReportProgress(pl.Callback):
    """Reports to a `Progress` how many images have been trained on, in all epochs."""

    def __init__(self, progress: Progress, galaxies: int) -> None:
        self.progress, self.galaxies = progress, galaxies
        self.note = ""

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        assert isinstance(pl_module, GalaxyModule)
        size = pl_module.recipe.training.batch_size * trainer.world_size
        # The last galaxy of an epoch is reported after scoring, in `on_train_epoch_end`.
        done = min((batch_idx + 1) * size, self.galaxies - 1)
        self._report(trainer, trainer.current_epoch * self.galaxies + done)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, GalaxyModule)
        name = f"validation_{pl_module.score_name}"
        value = float(trainer.callback_metrics[name])
        self.note = f"validation {pl_module.score_label} {value:.4f}"
        self._report(trainer, (trainer.current_epoch + 1) * self.galaxies)

    def _report(self, trainer: pl.Trainer, done: int) -> None:
        epochs = trainer.max_epochs or 0
        epoch = f"epoch {min(trainer.current_epoch + 1, epochs)}/{epochs}"
        self.progress("train", done, epochs * self.galaxies, note=f"{epoch}  {self.note}".rstrip())


class DrawCurves(pl.Callback):
    """Draws the curves as they come, where that takes a small part of the time of the epochs.

    Parameters
    ----------
    draw : callable
        Writes the figure.
    """

    #: Seconds of the first drawing before it was measured, and the largest share of the time.
    EXPECTED, SHARE = 2.0, 0.02

    def __init__(self, draw: Callable[[], None]) -> None:
        self.draw, self.cost = draw, self.EXPECTED
        self.drawn = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        begun = time.perf_counter()
        if not trainer.is_global_zero or begun - self.drawn < self.cost / self.SHARE:
            return
        try:
            self.draw()
        except (GalaxyclassError, OSError) as error:
            # Of a picture alone no training ends; a full disk ends it at the next checkpoint.
            log.warning("the curves could not be drawn: %s", error)
        self.drawn = time.perf_counter()
        self.cost = self.drawn - begun


class StopOnNan(pl.Callback):
    """Ends a training whose loss is NaN or infinite: later epochs would not mend it.

    Checks every tenth step, because a check makes a GPU wait, and at the end of each epoch, before
    anything is written. Several devices stop together.
    """

    EVERY = 10

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if batch_idx % self.EVERY == 0:
            self._check(trainer, pl_module, "training", float(outputs["loss"]), batch_idx + 1)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for part in ("train", "validation"):
            loss = float(trainer.callback_metrics[f"{part}_loss"])
            self._check(trainer, pl_module, part.replace("train", "training"), loss, None)

    def _check(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        part: str,
        loss: float,
        step: int | None,
    ) -> None:
        if not trainer.strategy.reduce_boolean_decision(not math.isfinite(loss), all=False):
            return
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        where = f"epoch {trainer.current_epoch + 1}" + (f", step {step}" if step else "")
        assert isinstance(pl_module, GalaxyModule)
        clip = pl_module.recipe.training.gradient_clip
        raise RunError(
            f"diverged: the {part} loss is {loss:g} in {where}, so the training was stopped",
            got=f"a learning rate of {rate:g} at that step"
            + (f", training.gradient_clip={clip:g}" if clip else ""),
            hint=f"train again to another `output` with `optimizer.lr={rate / 10:.2g}`"
            + ("" if clip else ", or with `training.gradient_clip=1`")
            + "; `training.precision=fp32` where it is bf16",
        )


class StopRequestedError(BaseException):
    """Ctrl-C or a request to terminate, on its way out of the training loop.

    Like `KeyboardInterrupt` it is no `Exception`, so that no handler on the way catches it.
    """


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into `StopRequestedError` while a training runs.

    Lightning's own handling ends the process and leaves Ctrl-C switched off. Signals can be
    handled in the main thread alone; elsewhere nothing changes.
    """
    with stopping_with(StopRequestedError):
        yield
