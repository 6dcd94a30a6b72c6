"""A clock for Lightning's trainer."""

import time

from lightning.pytorch import Callback


class Clock(Callback):
    """(images, seconds) of the training part of each epoch, its loader's start included."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size, self.epochs, self.images, self.total = batch_size, [], 0, 0

    def on_train_start(self, trainer, module) -> None:
        self.begun = time.perf_counter()

    def on_train_batch_end(self, trainer, module, outputs, batch, index) -> None:
        self.images += self.batch_size
        self.total += self.batch_size
        self.ended = time.perf_counter()

    def on_train_epoch_end(self, trainer, module) -> None:
        """Runs after the validation, which is not part of the time."""
        self.epochs.append((self.images, self.ended - self.begun))
        self.images, self.begun = 0, time.perf_counter()
