"""The galaxies of one table, or of several that are learnt from together."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.dataset.parts import split_parts
from galaxyclass.data.dataset.prepare import Sample, Source, prepare
from galaxyclass.errors import CatalogError
from galaxyclass.progress import Progress
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import Split
from galaxyclass.tasks.outputs import ClassOutputs, Outputs, VoteOutputs
from galaxyclass.tasks.targets import ClassTargets, VoteTargets

#: The part of each galaxy, table by table.
Parts = tuple[NDArray[np.object_], ...]


@dataclass(frozen=True)
class Samples:
    """Samples that a network learns from together.

    Attributes
    ----------
    tables : tuple of Sample
        The first is what the network is for: it gives that table's answers and is scored on it.
        Others of the same tree add galaxies, whatever of the tree they know; others of classes
        are learnt beside it, as auxiliary outputs.
    """

    tables: tuple[Sample, ...]

    @property
    def first(self) -> Sample:
        """The sample of the first table."""
        return self.tables[0]

    @property
    def auxiliary(self) -> tuple[int, ...]:
        """Which tables have an output of their own: classes beside the first table."""
        return tuple(
            number
            for number, sample in enumerate(self.tables)
            if number and not self._same_outputs(sample)
        )

    @property
    def fingerprint(self) -> str:
        """BLAKE2b-128 in hex of all that is learnt from; of one table that of its sample."""
        if len(self.tables) == 1:
            return self.first.fingerprint
        prints = "".join(sample.fingerprint for sample in self.tables)
        return hashlib.blake2b(prints.encode(), digest_size=16).hexdigest()

    def split(self, shares: Split, seed: int) -> Parts:
        """The part of each galaxy of each table.

        Each table has its shares; an image that stands in several is in one part, that of the
        first of them. What an auxiliary table has besides is for training where it is too little to
        be shared out.
        """
        smallest = min(share for share in (shares.validation, shares.test) if share > 0)
        parts: list[NDArray[np.object_]] = []
        known: dict[bytes, str] = {}
        for sample in self.tables:
            drawn = np.array([known.get(digest, "") for digest in sample.digests], dtype=object)
            fresh = np.flatnonzero(drawn == "")
            if len(fresh) == len(drawn):
                drawn = split_parts(sample, shares, seed)
            elif len(fresh) * smallest < 1:
                drawn[fresh] = "train"
            else:
                drawn[fresh] = split_parts(sample.take(fresh), shares, seed)
            if len(self.tables) > 1:
                known.update(zip(sample.digests, drawn, strict=True))
            parts.append(drawn)
        return tuple(parts)

    def outputs(self, parts: Parts) -> Outputs:
        """What a network of these tables gives: the first's answers, known if any table knows."""
        own = self.first.outputs(_training(parts[0]))
        for sample, drawn in zip(self.tables[1:], parts[1:], strict=True):
            if isinstance(own, VoteOutputs) and self._same_outputs(sample):
                more = sample.outputs(_training(drawn))
                assert isinstance(more, VoteOutputs), "of the same tree"
                means = zip(own.mean, more.mean, strict=True)
                own = replace(
                    own,
                    known=tuple(a or b for a, b in zip(own.known, more.known, strict=True)),
                    mean=tuple(b if math.isnan(a) else a for a, b in means),
                )
        return own

    def auxiliary_outputs(self, parts: Parts) -> tuple[ClassOutputs, ...]:
        """What it gives beside them."""
        found = [self.tables[i].outputs(_training(parts[i])) for i in self.auxiliary]
        return tuple(one for one in found if isinstance(one, ClassOutputs))

    def galaxies(self, parts: Parts, part: str) -> Chosen:
        """The galaxies of a part: of training those of all tables, otherwise the first's.

        An image that stands in several tables is one galaxy. What it is learnt as is the mean of
        what the tables of votes say of each answer (their classes, of the first that knows one),
        and its class in each auxiliary table.
        """
        auxiliary = self.auxiliary
        chosen = _Gathering()
        for number, sample in enumerate(self.tables):
            if number == 0 or (part == "train" and number not in auxiliary):
                chosen.add(number, sample, np.flatnonzero(parts[number] == part))
        for number in auxiliary:
            places = np.flatnonzero(parts[number] == part)
            chosen.label(number, self.tables[number], places, add=part == "train")
        return chosen.chosen()

    def _same_outputs(self, other: Sample) -> bool:
        mine, theirs = self.first.catalog.targets, other.catalog.targets
        if isinstance(mine, VoteTargets) and isinstance(theirs, VoteTargets):
            return mine.tree == theirs.tree
        if isinstance(mine, ClassTargets) and isinstance(theirs, ClassTargets):
            return mine.classes == theirs.classes
        return False


