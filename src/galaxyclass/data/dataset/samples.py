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
from galaxyclass.data.dataset.folds import draw_folds
from galaxyclass.data.dataset.galaxies import Chain, Galaxies
from galaxyclass.data.dataset.parts import split_parts
from galaxyclass.data.dataset.prepare import Sample, prepare
from galaxyclass.data.leakage import OUT_OF_FOLD
from galaxyclass.data.unused import Unused
from galaxyclass.errors import CatalogError, RunError
from galaxyclass.progress import Progress
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import Split
from galaxyclass.tasks.targets import Targets, Values
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
        the same tree and labelling add galaxies, even if they lack some answers; other labellings
        of the tree and tables of classes are auxiliary tasks.
    """

    tables: tuple[Sample, ...]

    @property
    def first(self) -> Sample:
        """The sample of the first table."""
        return self.tables[0]

    @property
    def by_task(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the tables of each task, those of the first table's first.

        Tables of one task, in one labelling, are learnt by one last layer.
        """
        groups: list[list[int]] = []
        for number, sample in enumerate(self.tables):
            for group in groups:
                first = self.tables[group[0]]
                if first.targets.same_task(sample.targets) and first.labelling == sample.labelling:
                    group.append(number)
                    break
            else:
                groups.append([number])
        return tuple(map(tuple, groups))

    @property
    def auxiliary(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the tables of each auxiliary task."""
        return self.by_task[1:]

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

    def require_same(self, fingerprint: str, folder: Path) -> None:
        """Refuse data that have changed since a training, or several, were begun in a folder.

        Raises
        ------
        RunError
            The galaxies have another fingerprint.
        """
        if self.fingerprint != fingerprint:
            raise RunError(
                f"{folder}: its images or table have changed since it was begun",
                wanted=f"data with the fingerprint {fingerprint}",
                got=self.fingerprint,
                hint="put the data back, or choose another `output`",
            )

    def split(self, shares: Split, seed: int) -> Parts:
        """The part of each galaxy of each table.

        Each table is split by the shares. An image that is in several tables is in one part: that
        of the first of them. The other galaxies of an auxiliary table are for training where they
        are too few to be split. Where the shares state a fold, its galaxies are in the part
        ``out_of_fold`` instead of ``train`` (see `folds`).
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
        if shares.fold is None:
            return tuple(parts)
        left_out, count = shares.fold
        folds = self.folds(tuple(parts), count, shares, seed)
        return tuple(
            np.where((drawn == "train") & (fold == left_out), OUT_OF_FOLD, drawn)
            for drawn, fold in zip(parts, folds, strict=True)
        )

    def folds(
        self, parts: Parts, count: int, shares: Split, seed: int
    ) -> tuple[NDArray[np.int64], ...]:
        """(galaxies,) folds of each table, counted from 1; see `draw_folds`.

        Tables of the task in all labellings are dealt. A galaxy of another table is in a fold where
        its image is in one of those.
        """
        of_the_task = [
            number
            for number, sample in enumerate(self.tables)
            if self.first.targets.same_task(sample.targets)
        ]
        seed = seed if shares.seed is None else shares.seed
        return draw_folds(self.tables, parts, of_the_task, count, seed)

    def task(self, parts: Parts) -> Task:
        """The task of the first table; an output is known if any table of the task knows it."""
        return self._task(self.by_task[0], parts)

    def auxiliary_tasks(self, parts: Parts) -> tuple[Task, ...]:
        """The auxiliary tasks."""
        return tuple(self._task(numbers, parts) for numbers in self.auxiliary)

    def _task(self, numbers: Sequence[int], parts: Parts) -> Task:
        task, *others = (self.tables[i].task(_training(parts[i])) for i in numbers)
        for other in others:
            task = task.merge(other)
        return task

    def galaxies_by_part(self, parts: Parts) -> dict[str, Galaxies]:
        """The galaxies of each part of the first table (see `galaxies`)."""
        return {part: self.galaxies(parts, part) for part in dict.fromkeys(parts[0])}

    def galaxies(self, parts: Parts, part: str) -> Galaxies:
        """The galaxies of a part: for training those of all tables, otherwise of the first.

        An image that is in several tables is one galaxy. Its targets are the mean fractions of the
        tables of votes (or the class in the first table that has one); and so are its values for
        each auxiliary task.
        """
        packs = [sample.pack.images for sample in self.tables]
        images = packs[0] if len(packs) == 1 else Chain(packs)
        gathering = _Gathering(self.first.targets, images, list(map(len, packs)))
        for number in self.by_task[0]:
            if number == 0 or part == "train":
                gathering.add(number, self.tables[number], np.flatnonzero(parts[number] == part))
        for numbers in self.auxiliary:
            gathering.begin_task(self.tables[numbers[0]].targets)
            for number in numbers:
                rows = np.flatnonzero(parts[number] == part)
                gathering.label(number, self.tables[number], rows, add=part == "train")
        return gathering.galaxies()


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
        self._labels: list[tuple[Targets, list[tuple[NDArray[np.int64], Values]]]] = []

    def add(self, number: int, sample: Sample, rows: NDArray[np.int64]) -> None:
        """Add galaxies of a table that has the first table's task."""
        at, known = self._find(sample, rows)
        values = sample.values(rows)
        if not known.any():
            self._append(number, sample, rows, values)
            return
        self._append(number, sample, rows[~known], values[~known])
        self._same.append((at[known], values[known]))

    def begin_task(self, targets: Targets) -> None:
        """Begin an auxiliary task with targets of that type."""
        self._labels.append((targets, []))

    def label(self, number: int, sample: Sample, rows: NDArray[np.int64], *, add: bool) -> None:
        """Set the values of a table of the task begun; `add` the galaxies not there yet."""
        at, known = self._find(sample, rows)
        labels = sample.values(rows)
        if add:
            new = rows[~known]
            at[~known] = self._count + np.arange(len(new))
            known[:] = True
            self._append(number, sample, new, self._targets.blank(len(new)))
        self._labels[-1][1].append((at[known], labels[known]))

    def galaxies(self) -> Galaxies:
        """All galaxies that were added."""
        values = self._values[0] if len(self._values) == 1 else np.concatenate(self._values)
        values = self._targets.combine(values, self._same)
        labels = tuple(
            targets.combine(targets.blank(len(values)), of_tables)
            for targets, of_tables in self._labels
        )
        return Galaxies(self._images, np.concatenate(self._rows), values, labels)

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
    for number, *_ in samples.auxiliary:
        catalog = samples.tables[number].catalog
        targets = samples.tables[number].targets
        if not (targets.auxiliary or samples.first.targets.same_task(targets)):
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
