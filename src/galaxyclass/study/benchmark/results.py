"""The results of a benchmark, and their file."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxyclass.io.atomic import write_text
from galaxyclass.short import counted, summary

FILE = "benchmark.json"


@dataclass(frozen=True)
class Speed:
    """Images per second, measured several times.

    Attributes
    ----------
    values : tuple of float
        One for each repeat, in order.
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)


@dataclass(frozen=True)
class Share:
    """A speed as a share of its upper limit.

    Attributes
    ----------
    what, of : str
        The speed, and a description of the limit.
    value : float
        1 is the limit. The median over the repeats of the ratio within each repeat, so that other
        work of the machine affects both speeds.
    """

    what: str
    of: str
    value: float


@dataclass(frozen=True)
class Benchmark:
    """The results of a benchmark.

    Attributes
    ----------
    recipe : str
    images : int
        How many galaxies were used.
    repeats : int
    runtime : mapping
        How the network was run in training, and the speed of all settings that were tried.
    speeds : mapping of str to Speed
        Images per second of ``decode``, ``prepare``, ``prepare_loop``, ``pack``, ``network``,
        ``predict``, ``train``, ``train_fp32`` and ``train_network``.
    shares : sequence of Share
    augmentation : float
        Share of a training step's time.
    gflop : mapping
        Per image ``inference`` and ``training``; per second ``fp32`` and ``bf16`` of a matrix
        product with all cores (``bf16`` only where the machine has it).
    memory : mapping
        By how many bytes, at most, this process grew while it did ``pack``, ``train`` and
        ``predict``; empty if the system does not report it.
    machine, versions : mapping
    """

    recipe: str
    images: int
    repeats: int
    runtime: Mapping[str, Any]
    speeds: Mapping[str, Speed]
    shares: Sequence[Share]
    augmentation: float
    gflop: Mapping[str, float]
    memory: Mapping[str, int]
    machine: Mapping[str, Any]
    versions: Mapping[str, str]

    def __repr__(self) -> str:
        speeds = ", ".join(
            f"{name} {self.speeds[name].median:,.0f}"
            for name in ("pack", "train", "predict")
            if name in self.speeds
        )
        return summary(
            f"Benchmark of {self.recipe}, {counted(self.images, 'galaxy')}: {speeds} images/s"
        )

    def to_json(self) -> str:
        """The text of `benchmark.json`: for each speed a median, and its spread beside it."""
        figures: dict[str, Any] = {}
        for name, speed in self.speeds.items():
            key = f"{name}_images_per_second"
            figures[key] = round(speed.median, 1)
            figures[f"{key}_spread"] = [round(speed.low, 1), round(speed.high, 1)]
        figures["shares"] = {
            share.what: {"of": share.of, "value": round(share.value, 3)} for share in self.shares
        }
        figures["augmentation_share_of_a_step"] = round(self.augmentation, 4)
        figures["gflop"] = {name: round(value, 2) for name, value in self.gflop.items()}
        figures["memory_growth_bytes"] = dict(self.memory)
        figures |= {"recipe": self.recipe, "images": self.images, "repeats": self.repeats}
        figures |= {"runtime": dict(self.runtime), "machine": dict(self.machine)}
        figures["versions"] = dict(self.versions)
        return json.dumps(figures, indent=1) + "\n"

    def write(self, folder: Path) -> None:
        """Write `benchmark.json` into a folder."""
        write_text(folder / FILE, self.to_json())


def share(what: str, of: str, speeds: Sequence[float], ceilings: Sequence[float]) -> Share:
    """The share that speeds reach of their ceilings, repeat by repeat."""
    ratios = [speed / ceiling for speed, ceiling in zip(speeds, ceilings, strict=True)]
    return Share(what, of, statistics.median(ratios))


def one_after_the_other(first: float, second: float) -> float:
    """Images per second of two kinds of work on the same cores: the sum of their times."""
    return 1 / (1 / first + 1 / second)
