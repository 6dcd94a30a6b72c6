"""Runtime settings: precision, memory format and threads of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from galaxyclass.model.bundle.manifest import Precision
from galaxyclass.networks.precision import has_bfloat16
from galaxyclass.workers.allocator import memory_kept


@dataclass(frozen=True)
class RuntimeSettings:
    """How a training runs its network on this machine.

    Attributes
    ----------
    precision : {"fp32", "bf16"}
    channels_last : bool
        Whether images are laid out in memory pixel by pixel, instead of channel by channel.
    threads : int
        CPU threads; 0 leaves their number unchanged (as for several processes).
    """

    precision: Precision
    channels_last: bool = True
    threads: int = 0

    @property
    def memory_format(self) -> torch.memory_format:
        """The memory format in torch."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def possible(self, device: str) -> bool:
        """Whether a device (``cpu``, ``cuda``, ``mps``) supports these settings."""
        return self.precision == "fp32" or has_bfloat16(device)

    def __str__(self) -> str:
        threads = f", {self.threads} thread{'s' * (self.threads > 1)}" if self.threads else ""
        return f"{self.precision}{'' if self.channels_last else ', channels first'}{threads}"


@contextmanager
def using(runtime: RuntimeSettings) -> Iterator[None]:
    """Set the threads and keep memory between steps; restore the user's settings afterwards."""
    before = torch.get_num_threads()
    try:
        if runtime.threads:
            torch.set_num_threads(min(runtime.threads, before))
        with memory_kept():
            yield
    finally:
        torch.set_num_threads(before)
