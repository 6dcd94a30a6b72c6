"""Zoobot: its FinetuneableZoobotTree, CatalogDataModule, get_trainer and predict_on_catalog.

After its example `finetune_counts_full_tree.py`. Its published encoders need a download, so that a
fresh resnet18 stands in their place, with a learning rate for fresh weights: the documented 1e-4,
and less for each lower layer, are meant for weights that know galaxies already.
"""

import logging
import time

import job

import numpy as np
import pandas as pd
import timm
from epochs import Clock
from galaxy_datasets.pytorch.galaxy_datamodule import CatalogDataModule
from galaxy_datasets.transforms import (
    default_view_config,
    get_galaxy_transform,
    minimal_view_config,
)
from lightning.pytorch import seed_everything
from safetensors.torch import load_file
from resnet import count, view
from zoobot.pytorch.predictions import predict_on_catalog
from zoobot.pytorch.training import finetune
from zoobot.shared.schemas import Schema

#: It learns from counts; the challenge gives fractions of, for most galaxies, 40 to 50 volunteers.
VOLUNTEERS = 40

PAIRS = {f"Class{q}": [f".{a}" for a in range(1, n + 1)] for q, n in job.ANSWERS.items()}
DEPENDENCIES = {f"Class{q}": parent and f"Class{parent}" for q, parent in job.PARENTS.items()}


def catalog(galaxies: job.Galaxies) -> pd.DataFrame:
    """Votes for each answer; none where nobody knows, as its guide asks."""
    votes = np.nan_to_num(np.round(galaxies.fractions * VOLUNTEERS)).astype(int)
    table = pd.DataFrame(votes, columns=job.COLUMNS)
    return table.assign(id_str=galaxies.ids, file_loc=galaxies.files)


def joint_fractions(concentrations: np.ndarray) -> np.ndarray:
    """From concentrations to the challenge's columns: each question's mean, times its parent's."""
    table = pd.DataFrame(concentrations, columns=job.COLUMNS)
    for question, answers in PAIRS.items():
        names = [question + answer for answer in answers]
        shares = table[names].div(table[names].sum(axis=1), axis=0)
        parent = DEPENDENCIES[question]
        table[names] = shares.mul(table[parent], axis=0) if parent else shares
    return table.to_numpy()


def views(own: bool):
    """Training's and the other images' transform: Zoobot's defaults, or those of the others."""
    if not own:
        return view(training=True), view(training=False)
    configs = default_view_config(), minimal_view_config()
    for config in configs:
        config.output_size = job.SIZE
    return tuple(map(get_galaxy_transform, configs))


class Tree(finetune.FinetuneableZoobotTree):
    """Gives float32 whatever the precision: `predict_on_catalog` writes nothing else."""

    def predict_step(self, batch, index):
        return super().predict_step(batch, index).float()


def model_of(**more) -> Tree:
    encoder = timm.create_model("resnet18", pretrained=False, num_classes=0)
    return Tree(Schema(PAIRS, DEPENDENCIES), encoder=encoder, prog_bar=False, **more)


def settings(given) -> dict[str, object]:
    """For Lightning's trainer."""
    return {
        "accelerator": "cpu",
        "precision": "bf16-mixed" if given.precision == "bf16" else "32-true",
        "default_root_dir": given.output,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }


def predict_into(given, galaxies: job.Galaxies, model, test_view) -> None:
    table = predict_on_catalog.predict(
        catalog(galaxies),
        model,
        str(given.output / "concentrations.csv"),
        label_cols=job.COLUMNS,
        inference_transform=test_view,
        datamodule_kwargs={"batch_size": given.batch_size, "num_workers": given.workers},
        trainer_kwargs=settings(given) | {"logger": False},
    )
    fractions = joint_fractions(table[job.COLUMNS].to_numpy())
    job.write_predictions(given.output / "predictions.csv", galaxies.ids, fractions)


def train(given) -> None:
    seed_everything(given.seed)
    training = job.read_galaxies(given.images, given.table / "train.csv")
    validation = job.read_galaxies(given.images, given.table / "val.csv")
    train_view, test_view = views(given.view == "own")
    data = CatalogDataModule(
        label_cols=job.COLUMNS,
        train_catalog=catalog(training),
        val_catalog=catalog(validation),
        train_transform=train_view,
        test_transform=test_view,
        batch_size=given.batch_size,
        num_workers=given.workers,
    )
    model, clock = model_of(learning_rate=1e-3, layer_decay=1.0), Clock(given.batch_size)
    trainer = finetune.get_trainer(
        str(given.output),
        max_epochs=10_000 if given.minutes else given.epochs,
        max_time={"seconds": job.seconds_left(given.minutes)} if given.minutes else None,
        num_sanity_val_steps=0,
        **settings(given),
    )
    trainer.callbacks.append(clock)
    trainer.fit(model, data)
    trained = time.perf_counter() - job.BEGUN
    if given.score:
        predict_into(given, validation, model, test_view)
    finish(
        given,
        model,
        job.steady(clock.epochs),
        trained_images=clock.total,
        trained_seconds=trained,
    )


def predict(given) -> None:
    galaxies = job.find_galaxies(given.images)
    model = model_of()
    weights = load_file(given.weights)
    # The head is Zoobot's own; the encoder has the weights that all others have.
    names = [name for name in weights if name.startswith("encoder.")]
    model.encoder.load_state_dict({name.removeprefix("encoder."): weights[name] for name in names})
    begun = time.perf_counter()
    predict_into(given, galaxies, model, views(given.view == "own")[1])
    finish(given, model, len(galaxies) / (time.perf_counter() - begun))


def finish(given, model, rate: float, **more) -> None:
    job.write_result(
        given.output,
        images_per_second=rate,
        parameters=count(model),
        packages=("zoobot", "galaxy-datasets", "lightning", "timm", "torch", "pillow"),
        **more,
    )


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.ERROR)
    given = job.arguments(view=["own", "same"])
    train(given) if given.task == "train" else predict(given)
