"""The measures of a benchmark: each does some work once and returns images per second."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from galaxyclass.images.packs.write import pack
from galaxyclass.images.read import read_image
from galaxyclass.model.backends.backend import Backend, natural_batch_size
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.ensemble import Ensemble, Member
from galaxyclass.model.image_source import ImageSource
from galaxyclass.model.job import predict_to_table
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.rows import open_rows
from galaxyclass.progress import silent
from galaxyclass.study.benchmark.bare_pack import bare_loop
from galaxyclass.study.benchmark.ceilings import NetworkSteps, memory_growth
from galaxyclass.study.benchmark.standalone import network_alone, prepare_alone
from galaxyclass.training.data import PackedGalaxies
from galaxyclass.training.fit import fit_network
from galaxyclass.training.history import read_history
from galaxyclass.training.job import TrainingJob
from galaxyclass.training.module import GalaxyModule
from galaxyclass.training.runtime_settings import RuntimeSettings, using
from galaxyclass.workers.allocator import memory_kept
from galaxyclass.workers.ordered import ordered_pool
from galaxyclass.workers.processes import core_count

#: Training steps that are measured, at least, after an epoch that warms up.
STEPS = 20
#: Images that are packed and predicted: enough that start and end do not matter. They are repeated
#: if there are fewer.
PACKED, PREDICTED = 16_384, 4_096


@dataclass
class Bench:
    """All that the measures need.

    Attributes
    ----------
    job : TrainingJob
        On the device that is measured.
    paths : list of str
        Image files.
    bundle : Bundle
        A network that the recipe trained.
    backend : Backend
        Runs it.
    runtime : RuntimeSettings
        The fastest settings for training it on this machine.
    work : Path
        A folder for outputs of the measures.
    """

    job: TrainingJob
    paths: list[str]
    bundle: Bundle
    backend: Backend
    runtime: RuntimeSettings
    work: Path
    memory: dict[str, int] = field(default_factory=dict)
    augmentation: list[float] = field(default_factory=list)

    def measures(self) -> dict[str, Callable[[], float]]:
        """Name -> a function that does the work once, in the order of measuring."""
        functions = {
            "decode": self.decode,
            "prepare": self.prepare,
            "prepare_loop": self.prepare_loop,
            "pack": self.pack,
            "network": self.network,
            "predict": self.predict,
            "train_network": self.train_network,
            "train": lambda: self.train(self.runtime),
        }
        if self.runtime.precision != "fp32":
            functions["train_fp32"] = lambda: self.train(replace(self.runtime, precision="fp32"))
        return functions

    def decode(self) -> float:
        """Every pixel of every image, on all cores."""
        began = time.perf_counter()
        for _ in ordered_pool(read_image, self.paths, core_count()):
            pass
        return len(self.paths) / (time.perf_counter() - began)

    def prepare(self) -> float:
        """Decode and cut out as a prediction does, without a network."""
        return PREDICTED / prepare_alone(self._many(PREDICTED), self.job.recipe.images)

    def prepare_loop(self) -> float:
        """A bare loop of a pack's work, in as many processes, that writes nothing."""
        return PACKED / bare_loop(self._many(PACKED), self.job.recipe.images)

    def pack(self) -> float:
        """A pack, from nothing to its last file."""
        output, paths = self.work / "pack", self._many(PACKED)
        began = time.perf_counter()
        with memory_growth(self.memory, "pack"):
            pack(paths, self.job.recipe.images, output=output)
        seconds = time.perf_counter() - began
        shutil.rmtree(output)
        return len(paths) / seconds

    def network(self) -> float:
        """The network alone, on cutouts in memory."""
        galaxies = self.job.galaxies["train"]
        size = natural_batch_size(self.backend, self.job.recipe.images)
        cutouts = galaxies.cutouts(np.resize(np.arange(len(galaxies)), PREDICTED))
        with memory_kept():
            return PREDICTED / network_alone(self.backend, cutouts, size)

    def predict(self) -> float:
        """From image files to a CSV file."""
        output, paths = self.work / "predictions.csv", self._many(PREDICTED)
        ids = [str(number) for number in range(len(paths))]
        began = time.perf_counter()
        with memory_growth(self.memory, "predict"):
            ensemble = Ensemble([Member(self.bundle, self.backend)], None)
            maker = open_rows(ensemble, ImageSource(list(paths), ids))
            predict_to_table(maker, output, InferenceOptions())
        return len(paths) / (time.perf_counter() - began)

    def train(self, runtime: RuntimeSettings) -> float:
        """A training as `train` does it: loading, augmentation, network, metrics, checkpoints."""
        steps = -(-len(self.job.galaxies["train"]) // self.job.recipe.training.batch_size)
        epochs = 1 + -(-STEPS // steps)
        settings = {"epochs": epochs, "early_stopping": 0}
        training = self.job.recipe.training.model_copy(update=settings)
        recipe = self.job.recipe.model_copy(update={"training": training})
        job = replace(self.job, recipe=recipe)
        folder = self.work / "training"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with using(runtime), memory_growth(self.memory, "train"):
            fit_network(folder, job, runtime, silent)
        rows = read_history(folder / "history.csv")[1:]
        return statistics.median(row["images_per_second"] for row in rows)

    def train_network(self) -> float:
        """Training steps on one batch that is ready."""
        steps = self.steps(self.runtime)
        with using(self.runtime):
            steps()
            seconds = statistics.median(steps() for _ in range(STEPS // 2))
            augmenting = statistics.median(steps.augment() for _ in range(STEPS // 2))
        self.augmentation.append(augmenting / (seconds + augmenting))
        return len(steps.images) / seconds

    def steps(self, runtime: RuntimeSettings) -> NetworkSteps:
        """Training steps of a network with fresh weights."""
        galaxies = self.job.galaxies["train"]
        size = min(len(galaxies), self.job.recipe.training.batch_size)
        module = GalaxyModule(self.job.recipe, self.job.task, (), seed=0, steps_per_epoch=1)
        batch = PackedGalaxies(galaxies).batch(np.arange(size))
        return NetworkSteps(module, batch, runtime=runtime, device=self.job.device)

    def _many(self, count: int) -> list[str]:
        """So many images, repeated if there are fewer."""
        return [self.paths[index % len(self.paths)] for index in range(count)]
