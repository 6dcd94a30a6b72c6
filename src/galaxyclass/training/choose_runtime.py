"""Which runtime settings are the fastest for this network on this machine, by trial steps.

Nothing of it can be assumed. bfloat16 is multiplied in hardware on some machines and emulated on
others; a memory format pays for some networks and costs others; two threads are slower than one
where other work holds a core, because each step's threads wait for the slowest of them.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.model.bundle.manifest import Precision
from galaxyclass.networks.precision import has_bfloat16
from galaxyclass.training.data import PackedGalaxies, on_device
from galaxyclass.training.devices import accelerator_of
from galaxyclass.training.job import TrainingJob
from galaxyclass.training.module import GalaxyModule
from galaxyclass.training.optimizers import build_optimizer
from galaxyclass.training.runtime_settings import RuntimeSettings, using

log = logging.getLogger(__name__)

#: Trainings of fewer steps are over before trial steps pay off.
SHORT = 32
#: At most so many seconds and steps for one trial after its first step.
_SECONDS, TRIAL_STEPS = 1.0, 5
#: Seconds; if the first step takes longer, trials use fewer galaxies.
_SLOW = 1.5
#: Lower precision or another memory format must be so many times as fast. They change the result of
#: a training, and a small difference that varies from trial to trial must not decide on it. The
#: number of threads has no margin.
_PRECISION_MARGIN, _FORMAT_MARGIN = 1.2, 1.25

#: Images per second of a training step.
MeasureSpeed = Callable[[RuntimeSettings], float]


@dataclass(frozen=True)
class ChosenRuntime:
    """Runtime settings, and how fast they and others were.

    Attributes
    ----------
    runtime : RuntimeSettings
    images_per_second : dict
        Of the runtime settings that were tried, by their description; empty if none was.
    """

    runtime: RuntimeSettings
    images_per_second: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """As stored in `run.json`."""
        return {**asdict(self.runtime), "images_per_second": self.images_per_second}


def choose_runtime(job: TrainingJob) -> ChosenRuntime:
    """Find the fastest runtime settings for training a job's network on this machine.

    Parameters
    ----------
    job : TrainingJob
        `training.precision` and `training.threads` of its recipe are kept if they are stated; some
        of its training galaxies are used for trial steps.

    Notes
    -----
    The trial networks are dropped, and the random state is not changed. A training of fewer than
    `SHORT` steps has no trials: it runs in 32-bit floats.
    """
    training, count = job.recipe.training, len(job.galaxies["train"])
    steps = -(-count // (training.batch_size * job.devices)) * training.epochs
    if steps < SHORT:
        return ChosenRuntime(RuntimeChoices(job).first, {})
    return try_runtimes(job)


def try_runtimes(job: TrainingJob) -> ChosenRuntime:
    """`choose_runtime`, however short the training."""
    choices = RuntimeChoices(job)
    if not choices.open:
        return ChosenRuntime(choices.first, {})
    with torch.random.fork_rng():
        module = GalaxyModule(job.recipe, job.task, job.auxiliary, seed=job.seed, steps_per_epoch=1)
        trials = Trials(module, job.galaxies["train"], accelerator_of(job.device))
        runtime = fastest(choices, trials)
    log.info(
        "training in %s: %.0f images/s in trial steps%s",
        runtime,
        trials.speeds[runtime],
        "".join(
            f"; {other}: {speed:.0f}" for other, speed in trials.speeds.items() if other != runtime
        ),
    )
    return ChosenRuntime(
        runtime, {str(runtime): round(speed, 1) for runtime, speed in trials.speeds.items()}
    )


class RuntimeChoices:
    """The settings that the recipe and the machine leave open."""

    def __init__(self, job: TrainingJob) -> None:
        wanted, threads = job.recipe.training.precision, job.recipe.training.threads
        device = accelerator_of(job.device)
        native = has_bfloat16(device)
        if wanted == "bf16" and not native:
            log.warning("training.precision=bf16: not native to this machine; using 32-bit floats")
        self.precisions: tuple[Precision, ...] = ("fp32",)
        if wanted == "auto" and native:
            self.precisions = ("fp32", "bf16")
        if wanted == "bf16" and native:
            self.precisions = ("bf16",)
        self.threads: tuple[int, ...] = (0,)
        if device == "cpu" and job.devices == 1:
            cores = torch.get_num_threads()
            self.threads = (min(threads, cores),) if threads else tuple(dict.fromkeys((cores, 1)))

    @property
    def first(self) -> RuntimeSettings:
        """The settings without a trial."""
        return RuntimeSettings(self.precisions[0], threads=self.threads[0])

    @property
    def open(self) -> bool:
        """Whether there is anything to choose."""
        return len(self.precisions) > 1 or len(self.threads) > 1

    def threads_to_try(self, runtime: RuntimeSettings) -> Iterator[RuntimeSettings]:
        """The same with each other number of threads."""
        for threads in self.threads:
            if threads != runtime.threads:
                yield replace(runtime, threads=threads)


def fastest(choices: RuntimeChoices, speed: MeasureSpeed) -> RuntimeSettings:
    """The fastest runtime, one choice after the other: threads, precision, memory format."""
    # With the faster precision, so that the slow one is not tried with every number of threads.
    runtime = replace(choices.first, precision=choices.precisions[-1])
    for other in choices.threads_to_try(runtime):
        if speed(other) > speed(runtime):
            runtime = other
    if len(choices.precisions) > 1:
        exact = replace(runtime, precision="fp32")
        if speed(runtime) < _PRECISION_MARGIN * speed(exact):
            runtime = exact
    other = replace(runtime, channels_last=False)
    return other if speed(other) > _FORMAT_MARGIN * speed(runtime) else runtime


class Trials:
    """Measures runtime settings with real training steps; each only once."""

    def __init__(self, module: GalaxyModule, galaxies: Galaxies, device: str) -> None:
        self.device = device
        self.galaxies = PackedGalaxies(galaxies)
        self.count = min(module.recipe.training.batch_size, len(galaxies))
        self.module = module.to(device).train()
        self.speeds: dict[RuntimeSettings, float] = {}

    def __call__(self, runtime: RuntimeSettings) -> float:
        """Images per second, the median of some steps."""
        if runtime not in self.speeds:
            self.module.set_memory_format(runtime.memory_format)
            # Its states have the memory layout of the weights: a new one for each format.
            self.optimizer = build_optimizer(self.module.recipe, self.module.network.parameters())
            with using(runtime):
                self.speeds[runtime] = self.measure(runtime)
        return self.speeds[runtime]

    def measure(self, runtime: RuntimeSettings) -> float:
        first = self._step(runtime)  # prepares kernels, and is slower than later ones
        if first > _SLOW and self.count > 16:
            self.count //= 4
        seconds: list[float] = []
        while len(seconds) < TRIAL_STEPS and sum(seconds) < _SECONDS:
            seconds.append(self._step(runtime))
        return self.count / statistics.median(seconds)

    def _step(self, runtime: RuntimeSettings) -> float:
        began = time.perf_counter()
        batch = on_device(self.galaxies.batch(np.arange(self.count)), self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=runtime.precision == "bf16"):
            loss = self.module.training_step(batch, 0)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        loss.item()  # waits for the device
        return time.perf_counter() - began
