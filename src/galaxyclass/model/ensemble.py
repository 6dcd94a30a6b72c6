"""Several networks, or one network over several views, as if they were one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError, BundleError
from galaxyclass.model.backends.backend import (
    Backend,
    ConcurrentBackend,
    is_concurrent,
    require_fit,
)
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.manifest import Manifest, Precision
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.views import make_views
from galaxyclass.tasks.task import Task


@dataclass(frozen=True)
class Member:
    """A bundle, and what runs its network."""

    bundle: Bundle
    backend: Backend


class Ensemble:
    """The mean of what members say of the views of a galaxy.

    A `ConcurrentBackend` that computes in lanes where all members do, and takes an array of cutouts
    for each of its preprocessings.

    Parameters
    ----------
    members : sequence of Member
        One or more, which predict the same (`require_same`).
    views : int, optional
        How many views of each galaxy (`make_views`); as many as the members' manifests say unless
        told otherwise.

    Attributes
    ----------
    members : tuple of Member
    preprocessings : tuple of Preprocessing
        Those of the members that differ.
    task : Task
        What it predicts; of answers, those that all members know.
    auxiliary : tuple of Task
        The auxiliary tables of classes that all members have.
    views : int
        Of each galaxy.
    identity : str
        What its predictions depend on: members, precisions, views.
    concurrent, precision, note
        See `ConcurrentBackend`.

    Raises
    ------
    BundleError
        The members do not predict the same.
    ArgumentError
        Fewer views than one.
    """

    def __init__(self, members: Sequence[Member], views: int | None = None) -> None:
        bundles = [member.bundle for member in members]
        require_same(bundles)
        chosen = views is None
        if views is None:
            views = max(one.manifest.views for one in bundles)
        if views < 1:
            raise ArgumentError(
                "no view of a galaxy", argument="views", wanted="1 or more", got=str(views)
            )
        self.members = tuple(members)
        self.views = views
        self.preprocessings = tuple(dict.fromkeys(one.manifest.preprocessing for one in bundles))
        self.task = common_task(bundles)
        self.auxiliary = common_auxiliary(bundles)
        self._mirrors = all(one.manifest.mirrors for one in bundles)
        self._invariant = all(one.manifest.invariant for one in bundles)
        self.concurrent = all(is_concurrent(member.backend) for member in members)
        own = [one.backend for one in members if isinstance(one.backend, ConcurrentBackend)]
        self.precision: Precision = "bf16" if any(o.precision == "bf16" for o in own) else "fp32"
        notes = [backend.note for backend in own if backend.note]
        if chosen and views > 1:
            notes.append(
                f"The mean of {views} views of each galaxy; `views=1` is {views} times as fast."
            )
        self.note = " ".join(dict.fromkeys(notes))
        precisions = [backend.precision for backend in own]
        digests = [one.manifest.digest for one in bundles]
        self.identity = " ".join([*digests, *precisions, str(views)])

    @property
    def backend(self) -> Backend:
        """What to call: the only member's own backend where it sees galaxies as they are."""
        if len(self.members) == 1 and self.views == 1:
            return self.members[0].backend
        return self

    def begin_thread(self) -> None:
        """Tell each member."""
        for member in self.members:
            if isinstance(member.backend, ConcurrentBackend):
                member.backend.begin_thread()

    def __call__(self, *cutouts: NDArray[np.uint8]) -> ModelOutput:
        totals = [_Total(member.bundle.manifest, self.auxiliary) for member in self.members]
        for preprocessing, array in zip(self.preprocessings, cutouts, strict=True):
            mine = [
                (member.backend, total)
                for member, total in zip(self.members, totals, strict=True)
                if total.manifest.preprocessing == preprocessing
            ]
            views = make_views(array, self.views, mirrors=self._mirrors, one=self._invariant)
            for view in views:
                for backend, total in mine:
                    total.add(backend(view), len(view))
        count = self.views * len(totals)
        values, *auxiliary = (
            (np.sum(parts, axis=0) / count).astype(np.float32)
            for parts in zip(*(total.fractions for total in totals), strict=True)
        )
        features = [(total.features / self.views).astype(np.float32) for total in totals]
        return ModelOutput(values, tuple(auxiliary), np.concatenate(features, axis=1))


def embedding_width(ensemble: Ensemble) -> int:
    """How many features a galaxy gets: only the networks themselves know.

    Raises
    ------
    BundleError
        None at all.
    """
    blank = [np.zeros((1, *one.shape), np.uint8) for one in ensemble.preprocessings]
    width = ensemble.backend(*blank).features.shape[1]
    if not width:
        raise BundleError(
            "this model gives no embedding",
            hint="leave embedding out of `include`, or name another run",
        )
    return int(width)


class _Total:
    """The sum of what a member says of several views.

    Attributes
    ----------
    manifest : Manifest
    fractions : list of (galaxies, outputs or classes) float64
        The values, and the probabilities of those auxiliary classes that all members have.
    features : (galaxies, features) float64
    """

    def __init__(self, manifest: Manifest, auxiliary: Sequence[Task]) -> None:
        self.manifest = manifest
        own = [table.identity for table in manifest.auxiliary]
        self._places = [own.index(table.identity) for table in auxiliary]
        self.fractions = [np.zeros(()) for _ in range(1 + len(auxiliary))]
        self.features = np.zeros(())

    def add(self, said: ModelOutput, galaxies: int) -> None:
        """Add what it says of a view of so many galaxies."""
        require_fit(said, galaxies, self.manifest.task, self.manifest.auxiliary)
        parts = [said.values, *(said.auxiliary[place] for place in self._places)]
        self.fractions = [a + b for a, b in zip(self.fractions, parts, strict=True)]
        self.features = self.features + said.features


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
        task, beside = first.manifest.task, other.manifest.task
        if task.identity != beside.identity:
            raise BundleError(
                f"{first.folder} and {other.folder} do not predict the same",
                wanted="runs that predict the same answers in the same layout, or the same classes",
                got=f"{task.describe(beside)}, and {beside.describe(task)}",
                hint="predict with each of them by itself",
            )


def common_task(bundles: Sequence[Bundle]) -> Task:
    """What bundles that predict the same predict together: of answers, those that all know."""
    tasks = [bundle.manifest.task for bundle in bundles]
    return tasks[0].common(tasks)


def common_auxiliary(bundles: Sequence[Bundle]) -> tuple[Task, ...]:
    """The auxiliary tables of classes that all of them have."""
    first, *others = (bundle.manifest.auxiliary for bundle in bundles)
    known = [{table.identity for table in tables} for tables in others]
    return tuple(table for table in first if all(table.identity in tables for tables in known))
