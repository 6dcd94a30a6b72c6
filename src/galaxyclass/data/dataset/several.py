"""`Samples`: the galaxies of one table, or of several that are learnt together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.galaxies import Chain, Galaxies
from galaxyclass.data.dataset.parts import split_parts
from galaxyclass.data.dataset.prepare import Sample, prepare
from galaxyclass.data.unused import Unused
from galaxyclass.errors import CatalogError
from galaxyclass.progress import Progress
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import Split
from galaxyclass.tasks.targets import Targets
from galaxyclass.tasks.task import Task

#: The part of each galaxy, table by table.
Parts = tuple[NDArray[np.object_], ...]


@dataclass(frozen=True)
class Samples:
    """Samples that a network learns together.

    Attributes
    ----------
    tables : tuple of Sample
        The network predicts the answers of the first table and is scored on it. Other tables of
        the same tree add galaxies, even if they lack some answers; tables of classes are auxiliary
        tasks.
    """

    tables: tuple[Sample, ...]

    @property
    def first(self) -> Sample:
        """The sample of the first table."""
        return self.tables[0]

    @property
    def auxiliary(self) -> tuple[int, ...]:
        """The numbers of the tables that are auxiliary tasks: classes beside the first table."""
        return tuple(
            number
            for number, sample in enumerate(self.tables)
            if number and not self._same_task(sample)
        )

    @property
    def unused(self) -> tuple[Unused, ...]:
        """What of the files, columns and rows of all tables was not used."""
        if len(self.tables) == 1:
            return self.first.unused
        return tuple(
            replace(each, why=f"{sample.catalog.table or sample.catalog.images}: {each.why}")
            for sample in self.tables
            for each in sample.unused
        )

    @property
    def fingerprint(self) -> str:
        """BLAKE2b-128 in hex of all tables; of a single table, the fingerprint of its sample."""
        if len(self.tables) == 1:
            return self.first.fingerprint
        prints = "".join(sample.fingerprint for sample in self.tables)
        return hashlib.blake2b(prints.encode(), digest_size=16).hexdigest()

    def split(self, shares: Split, seed: int) -> Parts:
        """The part of each galaxy of each table.

        Each table is split by the shares. An image that is in several tables is in one part: that
        of the first of them. The other galaxies of an auxiliary table are for training where they
        are too few to be split.
        """
        smallest = min(share for share in (shares.validation, shares.test) if share > 0)
        parts: list[NDArray[np.object_]] = []
        known: dict[bytes, str] = {}
        for sample in self.tables:
            drawn = np.array([known.get(digest, "") for digest in sample.digests], dtype=object)
            unassigned = np.flatnonzero(drawn == "")
            if len(unassigned) == len(drawn):
                drawn = split_parts(sample, shares, seed)
            elif len(unassigned) * smallest < 1:
                drawn[unassigned] = "train"
            else:
                drawn[unassigned] = split_parts(sample.take(unassigned), shares, seed)
            if len(self.tables) > 1:
                known.update(zip(sample.digests, drawn, strict=True))
            parts.append(drawn)
        return tuple(parts)

    def task(self, parts: Parts) -> Task:
        """The task of the first table; an output is known if any table of the task knows it."""
        task = self.first.task(_training(parts[0]))
        for sample, drawn in zip(self.tables[1:], parts[1:], strict=True):
            if self._same_task(sample):
                task = task.merge(sample.task(_training(drawn)))
        return task

    def auxiliary_tasks(self, parts: Parts) -> tuple[Task, ...]:
        """The auxiliary tasks."""
        return tuple(self.tables[i].task(_training(parts[i])) for i in self.auxiliary)

    def galaxies_by_part(self, parts: Parts) -> dict[str, Galaxies]:
        """The galaxies of each part of the first table (see `galaxies`)."""
        return {part: self.galaxies(parts, part) for part in dict.fromkeys(parts[0])}

    def galaxies(self, parts: Parts, part: str) -> Galaxies:
        """The galaxies of a part: for training those of all tables, otherwise of the first.

        An image that is in several tables is one galaxy. Its targets are the mean fractions of the
        tables of votes (or the class in the first table that has one), and its class in each
        auxiliary table.
        """
        auxiliary = self.auxiliary
        packs = [sample.pack.images for sample in self.tables]
        images = packs[0] if len(packs) == 1 else Chain(packs)
        gathering = _Gathering(self.first.targets, images, list(map(len, packs)))
        for number, sample in enumerate(self.tables):
            if number == 0 or (part == "train" and number not in auxiliary):
                gathering.add(number, sample, np.flatnonzero(parts[number] == part))
        for number in auxiliary:
            rows = np.flatnonzero(parts[number] == part)
            gathering.label(number, self.tables[number], rows, add=part == "train")
        return gathering.galaxies()

    def _same_task(self, other: Sample) -> bool:
        return self.first.targets.same_task(other.targets)


class _Gathering:
    """Galaxies of several tables, one for each image."""

    def __init__(
        self, targets: Targets, images: NDArray[np.uint8] | Chain, lengths: Sequence[int]
    ) -> None:
        self._targets = targets  # of the first table
        self._images = images
        self._firsts = np.cumsum([0, *lengths])  # the first row of each pack in the chain
        self._count = 0
        self._index_of: dict[bytes, int] = {}
        self._digests: list[NDArray[np.bytes_]] = []  # of the last galaxies, not in `_index_of` yet
        self._rows: list[NDArray[np.int64]] = []
        self._values: list[NDArray[Any]] = []
        self._same: list[tuple[NDArray[np.int64], NDArray[Any]]] = []
        self._labels: list[tuple[Targets, NDArray[np.int64], NDArray[Any]]] = []

    def add(self, number: int, sample: Sample, rows: NDArray[np.int64]) -> None:
        """Add galaxies of a table that has the first table's task."""
        at, known = self._find(sample, rows)
        values = sample.values(rows)
        if not known.any():
            self._append(number, sample, rows, values)
            return
        self._append(number, sample, rows[~known], values[~known])
        self._same.append((at[known], values[known]))

    def label(self, number: int, sample: Sample, rows: NDArray[np.int64], *, add: bool) -> None:
        """Set the classes of an auxiliary table; `add` the galaxies that are not there yet."""
        at, known = self._find(sample, rows)
        labels = sample.values(rows)
        if add:
            new = rows[~known]
            at[~known] = self._count + np.arange(len(new))
            known[:] = True
            self._append(number, sample, new, self._targets.blank(len(new)))
        self._labels.append((sample.targets, at[known], labels[known]))

    def galaxies(self) -> Galaxies:
        """All galaxies that were added."""
        values = self._values[0] if len(self._values) == 1 else np.concatenate(self._values)
        values = self._targets.combine(values, self._same)
        labels = []
        for targets, at, classes in self._labels:
            column = targets.blank(len(values))
            column[at] = classes
            labels.append(column)
        rows = np.concatenate(self._rows)
        return Galaxies(self._images, rows, values, tuple(labels))

    def _find(
        self, sample: Sample, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        if not self._count:
            return np.full(len(rows), -1, dtype=np.int64), np.zeros(len(rows), dtype=bool)
        start = self._count - sum(map(len, self._digests))
        for index, digest in enumerate(chain.from_iterable(self._digests), start):
            self._index_of.setdefault(digest, index)
        self._digests.clear()
        at = (self._index_of.get(digest, -1) for digest in sample.digests[rows])
        indices = np.fromiter(at, np.int64, len(rows))
        return indices, indices >= 0

    def _append(
        self, number: int, sample: Sample, rows: NDArray[np.int64], values: NDArray[Any]
    ) -> None:
        self._count += len(rows)
        self._digests.append(sample.digests[rows])
        self._rows.append(sample.rows[rows] + self._firsts[number])
        self._values.append(values)


def prepare_all(
    dataset: Dataset,
    preprocessing: Preprocessing,
    *,
    cache: str | Path | None,
    workers: int | None,
    progress: Progress,
) -> Samples:
    """Read, pack and check the galaxies of one table or several.

    Raises
    ------
    CatalogError
        As `prepare`; and where a table cannot be an auxiliary task of the first.
    InvalidCatalogError
        As `prepare`.
    """
    samples = Samples(
        tuple(
            prepare(table, preprocessing, cache=cache, workers=workers, progress=progress)
            for table in dataset.tables
        )
    )
    for number in samples.auxiliary:
        catalog = samples.tables[number].catalog
        targets = samples.tables[number].targets
        if not targets.auxiliary:
            first = samples.first.catalog
            beside = first.table or first.images
            raise CatalogError(
                f"{catalog.table}: its {targets.kind} cannot be an auxiliary task of {beside}",
                wanted="votes on the same tree beside votes, or a table of classes",
                got=targets.words,
                hint="name the table of votes first (`table`), and the table of classes after it "
                "(`also`)",
            )
    return samples


def _training(parts: NDArray[np.object_]) -> NDArray[np.int64]:
    return np.flatnonzero(parts == "train")
