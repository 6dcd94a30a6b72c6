"""Zoobot's FinetuneableZoobotClassifier and -Regressor on few labels, with an encoder of ours.

As its guide shows: a fifth of the labels is for validation, its defaults (AdamW with a rate of 1e-4
and 0.75 of it for each lower layer, weight decay 0.05, dropout 0.5, its default augmentation, early
stopping after 10 epochs without gain, here of 30 at most), and the weights of the best epoch.

    python zoobot_few_labels.py FOLDER --mode full

FOLDER has `cutouts.npy`, `values.npy` (classes as int64, or numbers), `draws.npy` (draws, labels)
and `tested.npy` (draws, galaxies); `predictions.npy` (draws, galaxies, outputs) is written there.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from galaxy_datasets.transforms import (
    default_view_config,
    get_galaxy_transform,
    minimal_view_config,
)
from lightning.pytorch import seed_everything
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from zoobot.pytorch.training import finetune

import galaxyclass
from galaxyclass.networks.weights import load_weights

BATCH = 16


class Encoder(nn.Module):
    """The pretrained model's encoder, from pixels of 0..1 to features."""

    def __init__(self) -> None:
        super().__init__()
        network = load_weights(galaxyclass.load_model().bundles[0]).networks[0]
        self.encoder, self.num_features = network.encoder, network.last.in_features
        self.register_buffer("mean", network.mean)
        self.register_buffer("spread", network.spread)

    def forward(self, images):
        return self.encoder((images - self.mean) / self.spread)


class Cutouts(Dataset):
    """Cutouts with labels, as Zoobot's modules take them."""

    def __init__(self, cutouts, values, transform) -> None:
        self.cutouts, self.values, self.transform = cutouts, values, transform

    def __len__(self) -> int:
        return len(self.cutouts)

    def __getitem__(self, index: int):
        image = tv_tensors.Image(torch.from_numpy(self.cutouts[index]).permute(2, 0, 1))
        return {"image": self.transform(image), "label": self.values[index]}


def transforms(side: int):
    """Zoobot's transforms of training and of prediction, for cutouts of this size."""
    for config in (default_view_config(), minimal_view_config()):
        config.output_size = side
        yield get_galaxy_transform(config)


def predictions_of(model, cutouts, transform):
    """(galaxies, outputs) by a trained module."""
    loader = DataLoader(Cutouts(cutouts, np.zeros(len(cutouts)), transform), 64)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        return torch.cat([model.eval()(batch["image"]).float() for batch in loader])


def train(cutouts, values, draw, given):
    """Train on the galaxies of a draw; (tested galaxies, outputs) probabilities or numbers."""
    seed, inside, tested = draw
    mode, epochs = given.mode, given.epochs
    seed_everything(seed)
    training_view, plain_view = transforms(cutouts.shape[1])
    classes = values.dtype.kind == "i"
    validation, training = np.split(inside, [max(len(inside) // 5, 2)])
    mean, spread = 0.0, 1.0
    if classes:
        count = int(values.max()) + 1
        model = finetune.FinetuneableZoobotClassifier(
            num_classes=count, encoder=Encoder(), training_mode=mode, prog_bar=False
        )
    else:
        mean, spread = float(values[training].mean()), float(values[training].std())
        values = ((values - mean) / spread).astype(np.float32)
        model = finetune.FinetuneableZoobotRegressor(
            encoder=Encoder(), training_mode=mode, prog_bar=False
        )
    loaders = [
        DataLoader(Cutouts(cutouts[rows], values[rows], view), BATCH, shuffle=shuffle)
        for rows, view, shuffle in (
            (training, training_view, True),
            (validation, plain_view, False),
        )
    ]
    with tempfile.TemporaryDirectory() as folder:
        trainer = finetune.get_trainer(
            folder,
            max_epochs=epochs,
            accelerator="cpu",
            precision="bf16-mixed",
            enable_progress_bar=False,
            enable_model_summary=False,
            logger=False,
            log_every_n_steps=1,
        )
        # It logs learning rates, which takes a logger.
        trainer.callbacks = [
            each for each in trainer.callbacks if "Rate" not in type(each).__name__
        ]
        trainer.fit(model, *loaders)
        best = torch.load(trainer.checkpoint_callback.best_model_path, weights_only=False)
        model.load_state_dict(best["state_dict"])
    raw = predictions_of(model, cutouts[tested], plain_view)
    if classes:
        return raw.softmax(dim=1).numpy()
    return raw.reshape(len(raw), 1).numpy() * spread + mean


def main() -> None:
    """Train once for each draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mode", default="full", choices=("full", "head_only"))
    parser.add_argument("--epochs", type=int, default=30)
    given = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    cutouts, values, draws, tested = (
        np.load(given.folder / f"{name}.npy") for name in ("cutouts", "values", "draws", "tested")
    )
    began, each_draw = time.perf_counter(), zip(range(len(draws)), draws, tested, strict=True)
    made = [train(cutouts, values, draw, given) for draw in each_draw]
    np.save(given.folder / "predictions.npy", np.array(made))
    print(f"{time.perf_counter() - began:.0f} s for {len(draws)} trainings")


if __name__ == "__main__":
    main()
