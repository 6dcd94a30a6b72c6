"""The Lightning module: four hooks (model, loss, metrics, optimiser) and the two steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

from galaxyclass.networks.augmentation.augment import augment
from galaxyclass.networks.augmentation.mirrors import mirror_swap
from galaxyclass.networks.losses.masked import build_loss, cross_entropy
from galaxyclass.networks.network import Network
from galaxyclass.networks.step_scores import build_step_score
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.tasks.task import Task
from galaxyclass.training.data import Batches, TrainingBatch
from galaxyclass.training.metrics import StepMean
from galaxyclass.training.optimizers import build_optimizer, build_plateau, build_schedule
from galaxyclass.training.progressive_resizing import shrunk, side_in


class GalaxyModule(pl.LightningModule):
    """A network and how it learns.

    Parameters
    ----------
    recipe : Recipe
        With its head and loss resolved.
    task : Task
    auxiliary : sequence of Task
        Auxiliary tasks: tables of classes, and other labellings of the task.
    seed : int
        Of the initial weights, dropout and augmentation. All that is random in an epoch follows
        from the seed and the epoch, so that a resumed training repeats an uninterrupted one.
    steps_per_epoch : int
    """

    def __init__(
        self,
        recipe: Recipe,
        task: Task,
        auxiliary: Sequence[Task],
        *,
        seed: int,
        steps_per_epoch: int,
    ) -> None:
        super().__init__()
        self.recipe, self.task, self.auxiliary, self.seed = recipe, task, auxiliary, seed
        self.steps_per_epoch = steps_per_epoch
        self.score_name, self.score_label = task.metric.key, task.metric.label
        self.step_score = build_step_score(task)
        self.network = self.configure_network()
        self.loss = build_loss(recipe.training, task)
        #: The class that each class becomes in a mirror; None if mirrors change none.
        self.swap: Tensor | None = None
        if task.class_names and recipe.augmentation.mirror_pairs:
            self.swap = mirror_swap(task.class_names, recipe.augmentation.mirror_pairs)
        self.metrics = self.configure_metrics()
        self.memory_format = torch.channels_last
        self.plateau: torch.optim.lr_scheduler.ReduceLROnPlateau | None = None
        self._plateau_state: dict[str, Any] | None = None

    def configure_network(self) -> Network:
        """The network, its initial weights drawn from the seed."""
        torch.manual_seed(self.seed)
        network = Network(self.recipe.model, self.recipe.images, self.task, self.auxiliary)
        return network.to(memory_format=torch.channels_last)

    def set_memory_format(self, memory_format: torch.memory_format) -> None:
        """The memory layout of weights and images; it changes results only by rounding."""
        self.memory_format = memory_format
        self.network.to(memory_format=memory_format)

    def configure_metrics(self) -> torch.nn.ModuleDict:
        """Loss and score, for training and validation; NaN is kept, not skipped."""
        return torch.nn.ModuleDict(
            {
                f"{part}_{name}": StepMean()
                for part in ("train", "validation")
                for name in ("loss", self.score_name)
            }
        )

    def configure_optimizers(self) -> Any:
        """The optimiser, and its schedule unless that needs a score."""
        optimizer = build_optimizer(self.recipe, self.network.parameters())
        lower_is_better = self.task.metric.lower_is_better
        self.plateau = build_plateau(self.recipe, optimizer, lower_is_better=lower_is_better)
        if self.plateau is not None and self._plateau_state is not None:
            self.plateau.load_state_dict(self._plateau_state)
        schedule, interval = build_schedule(self.recipe, optimizer, self.steps_per_epoch)
        if schedule is None:
            return optimizer
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": interval},
        }

    @property
    def side(self) -> int:
        """Side of this epoch's cutouts, pixels."""
        training, whole = self.recipe.training, self.recipe.images.size
        return side_in(self.current_epoch, training.epochs, whole, training.progressive_resizing)

    @property
    def input_side(self) -> int:
        """Side of the network's input in this epoch, pixels."""
        return round(self.network.side * self.side / self.recipe.images.size)

    @property
    def at_full_size(self) -> bool:
        """Whether this epoch has cutouts of full size, or is the last one."""
        last = self.current_epoch + 1 >= self.recipe.training.epochs
        return last or self.side == self.recipe.images.size

    def on_train_epoch_start(self) -> None:
        """Set the order and the random state of this epoch."""
        loader = self.trainer.train_dataloader
        assert isinstance(loader, Batches), "fit gives this loader"
        loader.epoch = self.current_epoch
        torch.manual_seed(_seed(self.seed, self.current_epoch, self.global_rank))

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> Tensor:
        """Loss of one augmented batch."""
        cutouts, targets, auxiliary = batch
        generator = torch.Generator().manual_seed(
            _seed(self.seed, self.current_epoch, self.global_rank, batch_idx)
        )
        images, mirrored = augment(
            shrunk(cutouts, self.side), self.recipe.augmentation, self.input_side, generator
        )
        if self.swap is not None:
            swap = self.swap.to(targets.device, non_blocking=targets.is_cuda)
            targets = _swapped(targets, swap, mirrored)
            auxiliary = tuple(
                _swapped(labels, swap, mirrored) if task.has_outputs_of(self.task) else labels
                for task, labels in zip(self.auxiliary, auxiliary, strict=True)
            )
        return self._step("train", images, targets, auxiliary)

    def validation_step(self, batch: TrainingBatch, batch_idx: int) -> None:
        """Score one batch without augmentation, at this epoch's size."""
        images = self.network.read(shrunk(batch.cutouts, self.side), self.input_side)
        self._step("validation", images, batch.targets, batch.auxiliary)

    def on_validation_epoch_end(self) -> None:
        """Pass the epoch's figures to the callbacks."""
        for name, metric in self.metrics.items():
            assert isinstance(metric, StepMean)
            value = metric.compute()
            if name.endswith(f"_{self.score_name}"):
                value = self.step_score.score(value)
            self.log(name, value)
            metric.reset()

    def on_train_epoch_end(self) -> None:
        """Lower the rate on a plateau.

        Lightning would do it after the checkpoint is written, and so lose it on resuming.
        """
        if self.plateau is not None and self.at_full_size:
            name = f"validation_{self.score_name}"
            self.plateau.step(float(self.trainer.callback_metrics[name]))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the state of the plateau rule."""
        if self.plateau is not None:
            checkpoint["plateau"] = self.plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the state of the plateau rule."""
        self._plateau_state = checkpoint.get("plateau")
        if self.plateau is not None and self._plateau_state is not None:
            self.plateau.load_state_dict(self._plateau_state)

    def _step(
        self, part: str, images: Tensor, targets: Tensor, labels: tuple[Tensor, ...]
    ) -> Tensor:
        loss, predictions = self.losses(images, targets, labels)
        with torch.no_grad():
            score, count = self.step_score.entries(predictions, targets)
            self._metric(part, self.score_name).update(score / count.clamp(min=1), count)
            self._metric(part, "loss").update(loss.detach(), len(targets))
        return loss

    def losses(
        self, images: Tensor, targets: Tensor, labels: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor]:
        """The loss and the predictions of images ``(galaxies, channels, side, side)``.

        In another labelling of the task, a known target counts as much as in its own. An auxiliary
        task of classes adds their cross-entropy, weighted by the recipe and by the share of
        galaxies whose class is known.
        """
        features = self.network.features(images.contiguous(memory_format=self.memory_format))
        raw, auxiliary = self.network.raw_outputs(features)
        predictions = self.network.activation(raw)
        of_the_task, further = [(raw, predictions, targets)], []
        for task, logits, values in zip(self.auxiliary, auxiliary, labels, strict=True):
            if task.has_outputs_of(self.task):
                of_the_task.append((logits, self.network.activation(logits), values))
            else:
                further.append((logits, values))
        loss: Tensor = self.loss(*map(torch.cat, zip(*of_the_task, strict=True)))
        for logits, classes in further:
            known_share = (classes >= 0).float().mean()
            share = self.recipe.training.auxiliary_weight * known_share
            loss = loss + share * cross_entropy(logits, classes, None)
        return loss, predictions

    def _metric(self, part: str, name: str) -> StepMean:
        metric = self.metrics[f"{part}_{name}"]
        assert isinstance(metric, StepMean)
        return metric


def _swapped(labels: Tensor, swap: Tensor, mirrored: Tensor) -> Tensor:
    """The classes of galaxies of which some are mirrored; -1 is unknown."""
    return torch.where(mirrored & (labels >= 0), swap[labels.clamp(min=0)], labels)


def _seed(*numbers: int) -> int:
    """One seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
