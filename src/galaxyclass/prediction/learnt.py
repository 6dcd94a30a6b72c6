"""One of the further tables of classes that a model learnt, as if it were all that it predicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from galaxyclass.bundles import ClassOutputs, Estimates
from galaxyclass.prediction.backends import Backend, LaneBackend, is_concurrent
from galaxyclass.prediction.ensemble import Member


def classes_of(member: Member, classes: ClassOutputs) -> Member:
    """A member that predicts the classes of a further table in place of its own outputs.

    Parameters
    ----------
    member : Member
        Its manifest has the table among `Manifest.further`.
    classes : ClassOutputs
    """
    manifest = member.bundle.manifest
    place = [one.classes for one in manifest.further].index(classes.classes)
    bundle = replace(member.bundle, manifest=replace(manifest, outputs=classes, further=()))
    return Member(bundle, _Further(member.backend, place))


class _Further:
    """A backend whose values are the probabilities of a further table."""

    def __init__(self, backend: Backend, place: int) -> None:
        self._backend, self._place = backend, place
        self.concurrent = is_concurrent(backend)
        self.precision = backend.precision if isinstance(backend, LaneBackend) else "fp32"
        self.note = backend.note if isinstance(backend, LaneBackend) else ""

    def begin_lane(self) -> None:
        if isinstance(self._backend, LaneBackend):
            self._backend.begin_lane()

    def __call__(self, *cutouts: NDArray[np.uint8]) -> Estimates:
        said = self._backend(*cutouts)
        return Estimates(said.further[self._place], (), said.features)
