"""The job that every peer gets in the same words, and the answer that it leaves.

Each script here runs in its own environment, so this file needs nothing but numpy. It is imported
first: the time that a peer's libraries take to load counts.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np

BEGUN = time.perf_counter()

#: What leads to each question of the challenge's tree, and the question's number of answers.
PARENTS = {1: None, 2: "1.2", 3: "2.2", 4: "2.2", 5: "2.2", 6: None, 7: "1.1", 8: "6.1", 9: "2.1"}
PARENTS |= {10: "4.1", 11: "4.1"}
ANSWERS = {1: 3, 2: 2, 3: 2, 4: 2, 5: 4, 6: 2, 7: 3, 8: 7, 9: 3, 10: 3, 11: 6}
COLUMNS = [f"Class{q}.{a}" for q, count in ANSWERS.items() for a in range(1, count + 1)]

#: The middle half of the challenge's images, and what the network sees of it.
FRAME, SIZE = 212, 128


@dataclass(frozen=True)
class Galaxies:
    """Ids, image files, and fractions (galaxies, 37) float32, NaN where nobody knows."""

    ids: list[str]
    files: list[str]
    fractions: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def arguments(**extra: Sequence[str]) -> argparse.Namespace:
    """The command line; `extra` names a peer's own options with their choices, default first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["train", "predict"])
    parser.add_argument("--images", type=Path, required=True, help="folder of <id>.jpg")
    parser.add_argument("--table", type=Path, help="train: folder with train.csv and val.csv")
    parser.add_argument("--weights", type=Path, help="predict: the network, .safetensors")
    parser.add_argument("--output", type=Path, required=True, help="folder for result.json")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="stop training so long after the start")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--precision", choices=["fp32", "bf16", "auto"], default="fp32")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--score", action="store_true", help="train: predict val.csv at the end")
    for name, choices in extra.items():
        parser.add_argument(f"--{name}", choices=choices, default=choices[0])
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    return given


def seconds_left(minutes: float) -> float:
    """Until so many minutes after the start of this process."""
    return max(minutes * 60 - (time.perf_counter() - BEGUN), 1)


def read_galaxies(images: Path, table: Path) -> Galaxies:
    """The galaxies of a table."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    cells = [[float(row[name] or "nan") for name in COLUMNS] for row in rows]
    ids = [row["GalaxyID"] for row in rows]
    return Galaxies(ids, [str(images / f"{i}.jpg") for i in ids], np.array(cells, np.float32))


def find_galaxies(images: Path) -> Galaxies:
    """The galaxies of a folder, about which nothing is known."""
    files = sorted(images.glob("*.jpg"))
    unknown = np.full((len(files), len(COLUMNS)), np.nan, np.float32)
    return Galaxies([file.stem for file in files], list(map(str, files)), unknown)


def write_predictions(path: Path, ids: Sequence[str], fractions: np.ndarray) -> None:
    """In the layout of the challenge."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["GalaxyID", *COLUMNS])
        for galaxy, row in zip(ids, fractions.tolist(), strict=True):
            writer.writerow([galaxy, *(f"{value:.6f}" for value in row)])


def steady(epochs: Sequence[tuple[int, float]]) -> float:
    """Images a second from each epoch's (images, seconds): the median without the first.

    In the first, graphs are traced, workers start and caches fill.
    """
    return median(images / seconds for images, seconds in (epochs[1:] or epochs))


def write_result(
    output: Path,
    *,
    images_per_second: float,
    trained_images: int = 0,
    parameters: int | None = None,
    packages: Iterable[str] = (),
    **more: object,
) -> None:
    """Leave the answer in result.json, whole or not at all."""
    result = {
        "images_per_second": images_per_second,
        "trained_images": trained_images,
        "parameters": parameters,
        "inside_seconds": time.perf_counter() - BEGUN,
        "versions": {name: version(name) for name in packages},
        **more,
    }
    partial = output / "result.json.part"
    partial.write_text(json.dumps(result, indent=1))
    partial.replace(output / "result.json")
