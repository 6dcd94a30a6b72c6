"""Running a finetuned model: its network, and the probe on the network's outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.model.answer_shares import answer_shares, same_question
from galaxyclass.model.brightness_profile import brightness_profile
from galaxyclass.model.bundle.manifest import ComputedPrecision
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.probe import NetworkProbe
from galaxyclass.tasks.task import Task


class ProbedBackend:
    """A backend whose values are those of a probe on a network's outputs.

    Parameters
    ----------
    network : Backend
        Of the network beneath.
    probe : NetworkProbe
    task : Task
        What the probe predicts.
    beneath : Task
        What the network predicts.
    concurrent : bool
        Whether the network's backend may be called from several threads.

    Attributes
    ----------
    concurrent, precision, note
        See `galaxyclass.model.backends.backend.ConcurrentBackend`.
    """

    def __init__(
        self, network: Any, probe: NetworkProbe, task: Task, beneath: Task, *, concurrent: bool
    ) -> None:
        self._network, self._probe, self._task = network, probe, task
        self._same = same_question(beneath)
        self.concurrent = concurrent
        self.precision: ComputedPrecision = getattr(network, "precision", "fp32")
        self.note: str = getattr(network, "note", "")

    def begin_thread(self) -> None:
        """Prepare the calling thread for the network."""
        if self.concurrent:
            self._network.begin_thread()

    def __call__(self, cutouts: NDArray[np.uint8], /) -> ModelOutput:
        output: ModelOutput = self._network(cutouts)
        profile = brightness_profile(cutouts)
        shares = answer_shares(output.values, self._same)
        raw = self._probe.linear_outputs(output.features, shares, profile)
        values = self._task.from_linear(raw).astype(np.float32)
        return ModelOutput(values, (), output.features)