@dataclass(frozen=True)
class Chosen:
    """Galaxies of several tables.

    Attributes
    ----------
    tables, rows : (galaxies,) int64
        The table of each, and its row in that table's pack.
    values : (galaxies, answers) float32, or (galaxies,) int64
        Targets of the first table's kind; NaN, or -1, unknown.
    labels : tuple of (galaxies,) int64
        The class of each in each auxiliary table; -1 unknown.
    """

    tables: NDArray[np.int64]
    rows: NDArray[np.int64]
    values: NDArray[np.float32] | NDArray[np.int64]
    labels: tuple[NDArray[np.int64], ...]


class _Gathering:
    """Galaxies of several tables, one for each image."""

    def __init__(self) -> None:
        self._count = 0
        self._place_of: dict[bytes, int] = {}
        self._digests: list[NDArray[np.bytes_]] = []  # of the last galaxies, not looked for yet
        self._tables: list[NDArray[np.int64]] = []
        self._rows: list[NDArray[np.int64]] = []
        self._values: list[NDArray[Any]] = []
        self._same: list[tuple[NDArray[np.int64], NDArray[Any]]] = []
        self._labels: list[tuple[NDArray[np.int64], NDArray[Any]]] = []

    def add(self, number: int, sample: Sample, places: NDArray[np.int64]) -> None:
        """Galaxies with targets of the first table's kind."""
        at, known = self._find(sample, places)
        values = sample.values(places)
        if not known.any():
            self._append(number, sample, places, values)
            return
        self._append(number, sample, places[~known], values[~known])
        self._same.append((at[known], values[known]))

    def label(self, number: int, sample: Sample, places: NDArray[np.int64], *, add: bool) -> None:
        """The classes of an auxiliary table; `add` the galaxies that are not there yet."""
        at, known = self._find(sample, places)
        labels = sample.values(places)
        if add:
            fresh = places[~known]
            at[~known] = self._count + np.arange(len(fresh))
            known[:] = True
            nothing = np.full_like(self._values[0][:1], -1 if self._values[0].ndim == 1 else np.nan)
            self._append(number, sample, fresh, np.repeat(nothing, len(fresh), axis=0))
        self._labels.append((at[known], labels[known]))

    def chosen(self) -> Chosen:
        """All of them."""
        values = self._values[0] if len(self._values) == 1 else np.concatenate(self._values)
        if values.ndim > 1:
            values = _mean(values, self._same)
        else:
            for at, others in self._same:
                values[at] = np.where(values[at] >= 0, values[at], others)
        labels = []
        for at, own in self._labels:
            column = np.full(len(values), -1, dtype=np.int64)
            column[at] = own
            labels.append(column)
        tables, rows = np.concatenate(self._tables), np.concatenate(self._rows)
        return Chosen(tables, rows, values, tuple(labels))

    def _find(
        self, sample: Sample, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        if not self._count:
            return np.full(len(places), -1, dtype=np.int64), np.zeros(len(places), dtype=bool)
        start = self._count - sum(map(len, self._digests))
        for place, digest in enumerate(chain.from_iterable(self._digests), start):
            self._place_of.setdefault(digest, place)
        self._digests.clear()
        at = (self._place_of.get(digest, -1) for digest in sample.digests[places])
        found = np.fromiter(at, np.int64, len(places))
        return found, found >= 0

    def _append(
        self, number: int, sample: Sample, places: NDArray[np.int64], values: NDArray[Any]
    ) -> None:
        self._count += len(places)
        self._digests.append(sample.digests[places])
        self._tables.append(np.full(len(places), number, dtype=np.int64))
        self._rows.append(sample.rows[places])
        self._values.append(values)


def _mean(
    values: NDArray[np.float32], same: Sequence[tuple[NDArray[np.int64], NDArray[np.float32]]]
) -> NDArray[np.float32]:
    """The mean of what is known: of each galaxy's own values and of those of other tables."""
    if not same:
        return values
    sums = np.nan_to_num(values).astype(np.float64)
    counts = (~np.isnan(values)).astype(np.int64)
    for at, others in same:
        np.add.at(sums, at, np.nan_to_num(others))
        np.add.at(counts, at, ~np.isnan(others))
    mean = np.full(sums.shape, np.nan, dtype=np.float32)
    np.divide(sums, counts, out=mean, where=counts > 0, casting="same_kind")
    return mean


def prepare_all(
    sources: Sequence[Source],
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
        As `prepare`; and where an auxiliary table cannot be learnt beside the first.
    InvalidCatalogError
        As `prepare`.
    """
    samples = Samples(
        tuple(
            prepare(source, preprocessing, cache=cache, workers=workers, progress=progress)
            for source in sources
        )
    )
    for number in samples.auxiliary:
        catalog = samples.tables[number].catalog
        if isinstance(catalog.targets, VoteTargets):
            first = samples.first.catalog
            raise CatalogError(
                f"{catalog.table}: its votes cannot be learnt beside {first.table or first.images}",
                wanted="votes on the same tree beside votes, or a table of classes",
                got=f"votes on {catalog.targets.tree.title}",
                hint="name the table of votes first (`table`), that of classes after it (`also`)",
            )
    return samples


def _training(parts: NDArray[np.object_]) -> NDArray[np.int64]:
    return np.flatnonzero(parts == "train")
