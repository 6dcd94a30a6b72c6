"""The measures of a benchmark: each does some work once and says how many images a second."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from galaxyclass.allocator import memory_kept
from galaxyclass.benchmarking.ceilings import NetworkSteps, memory_growth
from galaxyclass.bundles import Bundle, Outputs
from galaxyclass.images import read_image
from galaxyclass.packs import bare_loop, pack
from galaxyclass.prediction import Backend, Member, natural_batch_size
from galaxyclass.prediction.alone import network_alone, prepare_alone
from galaxyclass.prediction.job import predict_files
from galaxyclass.prediction.lanes import in_lanes
from galaxyclass.processes import core_count
from galaxyclass.progress import silent
from galaxyclass.recipes import Recipe
from galaxyclass.training.data import Galaxies
from galaxyclass.training.devices import Device
from galaxyclass.training.fit import fit
from galaxyclass.training.history import read_history
from galaxyclass.training.module import GalaxyModule
from galaxyclass.training.ways import Way, using

#: Training steps that are measured, at least, after an epoch that warms up.
_STEPS = 20
#: Images that are packed and predicted: so many that starting and ending do not weigh. The same
#: ones again where there are fewer.
_PACKED, _PREDICTED = 16_384, 4_096


@dataclass
class Bench:
    """All that the measures need.

    Attributes
    ----------
    recipe : Recipe
        Resolved.
    outputs : Outputs
    paths : list of str
        Image files.
    parts : dict
        ``train`` and ``validation``: galaxies, packed.
    bundle : Bundle
        A network that the recipe trained.
    backend : Backend
        Runs it.
    way : Way
        The fastest way to train it here.
    device : {"cpu", "cuda", "mps"}
    work : Path
        A folder for what is measured to write into.
    """

    recipe: Recipe
    outputs: Outputs
    paths: list[str]
    parts: dict[str, Galaxies]
    bundle: Bundle
    backend: Backend
    way: Way
    device: Device
    work: Path
    memory: dict[str, int] = field(default_factory=dict)
    augmentation: list[float] = field(default_factory=list)

    def measures(self) -> dict[str, Callable[[], float]]:
        """Name -> a function that does the work once, in the order in which they take turns."""
        found = {
            "decode": self.decode,
            "prepare": self.prepare,
            "prepare_loop": self.prepare_loop,
            "pack": self.pack,
            "network": self.network,
            "predict": self.predict,
            "train_network": self.train_network,
            "train": lambda: self.train(self.way),
        }
        if self.way.precision != "fp32":
            found["train_fp32"] = lambda: self.train(replace(self.way, precision="fp32"))
        return found

    def decode(self) -> float:
        """Every pixel of every image, on all cores."""
        began = time.perf_counter()
        for _ in in_lanes(read_image, self.paths, core_count()):
            pass
        return len(self.paths) / (time.perf_counter() - began)

    def prepare(self) -> float:
        """Decode and cut out as a prediction does, without a network."""
        return _PREDICTED / prepare_alone(self._many(_PREDICTED), self.recipe.images)

    def prepare_loop(self) -> float:
        """A bare loop of a pack's work, in as many processes, that writes nothing."""
        return _PACKED / bare_loop(self._many(_PACKED), self.recipe.images)

    def pack(self) -> float:
        """A pack, from nothing to its last file."""
        output, paths = self.work / "pack", self._many(_PACKED)
        began = time.perf_counter()
        with memory_growth(self.memory, "pack"):
            pack(paths, self.recipe.images, output=output)
        seconds = time.perf_counter() - began
        shutil.rmtree(output)
        return len(paths) / seconds

    def network(self) -> float:
        """The network alone, on cutouts in memory."""
        galaxies = self.parts["train"]
        size = natural_batch_size(self.backend, self.recipe.images)
        cutouts = galaxies.batch(np.resize(np.arange(len(galaxies)), _PREDICTED)).cutouts.numpy()
        with memory_kept():
            return _PREDICTED / network_alone(self.backend, cutouts, size)

    def predict(self) -> float:
        """From image files to a CSV file."""
        output, paths = self.work / "predictions.csv", self._many(_PREDICTED)
        ids = [str(number) for number in range(len(paths))]
        began = time.perf_counter()
        with memory_growth(self.memory, "predict"):
            predict_files([Member(self.bundle, self.backend)], paths, ids, output)
        return len(paths) / (time.perf_counter() - began)

    def train(self, way: Way) -> float:
        """A training as `train` does it: loading, augmentation, network, metrics, checkpoints."""
        steps = -(-len(self.parts["train"]) // self.recipe.training.batch_size)
        epochs = 1 + -(-_STEPS // steps)
        settings = {"epochs": epochs, "early_stopping": 0}
        training = self.recipe.training.model_copy(update=settings)
        recipe = self.recipe.model_copy(update={"training": training})
        folder = self.work / "training"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with using(way), memory_growth(self.memory, "train"):
            fit(
                folder,
                recipe,
                self.outputs,
                self.parts,
                further=(),
                seed=0,
                device=self.device,
                way=way,
                progress=silent,
            )
        rows = read_history(folder / "history.csv")[1:]
        return statistics.median(row["images_per_second"] for row in rows)

    def train_network(self) -> float:
        """Training steps on one batch that is ready."""
        steps = self.steps(self.way)
        with using(self.way):
            steps()
            seconds = statistics.median(steps() for _ in range(_STEPS // 2))
            augmenting = statistics.median(steps.augment() for _ in range(_STEPS // 2))
        self.augmentation.append(augmenting / (seconds + augmenting))
        return len(steps.images) / seconds

    def steps(self, way: Way) -> NetworkSteps:
        """Training steps of a network with fresh weights."""
        galaxies = self.parts["train"]
        size = min(len(galaxies), self.recipe.training.batch_size)
        module = GalaxyModule(self.recipe, self.outputs, (), seed=0, steps_per_epoch=1)
        batch = galaxies.batch(np.arange(size))
        return NetworkSteps(module, batch, way=way, device=self.device)

    def _many(self, count: int) -> list[str]:
        """So many images, the same ones again where there are fewer."""
        return [self.paths[place % len(self.paths)] for place in range(count)]
