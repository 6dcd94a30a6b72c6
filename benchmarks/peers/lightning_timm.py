"""Plain Lightning and timm, as a competent user writes it: a Dataset, a DataLoader with workers."""

import time

import job

import lightning.pytorch as pl
import numpy as np
import timm
import torch
from epochs import Clock
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import DataLoader, Dataset
from resnet import count, view


class Images(Dataset):
    def __init__(self, galaxies: job.Galaxies, transform) -> None:
        self.galaxies, self.transform = galaxies, transform

    def __len__(self) -> int:
        return len(self.galaxies)

    def __getitem__(self, index: int):
        with Image.open(self.galaxies.files[index]) as image:
            return self.transform(image.convert("RGB")), self.galaxies.fractions[index]


class Module(pl.LightningModule):
    """resnet18 and 37 sigmoids; mean squared error over what is known; Adam."""

    def __init__(self, *, channels_last: bool) -> None:
        super().__init__()
        self.encoder = timm.create_model("resnet18", pretrained=False, num_classes=0)
        self.last = nn.Linear(self.encoder.num_features, 37)
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.format)

    def forward(self, images):
        return torch.sigmoid(self.last(self.encoder(images.to(memory_format=self.format))).float())

    def loss(self, batch):
        images, fractions = batch
        known = fractions.isfinite()
        return ((self(images) - fractions)[known] ** 2).mean()

    def training_step(self, batch, index):
        return self.loss(batch)

    def validation_step(self, batch, index):
        self.log("val_loss", self.loss(batch), batch_size=len(batch[0]))

    def predict_step(self, batch, index):
        return self(batch[0])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def loader(galaxies: job.Galaxies, given, *, training: bool = False) -> DataLoader:
    return DataLoader(
        Images(galaxies, view(training=training)),
        batch_size=given.batch_size,
        shuffle=training,
        drop_last=training,
        num_workers=given.workers,
        persistent_workers=given.workers > 0,
    )


def trainer(given, **more) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        precision="bf16-mixed" if given.precision == "bf16" else "32-true",
        default_root_dir=given.output,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        logger=False,
        **more,
    )


def train(given) -> None:
    pl.seed_everything(given.seed)
    training = job.read_galaxies(given.images, given.table / "train.csv")
    validation = job.read_galaxies(given.images, given.table / "val.csv")
    module, clock = Module(channels_last=given.precision == "bf16"), Clock(given.batch_size)
    trainer(given, max_epochs=given.epochs, callbacks=[clock]).fit(
        module, loader(training, given, training=True), loader(validation, given)
    )
    finish(given, module, job.steady(clock.epochs), trained_images=clock.total)


def predict(given) -> None:
    galaxies = job.find_galaxies(given.images)
    module = Module(channels_last=given.precision == "bf16")
    module.load_state_dict(load_file(given.weights))
    begun = time.perf_counter()
    parts = trainer(given).predict(module, loader(galaxies, given))
    fractions = np.concatenate([part.numpy() for part in parts])
    job.write_predictions(given.output / "predictions.csv", galaxies.ids, fractions)
    finish(given, module, len(galaxies) / (time.perf_counter() - begun))


def finish(given, module: Module, rate: float, **more) -> None:
    job.write_result(
        given.output,
        images_per_second=rate,
        parameters=count(module),
        packages=("lightning", "timm", "torch", "torchvision", "pillow"),
        **more,
    )


if __name__ == "__main__":
    given = job.arguments()
    train(given) if given.task == "train" else predict(given)
