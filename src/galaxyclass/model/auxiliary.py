"""One of the auxiliary tables of classes that a model learnt, as if it predicted nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from galaxyclass.model.backends.backend import Backend, ConcurrentBackend, is_concurrent
from galaxyclass.model.ensemble import Member
from galaxyclass.model.output import ModelOutput
from galaxyclass.tasks.task import Task


def classes_of(member: Member, classes: Task) -> Member:
    """A member that predicts the classes of an auxiliary table in place of its own outputs.

    Parameters
    ----------
    member : Member
        Its manifest has the table among `Manifest.auxiliary`.
    classes : Task
    """
    manifest = member.bundle.manifest
    place = [table.identity for table in manifest.auxiliary].index(classes.identity)
    bundle = replace(member.bundle, manifest=replace(manifest, task=classes, auxiliary=()))
    return Member(bundle, _Auxiliary(member.backend, place))


class _Auxiliary:
    """A backend whose values are the probabilities of an auxiliary table."""

    def __init__(self, backend: Backend, place: int) -> None:
        self._backend, self._place = backend, place
        self.concurrent = is_concurrent(backend)
        self.precision = backend.precision if isinstance(backend, ConcurrentBackend) else "fp32"
        self.note = backend.note if isinstance(backend, ConcurrentBackend) else ""

    def begin_thread(self) -> None:
        if isinstance(self._backend, ConcurrentBackend):
            self._backend.begin_thread()

    def __call__(self, *cutouts: NDArray[np.uint8]) -> ModelOutput:
        said = self._backend(*cutouts)
        return ModelOutput(said.auxiliary[self._place], (), said.features)
