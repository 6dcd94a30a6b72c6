"""An auxiliary task of a model, as if it were the model's only output."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import BundleError
from galaxyclass.model.backends.backend import Backend, WrappingBackend
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.ensemble import Member
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.pretrained import shown_folder
from galaxyclass.tasks.task import Task


def in_task(member: Member, task: Task) -> Member:
    """A member that predicts an auxiliary task instead of its own.

    Parameters
    ----------
    member : Member
        Its manifest has the task among `Manifest.auxiliary`.
    task : Task
    """
    manifest = member.bundle.manifest
    index = [table.identity for table in manifest.auxiliary].index(task.identity)
    return Member(_bundle_of(member.bundle, task), _Auxiliary(member.backend, index))


def in_labelling(bundle: Bundle, labelling: str | None) -> Bundle:
    """A bundle whose task is in a labelling: itself where that is its own, or None is asked for.

    Raises
    ------
    BundleError
        Its network did not learn that labelling.
    """
    manifest = bundle.manifest
    if labelling in (None, manifest.task.labelling):
        return bundle
    for task in manifest.auxiliary:
        if task.has_outputs_of(manifest.task) and task.labelling == labelling:
            return _bundle_of(bundle, task)
    raise BundleError(
        f"{shown_folder(bundle.folder)}: has not learnt the labelling {labelling!r}",
        wanted=f"one of {', '.join(map(repr, labellings_of(bundle)))}"
        if labellings_of(bundle)
        else "no `labelling`: it has learnt a single one, without a name",
        got=repr(labelling),
        hint="leave `labelling` out for the one that it predicts by default",
    )


def labellings_of(bundle: Bundle) -> tuple[str, ...]:
    """The names of the labellings that a network has learnt."""
    task = bundle.manifest.task
    tasks = (task, *(each for each in bundle.manifest.auxiliary if each.has_outputs_of(task)))
    return tuple(each.labelling for each in tasks if each.labelling)


def _bundle_of(bundle: Bundle, task: Task) -> Bundle:
    return replace(bundle, manifest=replace(bundle.manifest, task=task, auxiliary=()))


class _Auxiliary(WrappingBackend):
    """A backend whose values are those of an auxiliary task."""

    def __init__(self, backend: Backend, index: int) -> None:
        super().__init__(backend)
        self._index = index

    def __call__(self, *cutouts: NDArray[np.uint8]) -> ModelOutput:
        output = self._backend(*cutouts)
        return ModelOutput(output.auxiliary[self._index], (), output.features)
