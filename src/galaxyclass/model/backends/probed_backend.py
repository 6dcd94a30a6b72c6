"""Running a finetuned model: its network, and the probe on the network's outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.model.answer_shares import answer_shares, same_question
from galaxyclass.model.backends.backend import Backend, WrappingBackend
from galaxyclass.model.brightness_profile import brightness_profile
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.frames import Frame, cut_frames, mean_over_frames
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.probe import NetworkProbe


class ProbedBackend(WrappingBackend):
    """A backend whose values are those of a probe on a network's outputs.

    Parameters
    ----------
    network : Backend
        Of the network beneath.
    probe : NetworkProbe
    manifest : Manifest
        Of the model.
    """

    def __init__(self, network: Backend, probe: NetworkProbe, manifest: Manifest) -> None:
        super().__init__(network)
        self._probe, self._task = probe, manifest.task
        self._frames, self._side = manifest.frames, manifest.network.preprocessing.size
        self._same = same_question(manifest.network.task)

    def __call__(self, cutouts: NDArray[np.uint8], /) -> ModelOutput:
        output, profile = see(self._backend, cutouts, self._frames, self._side)
        shares = answer_shares(output.values, self._same)
        raw = self._probe.linear_outputs(output.features, shares, profile)
        values = self._task.from_linear(raw).astype(np.float32)
        return ModelOutput(values, (), output.features)


def see(
    network: Backend, cutouts: NDArray[np.uint8], frames: Sequence[Frame], side: int
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
