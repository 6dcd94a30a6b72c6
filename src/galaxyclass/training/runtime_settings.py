"""The ways in which one machine can run one network, and how one of them is put to use."""

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
    """How a training runs its network.

    Attributes
    ----------
    precision : {"fp32", "bf16"}
    channels_last : bool
        Whether images lie in memory pixel by pixel, and not channel by channel.
    threads : int
        Of the processor; 0 leaves them as they are (several processes share out the cores).
    """

    precision: Precision
    channels_last: bool = True
    threads: int = 0

    @property
    def memory_format(self) -> torch.memory_format:
        """What torch calls the order of images in memory."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def possible(self, device: str) -> bool:
        """Whether a device (``cpu``, ``cuda``, ``mps``) can run a network so."""
        return self.precision == "fp32" or has_bfloat16(device)

    def __str__(self) -> str:
        threads = f", {self.threads} thread{'s' * (self.threads > 1)}" if self.threads else ""
        return f"{self.precision}{'' if self.channels_last else ', channels first'}{threads}"


@contextmanager
def using(runtime: RuntimeSettings) -> Iterator[None]:
    """Use the way's threads and keep memory between steps; the user's settings come back after."""
    before = torch.get_num_threads()
    try:
        if runtime.threads:
            torch.set_num_threads(min(runtime.threads, before))
        with memory_kept():
            yield
    finally:
        torch.set_num_threads(before)
