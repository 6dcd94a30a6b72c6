"""galaxyclass itself, through its command, as anybody runs it."""

import csv
import json
import math
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import job

COMMAND = Path(sys.executable).with_name("galaxyclass")


def run(*words: object) -> str:
    command = [str(word) for word in (COMMAND, *words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def fit(given, run_folder: Path, epochs: int) -> None:
    """Pack and train; nothing that an earlier run has packed is used."""
    cache = given.output / "cache"
    for folder in (run_folder, cache):
        shutil.rmtree(folder, ignore_errors=True)
    sets = [f"training.epochs={epochs}", f"training.batch_size={given.batch_size}"]
    sets.append(f"training.precision={given.precision}")
    options = [word for setting in sets for word in ("--set", setting)]
    options += ["--seed", given.seed, "--cache", cache]
    files = ["--images", given.images, "--table", given.table, "--output", run_folder]
    run("train", given.recipe, *files, *options)


def epochs_within(given, run_folder: Path) -> int:
    """How many epochs the minutes allow, from a training of two that is not part of the time.

    The recipes lower their rate towards the last epoch, so that it has to be known.
    """
    begun = time.perf_counter()
    fit(given, run_folder, 2)
    took, epoch = time.perf_counter() - begun, history(run_folder, "seconds")[-1]
    return max(1, int((given.minutes * 60 - (took - 2 * epoch)) / epoch))


def history(run_folder: Path, column: str) -> list[float]:
    """A number of each epoch."""
    with (run_folder / "history.csv").open(newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file)]


def train(given) -> None:
    run_folder = given.output / "run"
    epochs = epochs_within(given, run_folder) if given.minutes else given.epochs
    begun = time.perf_counter()
    fit(given, run_folder, epochs)
    trained = time.perf_counter() - begun
    if given.score:
        validation = job.read_galaxies(given.images, given.table / "val.csv")
        table = given.output / "predictions.csv"
        run("predict", run_folder, "--images", *validation.files, "--output", table)
    size = len(job.read_galaxies(given.images, given.table / "train.csv"))
    job.write_result(
        given.output,
        images_per_second=job.steady([(r, 1) for r in history(run_folder, "images_per_second")]),
        trained_images=size * epochs,
        trained_seconds=trained,
        epochs=epochs,
        parameters=parameters(run_folder),
        versions=json.loads((run_folder / "run.json").read_text())["versions"],
    )


def predict(given) -> None:
    """`--weights` is a file of a bundle: its folder is the model."""
    table = given.output / "predictions.csv"
    files = ["--images", given.images, "--output", table]
    said = run("predict", given.weights.parent, *files, "--precision", given.precision)
    rate = re.search(r"([\d,]+) images/s", said)
    job.write_result(
        given.output,
        images_per_second=float(rate[1].replace(",", "")),
        packages=("galaxyclass",),
    )


def parameters(run_folder: Path) -> int:
    """Numbers in the bundle, the statistics of batch normalisation among them."""
    (path,) = (run_folder / "bundle").glob("*.safetensors")
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    header.pop("__metadata__", None)
    return sum(
        math.prod(tensor["shape"])
        for name, tensor in header.items()
        if not name.endswith("num_batches_tracked")
    )


if __name__ == "__main__":
    given = job.arguments(recipe=["notebook", "resnet18", "fast"])
    train(given) if given.task == "train" else predict(given)
