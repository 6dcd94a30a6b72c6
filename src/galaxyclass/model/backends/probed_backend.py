"""Running a finetuned model: its network, and the probe on the network's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.model.answer_shares import answer_shares, same_question
from galaxyclass.model.brightness_profile import brightness_profile
from galaxyclass.model.bundle.manifest import ComputedPrecision, Manifest
from galaxyclass.model.frames import Frame, cut_frames, mean_over_frames
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.probe import NetworkProbe


class ProbedBackend:
    """A backend whose values are those of a probe on a network's outputs.

    Parameters
    ----------
    network : Backend
        Of the network beneath.
    probe : NetworkProbe
    manifest : Manifest
        Of the model.
    concurrent : bool
        Whether the network's backend may be called from several threads.

    Attributes
    ----------
    concurrent, precision, note
        See `galaxyclass.model.backends.backend.ConcurrentBackend`.
    any_thread : bool
        See `galaxyclass.model.backends.backend.runs_in_any_thread`.
    """

    def __init__(
        self, network: Any, probe: NetworkProbe, manifest: Manifest, *, concurrent: bool
    ) -> None:
        self._network, self._probe, self._task = network, probe, manifest.task
        self._frames, self._side = manifest.frames, manifest.network.preprocessing.size
        self._same = same_question(manifest.network.task)
        self.concurrent = concurrent
        self.any_thread: bool = concurrent and getattr(network, "any_thread", False)
        self.precision: ComputedPrecision = getattr(network, "precision", "fp32")
        self.note: str = getattr(network, "note", "")

    def begin_thread(self) -> None:
        """Prepare the calling thread for the network."""
        if self.concurrent:
            self._network.begin_thread()

    def __call__(self, cutouts: NDArray[np.uint8], /) -> ModelOutput:
        output, profile = see(self._network, cutouts, self._frames, self._side)
        shares = answer_shares(output.values, self._same)
        raw = self._probe.linear_outputs(output.features, shares, profile)
        values = self._task.from_linear(raw).astype(np.float32)
        return ModelOutput(values, (), output.features)


def see(
    network: Any, cutouts: NDArray[np.uint8], frames: Sequence[Frame], side: int
) -> tuple[ModelOutput, Doubles]:
    """What a network says of galaxies, and their brightness profiles: the means over the frames.

    Parameters
    ----------
    network : Backend
    cutouts : (galaxies, height, width, channels) uint8
    frames : sequence of Frame
        `Manifest.frames`; none: the network takes the cutouts.
    side : int
        Pixels along the side of what the network takes.
    """
    parts = cut_frames(cutouts, frames, side)
    output, profile = network(parts), brightness_profile(parts)
    if not frames:
        return output, profile
    values, features, *auxiliary = (
        mean_over_frames(array, frames).astype(np.float32)
        for array in (output.values, output.features, *output.auxiliary)
    )
    return ModelOutput(values, tuple(auxiliary), features), mean_over_frames(profile, frames)
