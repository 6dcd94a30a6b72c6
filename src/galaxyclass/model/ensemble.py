"""Ensembles and test-time views: the mean of several predictions, as if of one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError, BundleError
from galaxyclass.model.backends.backend import (
    Backend,
    ConcurrentBackend,
    is_concurrent,
    require_fit,
    runs_in_any_thread,
)
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.manifest import ComputedPrecision, Manifest
from galaxyclass.model.output import ModelOutput, require_model_output
from galaxyclass.model.pretrained import shown_folder
from galaxyclass.model.views import make_views
from galaxyclass.tasks.task import Task


@dataclass(frozen=True)
class Member:
    """A bundle, and the backend that runs its network."""

    bundle: Bundle
    backend: Backend


class Ensemble:
    """The mean of the members' outputs over the test-time views of a galaxy.

    A `ConcurrentBackend` where all members are; it takes an array of cutouts for each of its
    preprocessings.

    Parameters
    ----------
    members : sequence of Member
        One or more, with the same outputs (`require_same`).
    views : int, optional
        How many views of each galaxy (`make_views`); by default as the members' manifests say.

    Attributes
    ----------
    members : tuple of Member
    preprocessings : tuple of Preprocessing
        Those of the members that differ.
    task : Task
        What it predicts; only the answers that all members know.
    auxiliary : tuple of Task
        The auxiliary tasks that all members have.
    views : int
        Test-time views of each galaxy.
    identity : str
        All that its predictions depend on: members, precisions, views.
    concurrent, precision, note
        See `ConcurrentBackend`.
    any_thread : bool
        See `runs_in_any_thread`.

    Raises
    ------
    BundleError
        The members have different outputs.
    ArgumentError
        No view at all.
    """

    def __init__(self, members: Sequence[Member], views: int | None = None) -> None:
        bundles = [member.bundle for member in members]
        require_same(bundles)
        is_default = views is None
        if views is None:
            views = max(bundle.manifest.views for bundle in bundles)
        if views < 1:
            raise ArgumentError(
                "no view of a galaxy", argument="views", wanted="1 or more", got=str(views)
            )
        self.members = tuple(members)
        self.views = views
        self.preprocessings = tuple(
            dict.fromkeys(bundle.manifest.preprocessing for bundle in bundles)
        )
        self.task = common_task(bundles)
        self.auxiliary = common_auxiliary(bundles)
        self._mirrors = all(bundle.manifest.mirrors for bundle in bundles)
        self._invariant = all(bundle.manifest.invariant for bundle in bundles)
        self.concurrent = all(is_concurrent(member.backend) for member in members)
        self.any_thread = all(runs_in_any_thread(member.backend) for member in members)
        concurrent = [
            member.backend for member in members if isinstance(member.backend, ConcurrentBackend)
        ]
        precisions = [backend.precision for backend in concurrent]
        coarsest: list[ComputedPrecision] = ["int8", "bf16", "fp32"]
        self.precision: ComputedPrecision = next(
            (name for name in coarsest if name in precisions), "fp32"
        )
        notes = [backend.note for backend in concurrent if backend.note]
        if is_default and views > 1:
            notes.append(
                f"The mean of {views} views of each galaxy; `views=1` is {views} times as fast."
            )
        self.note = " ".join(dict.fromkeys(notes))
        digests = [bundle.manifest.digest for bundle in bundles]
        self.identity = " ".join([*digests, *precisions, str(views)])

    @property
    def backend(self) -> Backend:
        """The backend to call: a single member's own if there is one view."""
        if len(self.members) == 1 and self.views == 1:
            return self.members[0].backend
        return self

    @cached_property
    def width(self) -> int:
        """The number of features; 0 where the networks give none."""
        blank = [np.zeros((1, *settings.shape), np.uint8) for settings in self.preprocessings]
        return int(self.backend(*blank).features.shape[1])

    def begin_thread(self) -> None:
        """Prepare the calling thread for each member."""
        for member in self.members:
            if isinstance(member.backend, ConcurrentBackend):
                member.backend.begin_thread()

    def __call__(self, *cutouts: NDArray[np.uint8]) -> ModelOutput:
        totals = [_Total(member.bundle.manifest, self.auxiliary) for member in self.members]
        for preprocessing, array in zip(self.preprocessings, cutouts, strict=True):
            members = [
                (member.backend, total)
                for member, total in zip(self.members, totals, strict=True)
                if total.manifest.preprocessing == preprocessing
            ]
            views = make_views(array, self.views, mirrors=self._mirrors, invariant=self._invariant)
            for view in views:
                for backend, total in members:
                    total.add(require_model_output(backend(view)), len(view))
        count = self.views * len(totals)
        values, *auxiliary = (
            (np.sum(parts, axis=0) / count).astype(np.float32)
            for parts in zip(*(total.fractions for total in totals), strict=True)
        )
        features = [(total.features / self.views).astype(np.float32) for total in totals]
        return ModelOutput(values, tuple(auxiliary), np.concatenate(features, axis=1))


def embedding_width(ensemble: Ensemble) -> int:
    """The number of features of the embedding, found by running the networks once.

    Raises
    ------
    BundleError
        The model gives none.
    """
    width = ensemble.width
    if not width:
        raise BundleError(
            "this model gives no embedding",
            hint="leave embedding out of `include`, or name another run",
        )
    return width


class _Total:
    """The sum of a member's outputs over several views.

    Attributes
    ----------
    manifest : Manifest
    fractions : list of (galaxies, outputs or classes) float64
        The values, and those of the auxiliary tasks that all members have.
    features : (galaxies, features) float64
    """

    def __init__(self, manifest: Manifest, auxiliary: Sequence[Task]) -> None:
        self.manifest = manifest
        identities = [table.identity for table in manifest.auxiliary]
        self._indices = [identities.index(table.identity) for table in auxiliary]
        self.fractions = [np.zeros(()) for _ in range(1 + len(auxiliary))]
        self.features = np.zeros(())

    def add(self, output: ModelOutput, galaxies: int) -> None:
        """Add the output for one view of so many galaxies."""
        require_fit(output, galaxies, self.manifest.task, self.manifest.auxiliary)
        parts = [output.values, *(output.auxiliary[index] for index in self._indices)]
        self.fractions = [a + b for a, b in zip(self.fractions, parts, strict=True)]
        self.features = self.features + output.features


def require_same(bundles: Sequence[Bundle]) -> None:
    """Refuse bundles whose predictions cannot be averaged.

    Raises
    ------
    BundleError
        Two of them predict answers of different trees, name them by different layouts, or predict
        different classes.
    """
    first, *others = bundles
    for other in others:
        task, other_task = first.manifest.task, other.manifest.task
        if task.identity != other_task.identity:
            raise BundleError(
                f"{shown_folder(first.folder)} and {shown_folder(other.folder)} do not predict the "
                "same",
                wanted="runs that predict the same answers in the same layout, or the same classes",
                got=f"{task.describe(other_task)}, and {other_task.describe(task)}",
                hint="predict with each of them by itself",
            )


def common_task(bundles: Sequence[Bundle]) -> Task:
    """The common task of bundles with the same outputs: only the answers that all know."""
    tasks = [bundle.manifest.task for bundle in bundles]
    return tasks[0].common(tasks)


def common_auxiliary(bundles: Sequence[Bundle]) -> tuple[Task, ...]:
    """The auxiliary tasks that all bundles have."""
    first, *others = (bundle.manifest.auxiliary for bundle in bundles)
    identities = [{table.identity for table in tables} for tables in others]
    return tuple(table for table in first if all(table.identity in tables for tables in identities))
