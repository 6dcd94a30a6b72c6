"""Upper limits of speed: matrix products, and a network whose data are ready."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from galaxyclass.model.bundle.manifest import Precision
from galaxyclass.networks.augmentation.augment import augment
from galaxyclass.training.data import TrainingBatch, on_device
from galaxyclass.training.module import GalaxyModule
from galaxyclass.training.optimizers import build_optimizer
from galaxyclass.training.runtime_settings import RuntimeSettings

_SIDE = 2048
_SECONDS = 0.5


def matrix_product(precision: Precision) -> float:
    """GFLOP per second of a product of two square matrices of side 2,048."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    first, second = (torch.rand(_SIDE, _SIDE).to(dtype) for _ in range(2))
    first @ second
    best, began = float("inf"), time.perf_counter()
    while time.perf_counter() - began < _SECONDS:
        start = time.perf_counter()
        first @ second
        best = min(best, time.perf_counter() - start)
    return 2 * _SIDE**3 / best / 1e9


class NetworkSteps:
    """Training steps of a network on one batch that is ready: no loading, no augmentation.

    Parameters
    ----------
    module : GalaxyModule
    batch : TrainingBatch
    runtime : RuntimeSettings
    device : {"cpu", "cuda", "mps"}
    """

    def __init__(
        self,
        module: GalaxyModule,
        batch: TrainingBatch,
        *,
        runtime: RuntimeSettings,
        device: str,
    ) -> None:
        self.module, self.runtime, self.device = module.to(device).train(), runtime, device
        module.set_memory_format(runtime.memory_format)
        self.batch = on_device(batch, device)
        images = module.network.read(self.batch.cutouts)
        self.images = images.contiguous(memory_format=runtime.memory_format)
        self.optimizer = build_optimizer(module.recipe, module.network.parameters())

    def __call__(self) -> float:
        """Take one step; returns seconds."""
        began = time.perf_counter()
        self._loss().backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._wait()
        return time.perf_counter() - began

    def augment(self) -> float:
        """Augment the batch; returns seconds."""
        began = time.perf_counter()
        generator = torch.Generator().manual_seed(0)
        augment(
            self.batch.cutouts, self.module.recipe.augmentation, self.module.network.side, generator
        )
        self._wait()
        return time.perf_counter() - began

    def gflop(self) -> dict[str, float]:
        """GFLOP per image of ``inference`` and ``training``: additions and products."""
        with FlopCounterMode(display=False) as forward, torch.no_grad():
            self.module.network(self.images)
        with FlopCounterMode(display=False) as counter:
            self._loss().backward()  # type: ignore[no-untyped-call]
        self.optimizer.zero_grad()
        count = len(self.images) * 1e9
        return {
            "inference": forward.get_total_flops() / count,
            "training": counter.get_total_flops() / count,
        }

    def _loss(self) -> torch.Tensor:
        with torch.autocast(self.device, torch.bfloat16, enabled=self.runtime.precision == "bf16"):
            return self.module.losses(self.images, self.batch.targets, self.batch.auxiliary)[0]

    def _wait(self) -> None:
        if self.device == "cuda":  # pragma: no cover - needs a GPU
            torch.cuda.synchronize()


@contextmanager
def memory_growth(into: dict[str, int], name: str) -> Iterator[None]:
    """Record the largest growth of this process's memory in bytes, on Linux."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the peak
    except OSError:  # pragma: no cover - another system
        yield
        return
    before = _held("VmRSS")
    yield
    into[name] = max(into.get(name, 0), _held("VmHWM") - before)


def _held(name: str) -> int:
    """Memory of this process on Linux, bytes: now (VmRSS) or its peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
