"""An auxiliary table of classes of a model, as if it were the model's only output."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from galaxyclass.model.backends.backend import Backend, ConcurrentBackend, is_concurrent
from galaxyclass.model.ensemble import Member
from galaxyclass.model.output import ModelOutput
from galaxyclass.tasks.task import Task


def classes_of(member: Member, classes: Task) -> Member:
    """A member that predicts the classes of an auxiliary table instead of its task.

    Parameters
    ----------
    member : Member
        Its manifest has the table among `Manifest.auxiliary`.
    classes : Task
    """
    manifest = member.bundle.manifest
    index = [table.identity for table in manifest.auxiliary].index(classes.identity)
    bundle = replace(member.bundle, manifest=replace(manifest, task=classes, auxiliary=()))
    return Member(bundle, _Auxiliary(member.backend, index))


class _Auxiliary:
    """A backend whose values are the probabilities of an auxiliary table."""

    def __init__(self, backend: Backend, index: int) -> None:
        self._backend, self._index = backend, index
        self.concurrent = is_concurrent(backend)
        self.precision = backend.precision if isinstance(backend, ConcurrentBackend) else "fp32"
        self.note = backend.note if isinstance(backend, ConcurrentBackend) else ""

    def begin_thread(self) -> None:
        if isinstance(self._backend, ConcurrentBackend):
            self._backend.begin_thread()

    def __call__(self, *cutouts: NDArray[np.uint8]) -> ModelOutput:
        output = self._backend(*cutouts)
        return ModelOutput(output.auxiliary[self._index], (), output.features)
